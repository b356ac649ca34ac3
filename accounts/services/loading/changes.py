"""Known accounts, many at once, brought up to what another system says of them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.enums import Entity
from accounts.errors import InvalidInput
from accounts.events import write_events
from accounts.models import Account, AttributeValue
from accounts.services.accounts import FIELDS, clean_columns, dated_values
from accounts.services.attributes import change_event, put_value, value_at
from accounts.services.context import Context
from accounts.services.fields import refuse_unknown
from accounts.services.loading.batch import BATCH_SIZE, Attributes
from team.models import User

# Values of an attribute by its definition's key, oldest first.
History = dict[int, list[AttributeValue]]


@dataclass(frozen=True, kw_only=True)
class ChangedAccount:
    """Fields as of `update_account`, holding from `occurred_at` on."""

    account: Account
    fields: dict[str, Any]
    occurred_at: datetime | None = None


@transaction.atomic
def change_accounts(
    rows: Sequence[ChangedAccount],
    *,
    now: datetime,
    backfill: bool = False,
    actor: User | None = None,
    define_missing: bool = False,
) -> list[Account | InvalidInput]:
    """Do for each row what `update_account` does. Returns, in order, the account or InvalidInput.

    The accounts must be locked by the caller, and each stand in one row only.
    """
    context = Context(now=now, backfill=backfill, actor=actor)
    values = [_dated_or_nothing(row) for row in rows]
    attributes = Attributes(Entity.ACCOUNT, values, define_missing=define_missing)
    histories = _histories(rows, attributes)
    results: list[Account | InvalidInput] = []
    fresh: list[AttributeValue] = []
    changed: dict[str, list[Account]] = defaultdict(list)
    for row in rows:
        account, history = row.account, histories[row.account.pk]
        try:
            columns = _changed_columns(row)
            new = _new_values(row, attributes, history, context)
        except InvalidInput as error:
            results.append(error)
            continue
        fields = set(columns)
        for name, value in columns.items():
            setattr(account, name, value)
        for each in new:
            earlier = history.get(each.definition_id)
            if not earlier or each.occurred_at >= earlier[-1].occurred_at:
                fields.add(put_value(account, each.definition, each.value))
        for name in fields:
            changed[name].append(account)
        fresh += new
        results.append(account)
    for name, accounts in changed.items():
        Account.objects.bulk_update(accounts, [name], batch_size=BATCH_SIZE)
    AttributeValue.objects.bulk_create(fresh, batch_size=BATCH_SIZE)
    write_events(change_event(value, histories[value.account_id or 0], context) for value in fresh)
    return results


def _changed_columns(row: ChangedAccount) -> dict[str, Any]:
    refuse_unknown(row.fields, FIELDS)
    fields = dict(row.fields)
    if "parent" in fields and getattr(fields["parent"], "pk", None) == row.account.parent_id:
        del fields["parent"]
    columns = clean_columns(fields, row.account)
    return {name: value for name, value in columns.items() if getattr(row.account, name) != value}


def _new_values(
    row: ChangedAccount, attributes: Attributes, history: History, context: Context
) -> list[AttributeValue]:
    at = row.occurred_at or context.now
    return [
        AttributeValue(
            definition=definition, account=row.account, value=value, actor=context.actor, **context.times(at)
        )
        for definition, value in attributes.clean(dated_values(row.fields))
        if value != value_at(history.get(definition.pk, []), at)
    ]


def _histories(rows: Iterable[ChangedAccount], attributes: Attributes) -> dict[int, History]:
    histories: dict[int, History] = {row.account.pk: {} for row in rows}
    known = AttributeValue.objects.filter(account__in=histories, definition__in=attributes.definitions.values())
    for value in known.order_by("occurred_at", "id"):
        histories[value.account_id or 0].setdefault(value.definition_id, []).append(value)
    return histories


def _dated_or_nothing(row: ChangedAccount) -> dict[str, Any]:
    """Return a row's dated values; nothing for one that will be refused."""
    try:
        return dated_values(row.fields)
    except InvalidInput:
        return {}
