"""Who belongs where, as group calls and events that name an account say."""

from collections.abc import Sequence
from datetime import datetime

from accounts.services.bulk import Joining, join_accounts
from health.ingest.calls import GROUP
from health.models import GroupCall
from health.usage.identities import Identities
from health.usage.incoming import Incoming

Pair = tuple[int, int]  # contact, account


def join(calls: Sequence[Incoming], identities: Identities, *, now: datetime) -> set[int]:
    """Make contacts members, and keep where those of several accounts work.

    A group call joins whoever is not there; an event joins where the two have never met. Returns the
    contacts whose whereabouts have changed. Afterwards `identities` knows where everybody is.
    """
    contact_ids, group_calls, first_use = _sorted_out(calls, identities)
    identities.load_whereabouts(contact_ids)
    group_calls.sort(key=lambda item: item[0].call.occurred_at)
    changed: set[int] = set()
    for is_backfill in (False, True):
        joinings = _joinings(group_calls, first_use, identities, is_backfill=is_backfill)
        if joinings:
            join_accounts(joinings=joinings, now=now, backfill=is_backfill)
            joined = {joining.contact_id for joining in joinings}
            identities.load_whereabouts(joined)
            changed |= joined
    return changed | _note_visits(group_calls, identities)


def _sorted_out(
    calls: Sequence[Incoming], identities: Identities
) -> tuple[set[int], list[tuple[Incoming, Pair]], dict[tuple[Pair, bool], datetime]]:
    """Return (all contacts, group calls, when a pair was first in an event, apart for backfill)."""
    contact_ids: set[int] = set()
    group_calls: list[tuple[Incoming, Pair]] = []
    first_use: dict[tuple[Pair, bool], datetime] = {}
    for incoming in calls:
        call = incoming.call
        contact_id = identities.contact_of(incoming)
        if not contact_id:
            continue
        contact_ids.add(contact_id)
        if not call.group_id:
            continue
        pair = (contact_id, identities.accounts[call.group_id])
        if call.kind == GROUP:
            group_calls.append((incoming, pair))
        elif call.is_active:
            key = (pair, incoming.batch.is_backfill)
            known = first_use.get(key)
            if known is None or call.occurred_at < known:
                first_use[key] = call.occurred_at
    return contact_ids, group_calls, first_use


def _joinings(
    group_calls: list[tuple[Incoming, Pair]],
    first_use: dict[tuple[Pair, bool], datetime],
    identities: Identities,
    *,
    is_backfill: bool,
) -> list[Joining]:
    found: dict[Pair, datetime] = {}
    for incoming, pair in group_calls:
        moment = incoming.call.occurred_at
        if incoming.batch.is_backfill == is_backfill and not _is_there(identities, pair, moment):
            found.setdefault(pair, moment)
    for (pair, flag), moment in first_use.items():
        if flag == is_backfill and not any(stay.account_id == pair[1] for stay in identities.stays[pair[0]]):
            found[pair] = min(moment, found.get(pair, moment))
    return [Joining(*pair, moment) for pair, moment in found.items()]


def _is_there(identities: Identities, pair: Pair, moment: datetime) -> bool:
    """Return whether the contact is a member now, or was at that moment."""
    contact_id, account_id = pair
    return any(
        stay.until is None or stay.since <= moment < stay.until
        for stay in identities.stays[contact_id]
        if stay.account_id == account_id
    )


def _note_visits(group_calls: list[tuple[Incoming, Pair]], identities: Identities) -> set[int]:
    """Keep where people of several accounts say they work, when that changes; return those people."""
    fresh = []
    for incoming, (contact_id, account_id) in group_calls:
        if len({stay.account_id for stay in identities.stays[contact_id]}) > 1:
            moment = incoming.call.occurred_at
            before = [visit for visit in identities.visits[contact_id] if visit.since <= moment]
            if not before or before[-1].account_id != account_id:
                fresh.append(GroupCall(contact_id=contact_id, account_id=account_id, occurred_at=moment))
                identities.note_visit(contact_id, account_id, moment)
    GroupCall.objects.bulk_create(fresh)
    return {visit.contact_id for visit in fresh}
