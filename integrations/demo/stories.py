"""What happens to customers: ten stories, each a pattern of use, trouble and feeling. Pure."""

import math
from collections.abc import Callable
from dataclasses import dataclass

USAGE_WEEKS = 56


@dataclass(frozen=True)
class Story:
    """`use`: how busy a week is compared with a normal one, by (weeks ago, phase 0 to 1).

    tickets: a year. trouble: share of them that go badly, from `trouble_weeks` ago on. feeling: 1 to 5,
    (before, now). reach: how often we talk to them compared with others.
    """

    key: str
    share: int
    use: Callable[[float, float], float]
    tickets: float = 2.0
    trouble: float = 0.05
    trouble_weeks: int = USAGE_WEEKS
    feeling: tuple[float, float] = (4.1, 4.2)
    reach: float = 1.0
    age_weeks: tuple[int, int] = (30, 200)
    seats_grow: float = 0.2
    champion_silent_weeks: int | None = None
    ends: bool = False


def _steady(weeks_ago: float, phase: float) -> float:
    return 1.0 + 0.08 * math.sin(weeks_ago / 3 + 6 * phase)


def _never(_weeks_ago: float, _phase: float) -> float:
    return 0.0


def _growing(weeks_ago: float, phase: float) -> float:
    return 0.55 + 0.85 * (1 - weeks_ago / USAGE_WEEKS) + 0.05 * math.sin(weeks_ago + 6 * phase)


def _seasonal(weeks_ago: float, phase: float) -> float:
    return 1.0 + 0.55 * math.sin(2 * math.pi * (weeks_ago / 52 + phase))


def _declining(weeks_ago: float, phase: float) -> float:
    started = 10 + 12 * phase
    return 1.0 if weeks_ago > started else (max(0.0, weeks_ago - 5 * phase) / started) ** 1.4


def _fading(weeks_ago: float, phase: float) -> float:
    """Weeks ago are counted from the end of the subscription here."""
    return min(1.0, 0.08 + weeks_ago / (14 + 10 * phase))


STORIES = (
    Story("healthy", 28, _steady, feeling=(4.0, 4.0)),
    Story("growing", 11, _growing, feeling=(4.1, 4.6), seats_grow=0.9),
    Story("quiet", 7, lambda w, p: 0.45 * _steady(w, p), tickets=0.5, feeling=(4.4, 4.5), reach=0.45),
    Story("seasonal", 6, _seasonal, feeling=(4.0, 4.0)),
    Story("declining", 12, _declining, tickets=2.5, trouble=0.3, feeling=(3.7, 1.7), reach=0.45, seats_grow=-0.5),
    Story(
        "silent_champion",
        10,
        lambda w, p: _steady(w, p) * (0.35 if w < 6 else 0.9),
        feeling=(4.0, 2.6),
        reach=0.6,
        champion_silent_weeks=6,
    ),
    Story(
        "support_trouble",
        12,
        lambda w, p: _steady(w, p) * (0.3 if w < 8 else 0.85),
        tickets=9.0,
        trouble=0.75,
        trouble_weeks=14,
        feeling=(3.7, 1.4),
        reach=0.8,
        seats_grow=0.0,
    ),
    Story("onboarding", 6, _steady, tickets=6.0, feeling=(3.9, 4.1), reach=2.5, age_weeks=(2, 11), seats_grow=0.0),
    Story("churned", 6, _fading, tickets=3.0, trouble=0.3, feeling=(3.2, 1.6), age_weeks=(60, 180), ends=True),
    Story("no_data", 2, _never, tickets=0.0, reach=0.0, age_weeks=(0, 1)),
)
BY_KEY = {story.key: story for story in STORIES}
