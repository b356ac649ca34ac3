"""When what is declared in the timetable runs next. The row decides, the declaration only starts it.

Any number of schedulers may tick: a schedule is claimed by compare-and-set, and the work it makes
is named after the time it was due, so that it is made once. Ticks that were missed become one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.db import transaction

from team.models import Schedule, Work
from team.work import SCHEDULE_KEY, Payload, enqueue


@dataclass(frozen=True)
class Entry:
    """One line of the timetable: work of a kind, every so many seconds or daily at a time (UTC)."""

    kind: str
    every_seconds: int | None = None
    daily_at: time | None = None
    payload: tuple[tuple[str, object], ...] = ()

    def next_after(self, moment: datetime) -> datetime:
        """Return the first due time after `moment`."""
        if self.every_seconds:
            return moment + timedelta(seconds=self.every_seconds)
        due = datetime.combine(moment.date(), self.daily_at or time.min, UTC)
        return due if due > moment else due + timedelta(days=1)


@transaction.atomic
def declare(timetable: list[Entry], *, now: datetime) -> None:
    """Make rows of the timetable: new lines are due at their next time, dropped ones go."""
    names = [entry.kind for entry in timetable]
    Schedule.objects.exclude(name__in=names).delete()
    for entry in timetable:
        row, is_new = Schedule.objects.get_or_create(
            name=entry.kind,
            defaults={
                "every_seconds": entry.every_seconds,
                "daily_at": entry.daily_at,
                "next_run_at": entry.next_after(now),
            },
        )
        changed = (row.every_seconds, row.daily_at) != (entry.every_seconds, entry.daily_at)
        if not is_new and changed:
            row.every_seconds, row.daily_at = entry.every_seconds, entry.daily_at
            row.next_run_at = entry.next_after(now)
            row.save(update_fields=["every_seconds", "daily_at", "next_run_at"])


def tick(timetable: list[Entry], *, now: datetime) -> int:
    """Make work of every schedule that is due. Returns how many this call made."""
    entries = {entry.kind: entry for entry in timetable}
    due = Schedule.objects.filter(is_enabled=True, next_run_at__lte=now, name__in=entries)
    return sum(run_schedule(row, entries[row.name], now=now) for row in due)


@transaction.atomic
def run_schedule(row: Schedule, entry: Entry, *, now: datetime) -> bool:
    """Claim one due time and make its work. False when another scheduler was quicker."""
    claimed = Schedule.objects.filter(pk=row.pk, next_run_at=row.next_run_at).update(
        next_run_at=entry.next_after(now), last_run_at=now
    )
    if claimed:
        payload: Payload = dict(entry.payload)
        enqueue(kind=entry.kind, key=SCHEDULE_KEY, payload=payload)
    return bool(claimed)


@dataclass(frozen=True)
class Outcome:
    """A schedule and how its latest work went. `state` None: it never ran, or too long ago to be kept."""

    schedule: Schedule
    state: str | None
    error: str


def outcomes() -> list[Outcome]:
    """Return every schedule with its latest work."""
    latest = (
        Work.objects.filter(key=SCHEDULE_KEY, kind__in=Schedule.objects.values("name"))
        .order_by("kind", "-id")
        .distinct("kind")
    )
    works = {work.kind: work for work in latest}
    return [
        Outcome(row, work.state if (work := works.get(row.name)) else None, work.error if work else "")
        for row in Schedule.objects.all()
    ]
