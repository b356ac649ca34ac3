"""Who belongs where, as group calls and events that name an account say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from accounts.services.loading import Joining, join_accounts
from health.ingest.calls import GROUP
from health.models import GroupCall
from health.usage.copying import as_array
from health.usage.identities import Identities
from health.usage.incoming import Incoming

Pair = tuple[int, int]  # contact, account


@dataclass(slots=True)
class Mentions:
    """What calls say about who belongs where."""

    lost: set[int] = field(default_factory=set)  # contacts whose events name no account
    group_calls: list[tuple[Incoming, Pair]] = field(default_factory=list)
    # When a contact first appears in an event that names an account, apart for backfill.
    first_use: dict[tuple[Pair, bool], datetime] = field(default_factory=dict)


def join(calls: Sequence[Incoming], identities: Identities, *, now: datetime) -> set[int]:
    """Make contacts members, and keep where those of several accounts work.

    A group call joins whoever is not there; an event joins where the two have never met. Returns the
    contacts whose whereabouts have changed. Afterwards `identities` knows where those are whose
    events name no account.
    """
    mentions = _mentions(calls, identities)
    strangers = _never_met({pair for pair, _ in mentions.first_use})
    movers = {contact_id for _, (contact_id, _) in mentions.group_calls} | {contact_id for contact_id, _ in strangers}
    identities.load_whereabouts(mentions.lost | movers)
    changed: set[int] = set()
    for is_backfill in (False, True) if movers else ():
        joinings = _joinings(mentions, strangers, identities, is_backfill=is_backfill)
        if joinings:
            join_accounts(joinings, now=now, backfill=is_backfill)
            joined = {joining.contact_id for joining in joinings}
            identities.load_whereabouts(joined)
            changed |= joined
    return changed | _note_visits(mentions.group_calls, identities)


def _mentions(calls: Sequence[Incoming], identities: Identities) -> Mentions:
    found = Mentions()
    first_use = found.first_use
    for incoming in calls:
        call = incoming.call
        contact_id = identities.contact_of(incoming)
        if not contact_id:
            continue
        if not call.group_id:
            found.lost.add(contact_id)
            continue
        pair = (contact_id, identities.accounts[call.group_id])
        if call.kind == GROUP:
            found.group_calls.append((incoming, pair))
        elif call.is_active:
            key = (pair, incoming.batch.is_backfill)
            known = first_use.get(key)
            if known is None or call.occurred_at < known:
                first_use[key] = call.occurred_at
    found.group_calls.sort(key=lambda item: item[0].call.occurred_at)
    return found


def _never_met(pairs: Iterable[Pair]) -> set[Pair]:
    """Return the pairs of contact and account between which there is no membership, past or present."""
    if not (ordered := sorted(pairs)):
        return set()
    contacts, accounts = zip(*ordered, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pair.contact_id, pair.account_id FROM unnest(%s::int[], %s::int[]) AS pair (contact_id, account_id)"
            " WHERE NOT EXISTS (SELECT FROM accounts_membership AS member"
            " WHERE member.contact_id = pair.contact_id AND member.account_id = pair.account_id)",
            [as_array(contacts), as_array(accounts)],
        )
        return set(cursor.fetchall())


def _joinings(mentions: Mentions, strangers: set[Pair], identities: Identities, *, is_backfill: bool) -> list[Joining]:
    found: dict[Pair, datetime] = {}
    for incoming, pair in mentions.group_calls:
        moment = incoming.call.occurred_at
        if incoming.batch.is_backfill == is_backfill and not _is_there(identities, pair, moment):
            found.setdefault(pair, moment)
    for pair in strangers:
        moment_of_use = mentions.first_use.get((pair, is_backfill))
        if moment_of_use is not None and not any(stay.account_id == pair[1] for stay in identities.stays[pair[0]]):
            found[pair] = min(moment_of_use, found.get(pair, moment_of_use))
    return [Joining(*pair, moment) for pair, moment in sorted(found.items())]


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
