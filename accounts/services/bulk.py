"""The same as the services for one, for the thousands of people that usage events name at once.

The caller makes sure that no other caller of this module runs at the same time.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction

from accounts.enums import ContactRole, Entity
from accounts.events import write_events
from accounts.models import Account, AccountEvent, Contact, ExternalId, Membership
from accounts.services.external_ids import check_external_id
from accounts.services.times import fact_times, origin

ROWS_AT_ONCE = 1000


class Joining(NamedTuple):
    contact_id: int
    account_id: int
    occurred_at: datetime


@transaction.atomic
def ensure_contacts(*, system: str, external_ids: Iterable[str]) -> dict[str, int]:
    """Return the key of the contact behind each external id; those nobody has heard of are created empty."""
    return _ensure(Entity.CONTACT, system, external_ids, _create_contacts)


@transaction.atomic
def ensure_accounts(
    *, system: str, first_heard_at: Mapping[str, datetime], now: datetime, backfill: bool = False
) -> dict[str, int]:
    """Return the key of the account behind each external id; unknown ones are created, named after it."""

    def create(keys: dict[str, int]) -> None:
        Account.objects.bulk_create(
            [Account(pk=pk, name=external_id[:200]) for external_id, pk in keys.items()], batch_size=ROWS_AT_ONCE
        )
        write_events(
            AccountEvent(
                account_id=pk,
                kind="account.created",
                occurred_at=first_heard_at[external_id],
                recorded_at=now,
                origin=origin(backfill=backfill),
            )
            for external_id, pk in keys.items()
        )

    return _ensure(Entity.ACCOUNT, system, first_heard_at, create)


@transaction.atomic
def name_contacts(*, names: Mapping[tuple[str, str], int]) -> None:
    """Give contacts further (system, external id) names; a name that is taken stays whose it is."""
    for system, value in names:
        check_external_id(system, value)
    ExternalId.objects.bulk_create(
        [
            ExternalId(entity=Entity.CONTACT, system=system, value=value, object_id=pk)
            for (system, value), pk in sorted(names.items())
        ],
        ignore_conflicts=True,
        batch_size=ROWS_AT_ONCE,
    )


@transaction.atomic
def join_accounts(*, joinings: Iterable[Joining], now: datetime, backfill: bool = False) -> int:
    """Make contacts members of accounts, end users, where they are not at present. Returns how many joined."""
    wanted = {(joining.contact_id, joining.account_id): joining for joining in joinings}
    current = Membership.objects.filter(contact__in={contact for contact, _ in wanted}, until=None)
    for pair in current.values_list("contact_id", "account_id"):
        wanted.pop(pair, None)
    fresh = [
        Membership(
            contact_id=joining.contact_id,
            account_id=joining.account_id,
            role=ContactRole.END_USER,
            **fact_times(occurred_at=joining.occurred_at, now=now, backfill=backfill),
        )
        for joining in wanted.values()
    ]
    Membership.objects.bulk_create(fresh, batch_size=ROWS_AT_ONCE)
    write_events(
        AccountEvent(
            account_id=joining.account_id,
            kind="contact.joined",
            occurred_at=joining.occurred_at,
            recorded_at=now,
            origin=origin(backfill=backfill),
            payload={"contact_id": joining.contact_id, "role": ContactRole.END_USER},
        )
        for joining in wanted.values()
    )
    return len(fresh)


def find_all_by_external_id(entity: str, system: str, values: Iterable[str]) -> dict[str, int]:
    """Return the keys of the rows another system calls `values`, by value; the unknown are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT value, object_id FROM accounts_externalid WHERE entity = %s AND system = %s AND value = ANY(%s)",
            [entity, system, list(values)],
        )
        return dict(cursor.fetchall())


def _ensure(
    entity: Entity, system: str, external_ids: Iterable[str], create: Callable[[dict[str, int]], None]
) -> dict[str, int]:
    wanted = set(external_ids)
    keys = find_all_by_external_id(entity, system, wanted)
    missing = sorted(wanted - keys.keys())
    if not missing:
        return keys
    for external_id in missing:
        check_external_id(system, external_id)
    table = "accounts_contact" if entity == Entity.CONTACT else "accounts_account"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [table, len(missing)],
        )
        fresh = dict(zip(missing, (row[0] for row in cursor.fetchall()), strict=True))
    # The id decides: whoever names it first has created the row, should the API be at it too.
    ExternalId.objects.bulk_create(
        [
            ExternalId(entity=entity, system=system, value=external_id, object_id=pk)
            for external_id, pk in fresh.items()
        ],
        ignore_conflicts=True,
        batch_size=ROWS_AT_ONCE,
    )
    keys |= find_all_by_external_id(entity, system, missing)
    create({external_id: pk for external_id, pk in fresh.items() if keys[external_id] == pk})
    return keys


def _create_contacts(keys: dict[str, int]) -> None:
    Contact.objects.bulk_create([Contact(pk=pk) for pk in keys.values()], batch_size=ROWS_AT_ONCE)
