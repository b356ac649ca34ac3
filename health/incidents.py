"""When a feed of data has stopped or collapsed, and when it is back. Pure.

A feed is what one system sends of one kind. Its volume is counted by the hour, by arrival, and
compared with the same hours of the same weekdays in the weeks before: a weekend is expected, and a
decline that takes weeks carries its own expectation down with it. Small or irregular feeds are
judged over longer windows, or only by how long they have been silent, or not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from statistics import median

HOUR = timedelta(hours=1)
WEEK_HOURS = 7 * 24
HISTORY_WEEKS = 4
# A feed younger than this, or smaller, is not judged.
MINIMUM_WEEKS = 2
MINIMUM_WEEKLY_EVENTS = 50
# The shortest of these windows that can be judged decides.
WINDOWS_HOURS = (3, 6, 12, 24, 48, 96, WEEK_HOURS)
MINIMUM_EXPECTED_EVENTS = 50
COLLAPSE_SHARE = 0.3
# A window is steady when last weeks' came near their median, the poorest of them left aside.
STEADY_SHARE = 0.5
# Silent for longer than this many times its longest silence of the last weeks.
PAUSE_FACTOR = 2
SHORTEST_PAUSE_HOURS = 6
# It is back when this share of what is expected arrives again.
RECOVERY_SHARE = 0.6
RECOVERY_WINDOWS_HOURS = (2, *WINDOWS_HOURS)
MINIMUM_RECOVERY_EVENTS = 10
# How far back the beginning of a collapse is looked for.
SEARCH_HOURS = 2 * WEEK_HOURS
# An hour with less than this share of what is usual speaks for a collapse.
DOUBTFUL_SHARE = 0.5
NEEDED_HOURS = HISTORY_WEEKS * WEEK_HOURS + SEARCH_HOURS


@dataclass(frozen=True)
class Volume:
    """How much a feed sent: `counts` by the hour, oldest first, up to `until`, the end of the last one."""

    counts: Sequence[int]
    until: datetime

    def place(self, moment: datetime) -> int:
        """Return the place of the hour that a moment lies in; 0 for anything earlier."""
        return max(0, len(self.counts) - 1 - int((self.until - moment - timedelta(microseconds=1)) / HOUR))

    def hour(self, place: int) -> datetime:
        return self.until - (len(self.counts) - place) * HOUR


@dataclass(frozen=True)
class Collapse:
    """What was found: in the last `hours`, `actual` events instead of about `expected`, since an hour began."""

    since: datetime
    hours: int
    actual: int
    expected: int

    @property
    def words(self) -> str:
        came = "nothing" if self.actual == 0 else f"{self.actual:,}"
        unit = "event" if self.actual == 1 else "events"
        window = f"{self.hours} hours" if self.hours < 72 else f"{round(self.hours / 24)} days"
        if self.actual == 0:
            return f"{came} in {window} instead of about {self.expected:,} events"
        return f"{came} {unit} in {window} instead of about {self.expected:,}"


def find_collapse(volume: Volume, after: datetime | None = None) -> Collapse | None:
    """Return how a feed has collapsed or stopped; None when it runs, or is too young or small to tell.

    `after`: when it last was known to run as usual; what was before it is no news.
    """
    counts = volume.counts
    settled = 0 if after is None else volume.place(after)
    first = next((place for place, count in enumerate(counts) if count), len(counts))
    if len(counts) - first < MINIMUM_WEEKS * WEEK_HOURS or _usual_week(counts, first) < MINIMUM_WEEKLY_EVENTS:
        return None
    found = _short_window(counts, first, settled) or _long_pause(counts, first, settled)
    if found is None:
        return None
    hours, actual, expected = found
    return Collapse(volume.hour(_beginning(counts, first, settled)), hours, actual, round(expected))


def is_back(volume: Volume, since: datetime) -> bool:
    """Return whether a feed that collapsed in the hour `since` sends again as it did before."""
    counts, start = volume.counts, volume.place(since)
    first = next((place for place, count in enumerate(counts) if count), len(counts))
    for hours in RECOVERY_WINDOWS_HOURS:
        begin = len(counts) - hours
        if begin < start:
            return False
        sums = _weeks_before(counts, begin, hours, first, until=start)
        if sums and median(sums) >= MINIMUM_RECOVERY_EVENTS:
            return sum(counts[begin:]) >= RECOVERY_SHARE * median(sums)
    return False


def missing_events(volume: Volume, since: datetime) -> int:
    """Return about how many events are missing since a collapse, by the weeks before it; at least 0."""
    counts, start = volume.counts, volume.place(since)
    hours = len(counts) - start
    first = next((place for place, count in enumerate(counts) if count), len(counts))
    sums = _weeks_before(counts, start, hours, first, until=start)
    return max(0, round(median(sums)) - sum(counts[start:])) if sums else 0


def _usual_week(counts: Sequence[int], first: int) -> float:
    """Return the events of a usual week: the median of the last ones, the running one left out."""
    end = len(counts) - WEEK_HOURS
    sums: list[int] = [sum(counts[end - WEEK_HOURS : end])] if end - WEEK_HOURS < first else []
    while end - WEEK_HOURS >= first and len(sums) < HISTORY_WEEKS:
        sums.append(sum(counts[end - WEEK_HOURS : end]))
        end -= WEEK_HOURS
    return median(sums)


def _short_window(counts: Sequence[int], first: int, settled: int) -> tuple[int, int, float] | None:
    """Judge by the shortest window that can be; return (hours, actual, expected) when it collapsed."""
    for hours in WINDOWS_HOURS:
        begin = len(counts) - hours
        if begin < settled:
            return None
        sums = sorted(_weeks_before(counts, begin, hours, first, until=len(counts)))
        if len(sums) < MINIMUM_WEEKS or (expected := median(sums)) < MINIMUM_EXPECTED_EVENTS:
            continue
        if sums[1 if len(sums) > MINIMUM_WEEKS else 0] < STEADY_SHARE * expected:
            continue
        actual = sum(counts[begin:])
        return (hours, actual, expected) if actual < COLLAPSE_SHARE * expected else None
    return None


def _long_pause(counts: Sequence[int], first: int, settled: int) -> tuple[int, int, float] | None:
    """Judge by the length of the silence; return (hours, 0, expected) when it is far too long."""
    last = max(settled - 1, *(place for place, count in enumerate(counts) if count))
    silence = len(counts) - 1 - last
    longest = pause = 0
    for count in counts[max(first, last - HISTORY_WEEKS * WEEK_HOURS) : last]:
        pause = 0 if count else pause + 1
        longest = max(longest, pause)
    if silence < SHORTEST_PAUSE_HOURS or silence <= PAUSE_FACTOR * longest:
        return None
    sums = _weeks_before(counts, last + 1, silence, first, until=last + 1)
    return silence, 0, median(sums) if sums else 0


def _weeks_before(counts: Sequence[int], begin: int, hours: int, first: int, *, until: int) -> list[int]:
    """Return what came in the same hours of the last weeks that lie between `first` and `until`."""
    sums: list[int] = []
    start = begin - WEEK_HOURS
    while start + hours > until:
        start -= WEEK_HOURS
    while start >= first and len(sums) < HISTORY_WEEKS:
        sums.append(sum(counts[start : start + hours]))
        start -= WEEK_HOURS
    return sums


def _beginning(counts: Sequence[int], first: int, settled: int) -> int:
    """Return the hour from which on, taken together, most is missing; of equals the latest.

    Each hour speaks for the collapse by how far it stays below a share of what is usual then, and
    against it by how far it is above.
    """
    places = range(len(counts) - 1, max(first, settled, len(counts) - SEARCH_HOURS) - 1, -1)
    missing = [DOUBTFUL_SHARE * _usual_hour(counts, place, first) - counts[place] for place in places]
    sums = list(accumulate(missing))
    return places[sums.index(max(sums))]


def _usual_hour(counts: Sequence[int], place: int, first: int) -> float:
    same = [counts[start] for n in range(1, HISTORY_WEEKS + 1) if (start := place - n * WEEK_HOURS) >= first]
    return sum(same) / len(same) if same else 0.0
