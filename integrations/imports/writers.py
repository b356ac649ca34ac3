"""From records to rows that services take: how each target is built, created in bulk, and changed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from accounts.enums import TicketStatus
from accounts.models import Account
from accounts.services import (
    join_account,
    leave_account,
    record_activity,
    record_survey_response,
    upsert_account,
    upsert_contact,
    upsert_subscription,
    upsert_ticket,
)
from accounts.services.loading import (
    NewAccount,
    NewActivity,
    NewContact,
    NewResponse,
    NewSubscription,
    NewTicket,
    create_accounts,
    create_contacts,
    create_subscriptions,
    open_tickets,
    record_activities,
    record_survey_responses,
)
from integrations.imports.errors import BadValue
from integrations.imports.grouping import Record
from integrations.imports.mapping import Field
from integrations.imports.references import References


@dataclass(frozen=True)
class Options:
    """What holds for every record of a chunk: when we got it, and whether it is history."""

    system: str
    now: datetime
    is_backfill: bool

    def times(self) -> dict[str, Any]:
        return {"now": self.now, "backfill": self.is_backfill}

    def name(self, record: Record) -> dict[str, Any]:
        return {"system": self.system, "external_id": record.id}


@dataclass(frozen=True)
class Writer:
    """How a target is written. `build` raises BadValue or InvalidInput, `change` InvalidInput.

    `create` returns None for what is there already: `change` writes it then, from the same row.
    """

    build: Callable[[Record, References, Options], Any]
    create: Callable[[Sequence[Any], Options], Sequence[Any]]
    change: Callable[[Any, Options], Any]
    remember: Callable[[References, str, Any], None] | None = None


def resolve(record: Record, field: Field, refs: References) -> object:
    """Return a field's value with what it refers to in its place. Raises BadValue naming the column."""
    try:
        return _referred(record, field, refs)
    except BadValue as error:
        raise BadValue(error.code, error.message, columns_of(record, field.name)) from None


def columns_of(record: Record, name: str) -> str:
    """Return the file's columns behind a field, empty for one that has none."""
    for field in record.rule.fields:
        if field.name == name:
            return ", ".join(sorted(field.source.value.columns()))
    return ""


def plain(value: object) -> object:
    """Return a value as JSON holds it."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, date) else value


def _referred(record: Record, field: Field, refs: References) -> object:
    if field.kind == "account":
        return refs.account(record, field)
    if field.kind == "contact":
        return refs.contact(record, field)
    value = record.values[field.name]
    if field.kind == "user":
        return refs.user(str(value))
    if field.kind == "team":
        return refs.team(str(value))
    if field.kind == "product":
        return refs.product(str(value))
    return value


def _resolved(record: Record, refs: References, *, leave: str = "") -> dict[str, Any]:
    return {
        field.name: resolve(record, field, refs)
        for field in record.rule.fields
        if field.name in record.values and not field.is_extra and field.name != leave
    }


def _extras(record: Record) -> dict[str, object]:
    return {name: plain(value) for name, value in record.extras.items()}


def _start_of(day: date, record: Record) -> datetime:
    """Return the start of a day where the file was written."""
    return datetime.combine(day, time.min, record.style.time_zone)


def _build_account(record: Record, refs: References, options: Options) -> NewAccount:
    fields = _resolved(record, refs, leave="parent")
    for name in {"csm", "team"} & fields.keys():
        fields[name] = fields[name].pk
    at = fields.pop("at", None)
    if at is None and options.is_backfill and "customer_since" in fields:
        at = _start_of(fields["customer_since"], record)
    if "parent" in record.values:
        fields["parent"] = _parent(str(record.values["parent"]), refs, options, at)
    return NewAccount(fields=fields | {"attributes": _extras(record)}, occurred_at=at, **options.name(record))


def _parent(external_id: str, refs: References, options: Options, at: datetime | None) -> Account:
    """Return the parent, made when its own row comes later in the file."""
    account, _ = upsert_account(
        system=options.system, external_id=external_id, fields={}, occurred_at=at, **options.times()
    )
    refs.remember_account(external_id, account)
    return account


def _change_account(row: NewAccount, options: Options) -> Account:
    return upsert_account(
        system=row.system,
        external_id=row.external_id,
        fields=row.fields,
        occurred_at=row.occurred_at,
        define_missing=True,
        **options.times(),
    )[0]


def _build_contact(record: Record, refs: References, options: Options) -> NewContact:
    fields = _resolved(record, refs)
    return NewContact(
        account=fields.pop("account", None),
        role=fields.pop("role", None),
        occurred_at=fields.pop("at", None),
        left_at=fields.pop("left_at", None),
        fields=fields | {"attributes": _extras(record)},
        **options.name(record),
    )


def _change_contact(row: NewContact, options: Options) -> object:
    contact, _ = upsert_contact(
        system=row.system,
        external_id=row.external_id,
        fields=row.fields,
        occurred_at=row.occurred_at,
        define_missing=True,
        **options.times(),
    )
    if row.account is not None:
        membership = join_account(
            contact=contact,
            account=row.account,
            role=row.role,
            occurred_at=row.occurred_at or options.now,
            **options.times(),
        )
        if row.left_at is not None:
            leave_account(membership=membership, at=row.left_at, **options.times())
    return contact


def _build_subscription(record: Record, refs: References, options: Options) -> NewSubscription:
    """The end is a change of its own, so that it is known only when it came."""
    fields = _resolved(record, refs)
    account, ended_on = fields.pop("account"), fields.pop("ended_on", None)
    start = fields.pop("at", None) or _start_of(fields["started_on"], record)
    changes = []
    if ended_on is not None:
        changes.append((max(start, _start_of(ended_on, record)), {"ended_on": ended_on}))
    return NewSubscription(account=account, fields=fields, effective_at=start, changes=changes, **options.name(record))


def _change_subscription(row: NewSubscription, options: Options) -> object:
    subscription = None
    for at, fields in ((row.effective_at, row.fields), *row.changes):
        subscription, _ = upsert_subscription(
            account=row.account,
            fields=fields,
            effective_at=at,
            system=row.system,
            external_id=row.external_id,
            **options.times(),
        )
    return subscription


def _build_ticket(record: Record, refs: References, options: Options) -> NewTicket:
    """A ticket opens as its fields say; its answer and its solution happen when they did."""
    fields = _resolved(record, refs)
    changed_at = fields.pop("changed_at", None)
    later: dict[str, Any] = {
        name: fields.pop(name) for name in ("status", "first_responded_at", "resolved_at") if name in fields
    }
    if "resolved_at" in later:
        later.setdefault("status", TicketStatus.SOLVED)
    return NewTicket(
        account=fields.pop("account"),
        occurred_at=fields.pop("at"),
        fields=fields,
        later=later,
        changed_at=changed_at or later.get("resolved_at"),
        **options.name(record),
    )


def _change_ticket(row: NewTicket, options: Options) -> object:
    ticket = None
    for fields, at in ((row.fields, row.occurred_at), (row.later, row.changed_at)):
        ticket, _ = upsert_ticket(
            account=row.account,
            fields=fields,
            occurred_at=row.occurred_at,
            changed_at=at,
            system=row.system,
            external_id=row.external_id,
            **options.times(),
        )
    return ticket


def _build_survey(record: Record, refs: References, options: Options) -> NewResponse:
    fields = _resolved(record, refs)
    return NewResponse(occurred_at=fields.pop("at"), source=options.system, **fields, **options.name(record))


def _build_activity(record: Record, refs: References, options: Options) -> NewActivity:
    fields = _resolved(record, refs)
    contact = fields.pop("contact", None)
    return NewActivity(
        occurred_at=fields.pop("at"),
        contacts=[contact] if contact else [],
        source=options.system,
        **fields,
        **options.name(record),
    )


WRITERS: dict[str, Writer] = {
    "accounts": Writer(
        _build_account,
        lambda rows, options: create_accounts(rows, define_missing=True, **options.times()),
        _change_account,
        References.remember_account,
    ),
    "contacts": Writer(
        _build_contact,
        lambda rows, options: create_contacts(rows, define_missing=True, **options.times()),
        _change_contact,
        References.remember_contact,
    ),
    "subscriptions": Writer(
        _build_subscription,
        lambda rows, options: create_subscriptions(rows, **options.times()),
        _change_subscription,
        References.remember_subscription,
    ),
    "tickets": Writer(_build_ticket, lambda rows, options: open_tickets(rows, **options.times()), _change_ticket),
    "surveys": Writer(
        _build_survey,
        lambda rows, options: record_survey_responses(rows, **options.times()),
        lambda row, options: record_survey_response(**vars(row), **options.times()),
    ),
    "activities": Writer(
        _build_activity,
        lambda rows, options: record_activities(rows, **options.times()),
        lambda row, options: record_activity(**vars(row), **options.times()),
    ),
}
