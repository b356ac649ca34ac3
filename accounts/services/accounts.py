"""Accounts: create, change, delete, and the same for rows another system names."""

from datetime import datetime
from typing import Any, Unpack

from django.db import transaction

from accounts.enums import Entity
from accounts.errors import InvalidInput
from accounts.models import Account, Activity, Subscription, SurveyResponse, Ticket
from accounts.services.attributes import BUILTIN, set_attributes
from accounts.services.context import Context, Options, context_of
from accounts.services.external_ids import (
    find_by_external_id,
    give_external_id,
    lock_external_id,
)
from accounts.services.fields import clean_date, clean_text, refuse_unknown
from team.models import User

# What is deleted with an account, and comes back with it.
OF_ACCOUNT = (Subscription, Activity, Ticket, SurveyResponse)
COLUMNS = {"name", "domain", "parent", "customer_since"}
FIELDS = COLUMNS | BUILTIN | {"attributes"}


@transaction.atomic
def create_account(*, fields: dict[str, Any], **options: Unpack[Options]) -> Account:
    """Create an account. `fields`: FIELDS, of which only `name` is needed. Raises InvalidInput."""
    refuse_unknown(fields, FIELDS)
    if not fields.get("name"):
        msg = "An account needs a name."
        raise InvalidInput(msg, "name")
    account = Account(**clean_columns(fields, None))
    account.save()
    context_of(options).tell(account.pk, "account.created", options.get("occurred_at") or options["now"])
    set_attributes(row=account, values=dated_values(fields), **options)
    return account


@transaction.atomic
def update_account(*, account: Account, fields: dict[str, Any], **options: Unpack[Options]) -> Account:
    """Change the given fields; fields left out stay. Raises InvalidInput."""
    refuse_unknown(fields, FIELDS)
    account = Account.objects.select_for_update().get(pk=account.pk)
    columns = clean_columns(fields, account)
    changed = [name for name, value in columns.items() if getattr(account, name) != value]
    if "parent" in changed:
        _tell_of_parent(account, columns["parent"], options)
    for name in changed:
        setattr(account, name, columns[name])
    if changed:
        account.save(update_fields=changed)
    set_attributes(row=account, values=dated_values(fields), **options)
    return account


@transaction.atomic
def upsert_account(
    *, system: str, external_id: str, fields: dict[str, Any], **options: Unpack[Options]
) -> tuple[Account, bool]:
    """Create or change the account another system calls `external_id`; a new one is named after it
    when no name is given. Returns (account, whether it is new). Raises InvalidInput.
    """
    lock_external_id(Entity.ACCOUNT, system, external_id)
    account = _find(system, external_id)
    if account is not None:
        return update_account(account=account, fields=fields, **options), False
    named = fields if fields.get("name") else fields | {"name": external_id[:200]}
    account = create_account(fields=named, **options)
    give_external_id(entity=Entity.ACCOUNT, system=system, value=external_id, object_id=account.pk)
    return account, True


@transaction.atomic
def delete_account(*, account: Account, now: datetime, actor: User | None = None) -> None:
    """Leave tombstones of the account and its facts: systems that follow see deleted_at."""
    changed = Account.objects.filter(pk=account.pk).update(deleted_at=now)
    if changed:
        for model in OF_ACCOUNT:
            model.objects.filter(account=account).update(deleted_at=now)
        Context(now=now, actor=actor).tell(account.pk, "account.deleted", now)


def _tell_of_parent(account: Account, parent: Account | None, options: Options) -> None:
    """Write that an account moves below another, or stands by itself; whom it leaves hears of it too."""
    context, at = context_of(options), options.get("occurred_at") or options["now"]
    before = account.parent_id
    parent_id = None if parent is None else parent.pk
    context.tell(account.pk, "parent.changed", at, {"parent_id": parent_id, "from_id": before})
    if before is not None:
        context.tell(before, "child.left", at, {"child_id": account.pk})


def _find(system: str, external_id: str) -> Account | None:
    """Return the account; one that was deleted comes back, facts and all, when its system names it again."""
    pk = find_by_external_id(Entity.ACCOUNT, system, external_id)
    if pk is None:
        return None
    account = Account.all_objects.get(pk=pk)
    if account.deleted_at is not None:
        for model in OF_ACCOUNT:
            model.all_objects.filter(account=account, deleted_at=account.deleted_at).update(deleted_at=None)
        Account.all_objects.filter(pk=pk).update(deleted_at=None)
    return account


def clean_columns(fields: dict[str, Any], account: Account | None) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if "name" in fields:
        columns["name"] = clean_text(fields["name"], "name", limit=200, required=True)
    if "domain" in fields:
        columns["domain"] = clean_text(fields["domain"], "domain", limit=253).lower()
    if "parent" in fields:
        columns["parent"] = fields["parent"]
        _refuse_loop(account, fields["parent"])
    if "customer_since" in fields:
        columns["customer_since"] = clean_date(fields["customer_since"], "customer_since")
    return columns


def dated_values(fields: dict[str, Any]) -> dict[str, Any]:
    attributes = fields.get("attributes") or {}
    refused = BUILTIN & set(attributes)
    if refused:
        msg = f"{', '.join(sorted(refused))}: give built-in fields beside attributes, not inside."
        raise InvalidInput(msg, "attributes")
    return {key: fields[key] for key in sorted(BUILTIN & set(fields))} | attributes


def _refuse_loop(account: Account | None, parent: Account | None) -> None:
    above, seen = parent, set[int]()
    # A circle among others, which only the database can bring about, ends too.
    while account is not None and above is not None and above.pk not in seen:
        seen.add(above.pk)
        if above.pk == account.pk:
            msg = f"{parent} stands below {account} and cannot be its parent."
            raise InvalidInput(msg, "parent")
        above = above.parent
