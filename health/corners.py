"""The four corners of success and happiness: what they are called, and what to do in each. Pure.

The two do not correlate: happy customers leave, unhappy ones stay. So they are never blended; where
they disagree somebody has to look.
"""

from dataclasses import dataclass
from enum import StrEnum

LINE = 50
"""The middle of both scales: from here on a customer succeeds, or is happy."""


class Corner(StrEnum):
    THRIVING = "thriving"
    FAILING = "happy_but_failing"
    UNHAPPY = "succeeding_but_unhappy"
    TROUBLE = "in_trouble"

    @property
    def label(self) -> str:
        return _WORDS[self].label

    @property
    def meaning(self) -> str:
        return _WORDS[self].meaning

    @property
    def advice(self) -> str:
        return _WORDS[self].advice

    @property
    def is_disagreement(self) -> bool:
        """Whether success and happiness say different things."""
        return self in {Corner.FAILING, Corner.UNHAPPY}


@dataclass(frozen=True)
class _Words:
    label: str
    meaning: str
    advice: str


_WORDS = {
    Corner.THRIVING: _Words(
        "Thriving",
        "They reach their goals and like working with us.",
        "Ask what would take them further, and for a reference when the moment is right.",
    ),
    Corner.FAILING: _Words(
        "Happy but failing",
        "They like us, and get too little out of the product.",
        "Agree on the outcome they bought, find the step that blocks it, and get more of their people going."
        " Good talks hide this until the renewal.",
    ),
    Corner.UNHAPPY: _Words(
        "Succeeding but unhappy",
        "They get what they bought, and something annoys them.",
        "Find the cause in tickets and answers, take it away, and tell them so. Do not sell anything before.",
    ),
    Corner.TROUBLE: _Words(
        "In trouble",
        "They neither reach their goals nor like working with us.",
        "Call their sponsor this week, agree on one outcome within thirty days, and bring your manager in.",
    ),
}


def corner_of(success: float | None, happiness: float | None) -> Corner | None:
    """Return the corner of two scores of 0 to 100; None where one of them is unknown."""
    if success is None or happiness is None:
        return None
    if success >= LINE:
        return Corner.THRIVING if happiness >= LINE else Corner.UNHAPPY
    return Corner.FAILING if happiness >= LINE else Corner.TROUBLE
