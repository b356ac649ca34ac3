"""New accounts, many at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.enums import Entity
from accounts.errors import InvalidInput
from accounts.models import Account, AccountEvent, AttributeDefinition, AttributeValue
from accounts.services.accounts import FIELDS, clean_columns, dated_values
from accounts.services.attributes import change_event, put_value
from accounts.services.fields import refuse_unknown
from accounts.services.loading.batch import BATCH_SIZE, Attributes, Batch, Context, write_all
from team.models import User


@dataclass(frozen=True, kw_only=True)
class NewAccount:
    """Fields as of `create_account`; without a name it is named like its external id."""

    fields: dict[str, Any]
    occurred_at: datetime | None = None
    system: str = ""
    external_id: str = ""


@transaction.atomic
def create_accounts(
    rows: Sequence[NewAccount],
    *,
    now: datetime,
    backfill: bool = False,
    actor: User | None = None,
    define_missing: bool = False,
) -> list[Account | InvalidInput | None]:
    """Create accounts with their attributes; see the package for what is returned."""
    context = Context(now=now, backfill=backfill, actor=actor)
    attributes = Attributes(Entity.ACCOUNT, [_dated_or_nothing(row) for row in rows], define_missing=define_missing)
    dated: dict[int, list[tuple[AttributeDefinition, Any]]] = {}

    def build(row: NewAccount) -> Account:
        refuse_unknown(row.fields, FIELDS)
        fields = row.fields if row.fields.get("name") else row.fields | {"name": row.external_id[:200]}
        if not fields["name"]:
            raise InvalidInput("An account needs a name.", "name")
        account = Account(**clean_columns(fields, None))
        pairs = attributes.clean(dated_values(fields))
        for definition, value in pairs:
            put_value(account, definition, value)
        dated[id(account)] = pairs
        return account

    batch = Batch(Entity.ACCOUNT, rows, build)
    batch.save()
    values = [
        AttributeValue(
            definition=definition, account=account, value=value, actor=actor, **context.times(row.occurred_at or now)
        )
        for row, account in batch.made
        for definition, value in dated[id(account)]
    ]
    AttributeValue.objects.bulk_create(values, batch_size=BATCH_SIZE)
    events: dict[int, list[AccountEvent]] = {
        account.pk: [context.event(account, "account.created", row.occurred_at or now)] for row, account in batch.made
    }
    for value in values:
        account = value.account
        assert account is not None
        events[account.pk].append(change_event(account, value, {}, now=now, backfill=backfill))
    write_all(event for of_account in events.values() for event in of_account)
    return batch.results


def _dated_or_nothing(row: NewAccount) -> dict[str, Any]:
    """Return a row's dated values; nothing for one that `build` will refuse."""
    try:
        return dated_values(row.fields)
    except InvalidInput:
        return {}
