"""From decoded calls to committed roll-ups: the one way in which usage is recorded.

Everything runs in the caller's transaction, between take_write_moment() and its commit. Either all
of it happened or none, and a message that was taken before adds nothing: exactly once.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction

from accounts.errors import InvalidInput
from health.enums import ClockNote, EventKind
from health.ingest.calls import IGNORED, USAGE, encode_properties, event_name, has_nul
from health.ingest.clock import BACKFILL_FROM
from health.ingest.errors import Rejected
from health.models import EventType
from health.usage import held, memberships
from health.usage.arrivals import count_arrivals
from health.usage.attribution import account_at
from health.usage.copying import UsageRow, microseconds, told
from health.usage.identities import Identities, anonymous
from health.usage.incoming import Decoded, Incoming, Quarantined, hash_message, only_fresh
from health.usage.moment import take_write_moment
from health.usage.profiles import ProfileWriter
from health.usage.writing import FOR_EVER, find_seen, remember_messages, write_usage

_source_of = attrgetter("batch.source.id")

TypeKey = tuple[str, str, int | None]  # name, kind, product


@dataclass(slots=True)
class Outcome:
    """What became of the events of a chunk; counters by source."""

    accepted: Counter[int] = field(default_factory=Counter)
    duplicates: Counter[int] = field(default_factory=Counter)
    last_received_at: dict[int, datetime] = field(default_factory=dict)
    quarantined: list[Quarantined] = field(default_factory=list)


class Use(NamedTuple):
    """One use of the product that an import reports. `key`: what makes it the same event next time."""

    key: str
    account_id: int
    name: str
    occurred_at: datetime
    contact_id: int = 0
    kind: EventKind = EventKind.TRACK
    product_id: int | None = None
    value: float | None = None
    properties: dict[str, Any] | None = None


def record(decoded: Decoded, *, recorded_at: datetime) -> Outcome:
    """Write everything that decoded calls say. What has to be quarantined is returned, not written."""
    outcome = Outcome(quarantined=list(decoded.quarantined))
    fresh = only_fresh(decoded.calls, find_seen([incoming.message_hash for incoming in decoded.calls]))
    by_system: dict[str, list[Incoming]] = defaultdict(list)
    for incoming in fresh:
        by_system[incoming.batch.source.system].append(incoming)
    taken: list[Incoming] = []
    rows: list[UsageRow] = []
    for system, calls in by_system.items():
        accepted, attributed, rejected = _record_system(system, calls, now=recorded_at)
        taken += accepted
        rows += attributed
        outcome.quarantined += rejected
    write_usage(rows, recorded_at=recorded_at)
    remember_messages([incoming.message_hash for incoming in taken], day=recorded_at.date())
    count_arrivals(taken)
    _count(outcome, decoded.calls, fresh, taken)
    return outcome


@transaction.atomic
def record_usage(*, uses: Sequence[Use], now: datetime, backfill: bool = False) -> tuple[int, int]:
    """Record uses that an import reports; return (recorded, known already).

    Imports are remembered for ever, by key. `backfill`: they count as known when they happened.
    Keep the transaction short: nobody else can record usage until it ends. Raises InvalidInput.
    """
    recorded_at = take_write_moment()
    by_hash = {hash_message("import", use.key): use for use in uses}
    seen = find_seen(list(by_hash))
    fresh = {key: use for key, use in by_hash.items() if key not in seen}
    for use in fresh.values():
        _check(use, now)
    types = event_types({(use.name, use.kind, use.product_id) for use in fresh.values()})
    rows = []
    received = microseconds(now)
    for message_hash, use in fresh.items():
        type_id = types.get((use.name, use.kind, use.product_id))
        if type_id is None:
            raise InvalidInput(_too_many_message(), "name")
        rows.append(
            UsageRow(
                use.account_id,
                use.contact_id,
                type_id,
                told(
                    0,
                    use.occurred_at,
                    received,
                    message_hash,
                    use.value,
                    0,
                    ClockNote.NONE,
                    backfill,
                    encode_properties(use.properties or {}),
                ),
            )
        )
    write_usage(rows, recorded_at=recorded_at)
    remember_messages(list(fresh), day=FOR_EVER)
    return len(rows), len(uses) - len(rows)


def event_types(wanted: Iterable[TypeKey]) -> dict[TypeKey, int]:
    """Return the keys of event types, making the missing ones; those beyond MAX_EVENT_TYPES are left out."""
    wanted = set(wanted)
    found = _known_types(wanted)
    missing = sorted(wanted - found.keys(), key=str)
    if missing:
        room = max(0, settings.MAX_EVENT_TYPES - EventType.objects.count())
        EventType.objects.bulk_create(
            [EventType(name=name, kind=kind, product_id=product_id) for name, kind, product_id in missing[:room]]
        )
        found = _known_types(wanted)
    return found


def count_events(outcome: Outcome, *, with_rejected: bool = True) -> None:
    """Add to the counters on the page of sources."""
    rejected = Counter(event.batch.source.id for event in outcome.quarantined) if with_rejected else Counter()
    keys = sorted({*outcome.accepted, *outcome.duplicates, *rejected})
    with connection.cursor() as cursor:
        for key in keys:
            cursor.execute(
                "UPDATE health_source SET accepted_count = accepted_count + %s, duplicate_count = duplicate_count + %s,"
                " rejected_count = rejected_count + %s, last_event_at = greatest(last_event_at, %s) WHERE id = %s",
                [
                    outcome.accepted[key],
                    outcome.duplicates[key],
                    rejected[key],
                    outcome.last_received_at.get(key),
                    key,
                ],
            )


def _record_system(
    system: str, calls: list[Incoming], *, now: datetime
) -> tuple[list[Incoming], list[UsageRow], list[Quarantined]]:
    """Apply the calls of one system; return (those taken, rows of usage to write, those rejected)."""
    telling = [incoming for incoming in calls if incoming.call.kind != IGNORED]
    identities = Identities(system, telling)
    profiles = ProfileWriter(telling, identities, now=now)
    profiles.apply()
    if profiles.refused:
        calls = [incoming for incoming in calls if incoming.message_hash not in profiles.refused]
        telling = [incoming for incoming in telling if incoming.message_hash not in profiles.refused]
    met = profiles.met | memberships.join(telling, identities, now=now)
    taken = calls
    usage = [incoming for incoming in telling if incoming.call.kind in USAGE]
    wanted = {_type_of(incoming) for incoming in usage}
    types = event_types(wanted)
    quarantined = profiles.quarantined
    if wanted - types.keys():
        surplus = {incoming.message_hash for incoming in usage if _type_of(incoming) not in types}
        quarantined += [_too_many_types(incoming) for incoming in usage if incoming.message_hash in surplus]
        taken = [incoming for incoming in taken if incoming.message_hash not in surplus]
        usage = [incoming for incoming in usage if incoming.message_hash not in surplus]
    rows, waiting = _place(usage, identities, types)
    held.hold(waiting)
    identities.load_whereabouts(met - identities.stays.keys())
    rows += held.release(met, identities)
    return taken, rows, quarantined


def _place(
    usage: list[Incoming], identities: Identities, types: dict[TypeKey, int]
) -> tuple[list[UsageRow], list[tuple[Incoming, int, int, bytes]]]:
    """Return (rows of events whose account is known, what to hold of the others)."""
    rows = []
    waiting = []
    for incoming in usage:
        call, batch = incoming.call, incoming.batch
        contact_id = identities.contact_of(incoming)
        account_id = identities.accounts[call.group_id] if call.group_id else None
        if account_id is None and contact_id:
            account_id = account_at(call.occurred_at, identities.stays[contact_id], identities.visits[contact_id])
        type_id = types[call.name, call.kind, batch.source.product_id]
        if account_id is None:
            nobody = b"" if contact_id else hash_message(anonymous(identities.system), call.anonymous_id)
            waiting.append((incoming, contact_id, type_id, nobody))
            continue
        if incoming.told is not None:
            rows.append(UsageRow(account_id, contact_id if call.is_active else 0, type_id, incoming.told))
    return rows, waiting


def _count(outcome: Outcome, calls: list[Incoming], fresh: list[Incoming], taken: list[Incoming]) -> None:
    outcome.accepted = Counter(map(_source_of, taken))
    if len(fresh) < len(calls):
        outcome.duplicates = Counter(map(_source_of, calls))
        outcome.duplicates.subtract(Counter(map(_source_of, fresh)))
    batches = {incoming.batch.key: incoming.batch for incoming in calls}
    for batch in batches.values():
        last = outcome.last_received_at.get(batch.source.id, BACKFILL_FROM)
        outcome.last_received_at[batch.source.id] = max(last, batch.received_at)


def _known_types(wanted: set[TypeKey]) -> dict[TypeKey, int]:
    rows = EventType.objects.filter(name__in={name for name, _, _ in wanted})
    return {
        (row.name, row.kind, row.product_id): row.pk for row in rows if (row.name, row.kind, row.product_id) in wanted
    }


def _type_of(incoming: Incoming) -> TypeKey:
    return incoming.call.name, incoming.call.kind, incoming.batch.source.product_id


def _too_many_types(incoming: Incoming) -> Quarantined:
    return Quarantined(
        incoming.batch, incoming.raw, "too_many_event_types", _too_many_message(), incoming.call.message_id
    )


def _too_many_message() -> str:
    return (
        f"There are {settings.MAX_EVENT_TYPES} kinds of events already, so a new name is not taken. Keep ids and"
        " numbers out of event names; MAX_EVENT_TYPES sets the limit."
    )


def _check(use: Use, now: datetime) -> None:
    """Raise InvalidInput for what the wire would not let pass either."""
    try:
        event_name(use.name, use.kind)
    except Rejected as rejected:
        raise InvalidInput(rejected.message, "name") from None
    if not BACKFILL_FROM <= use.occurred_at <= now:
        raise InvalidInput(
            f"The event is dated {use.occurred_at.isoformat()}; from 1990 until now is taken.", "occurred_at"
        )
    if has_nul(use.properties or {}) or "\x00" in use.name:
        raise InvalidInput("A text contains a NUL character, which cannot be stored.", "properties")
