"""New accounts, many at once, each with how its attributes changed so far."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.enums import Entity
from accounts.errors import InvalidInput
from accounts.events import write_events
from accounts.models import Account, AccountEvent, AttributeDefinition, AttributeValue
from accounts.services.accounts import FIELDS, clean_columns, dated_values
from accounts.services.attributes import change_event, put_value
from accounts.services.context import Context
from accounts.services.fields import refuse_unknown
from accounts.services.loading.batch import BATCH_SIZE, Attributes, Batch
from team.models import User

Dated = tuple[datetime, AttributeDefinition, Any]


@dataclass(frozen=True, kw_only=True)
class NewAccount:
    """Fields as of `create_account`; without a name it is named like its external id.

    `changes` are (from when, attributes as of `set_attributes`), in that order.
    """

    fields: dict[str, Any]
    occurred_at: datetime | None = None
    changes: Sequence[tuple[datetime, dict[str, Any]]] = ()
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
    values = [each for row in rows for each in _dated_or_nothing(row)]
    attributes = Attributes(Entity.ACCOUNT, values, define_missing=define_missing)
    dated: dict[int, list[Dated]] = {}

    def build(row: NewAccount) -> Account:
        refuse_unknown(row.fields, FIELDS)
        fields = row.fields if row.fields.get("name") else row.fields | {"name": row.external_id[:200]}
        if not fields["name"]:
            raise InvalidInput("An account needs a name.", "name")
        account = Account(**clean_columns(fields, None))
        steps = [(row.occurred_at or now, dated_values(fields)), *row.changes]
        dated[id(account)] = list(_differences(attributes, steps))
        for _, definition, value in dated[id(account)]:
            put_value(account, definition, value)
        return account

    batch = Batch(Entity.ACCOUNT, rows, build)
    batch.save()
    written = [
        AttributeValue(definition=definition, account=account, value=value, actor=actor, **context.times(at))
        for _, account in batch.made
        for at, definition, value in dated[id(account)]
    ]
    AttributeValue.objects.bulk_create(written, batch_size=BATCH_SIZE)
    write_events(_events(batch.made, written, context))
    return batch.results


def _differences(attributes: Attributes, steps: Sequence[tuple[datetime, dict[str, Any]]]) -> Iterator[Dated]:
    """Yield the values that differ from those before them. Raises InvalidInput."""
    current: dict[int, Any] = {}
    before: datetime | None = None
    for at, values in steps:
        if before is not None and at < before:
            raise InvalidInput("The changes of an account must be given in the order of their times.", "changes")
        before = at
        for definition, value in attributes.clean(values):
            if current.get(definition.pk) != value:
                current[definition.pk] = value
                yield at, definition, value


def _events(
    made: Sequence[tuple[NewAccount, Account]], values: Sequence[AttributeValue], context: Context
) -> Iterator[AccountEvent]:
    of_account: dict[int, list[AttributeValue]] = defaultdict(list)
    for value in values:
        of_account[value.account_id or 0].append(value)
    for row, account in made:
        yield context.event(account.pk, "account.created", row.occurred_at or context.now)
        history: dict[int, list[AttributeValue]] = defaultdict(list)
        for value in of_account[account.pk]:
            yield change_event(value, history, context)
            history[value.definition_id].append(value)


def _dated_or_nothing(row: NewAccount) -> list[dict[str, Any]]:
    """Return a row's dated values; nothing for one that `build` will refuse."""
    try:
        return [dated_values(row.fields), *(values for _, values in row.changes)]
    except InvalidInput:
        return []
