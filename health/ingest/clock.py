"""When an event happened, by clocks that cannot be trusted. Pure."""

from datetime import UTC, datetime, timedelta

from health.enums import ClockNote
from health.ingest.errors import Rejected

MAX_SKEW = timedelta(hours=24)
MAX_AHEAD = timedelta(hours=24)
BACKFILL_FROM = datetime(1990, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
SECONDS_UNTIL = 100_000_000_000  # a larger number counts milliseconds: as seconds it would be after 5138


def parse_time(value: object, field: str) -> datetime | None:
    """Return the aware time of ISO 8601 text or a Unix time in seconds or milliseconds; None for nothing.

    Text without an offset is UTC. Raises Rejected naming the field.
    """
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                return moment.replace(tzinfo=UTC)
            return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value if abs(value) < SECONDS_UNTIL else value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise Rejected("invalid_timestamp", f"{field} {str(value)[:60]!r} is not a time like 2026-11-24T08:30:00Z.")


def clock_skew(sent_at: object, received_at: datetime) -> tuple[int, ClockNote]:
    """Return (ms to add to the client's times, note); nothing is added when it would be over a day.

    An unreadable sentAt only means that the clock cannot be corrected.
    """
    try:
        moment = parse_time(sent_at, "sentAt")
    except Rejected:
        return 0, ClockNote.SKEW_IGNORED
    if moment is None:
        return 0, ClockNote.NONE
    skew = received_at - moment
    return (round(skew / MILLISECOND), ClockNote.NONE) if abs(skew) <= MAX_SKEW else (0, ClockNote.SKEW_IGNORED)


def settle_time(
    original: datetime | None, skew: tuple[int, ClockNote], received_at: datetime, *, earliest: datetime
) -> tuple[datetime, int, ClockNote]:
    """Return (occurred_at, ms added to the client's time, note).

    Up to a day ahead is set to received_at. Raises Rejected for times further ahead or before `earliest`.
    """
    if original is None:
        return received_at, 0, ClockNote.NONE
    shift_ms, note = skew
    try:
        occurred_at = original + timedelta(milliseconds=shift_ms) if shift_ms else original
    except OverflowError:
        occurred_at = original
    if earliest <= occurred_at <= received_at:
        return occurred_at, shift_ms, note
    if occurred_at < earliest:
        raise Rejected(
            "timestamp_too_old", f"The event is dated {original.isoformat()}; the oldest taken is {earliest.date()}."
        )
    if occurred_at - received_at > MAX_AHEAD:
        raise Rejected("timestamp_in_future", f"The event is dated {original.isoformat()}, over a day ahead.")
    return received_at, round((received_at - original) / MILLISECOND), ClockNote.CLAMPED
