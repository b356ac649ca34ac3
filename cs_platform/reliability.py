"""The geometry of a reliability chart: what was foretold against what happened, both in percent."""

from collections.abc import Sequence
from dataclasses import dataclass

from cs_platform.charts import Number, Point, Scale, Tick, px

WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, FLOOR = 44, 408, 10, 262
SMALLEST_RADIUS, RADIUS_RANGE = 3.0, 5.0
STEPS = 4


@dataclass(frozen=True)
class Dot:
    at: Point
    radius: Number
    text: str


@dataclass(frozen=True)
class ReliabilityChart:
    """The diagonal from (left, floor) to (right, top) is where what was foretold happened."""

    width: int
    height: int
    left: int
    right: int
    top: int
    floor: int
    line: str
    dots: tuple[Dot, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def reliability_chart(bins: Sequence[tuple[float, float, int]]) -> ReliabilityChart:
    """Draw (foretold, happened, rows) by bin; the first two from 0 to 1. A larger dot stands for more rows."""
    x, y = Scale(0, 1, LEFT, RIGHT), Scale(0, 1, FLOOR, TOP)
    most = max((rows for _, _, rows in bins), default=1)
    dots = tuple(
        Dot(
            at=Point(px(x(said)), px(y(was))),
            radius=px(SMALLEST_RADIUS + RADIUS_RANGE * rows / most),
            text=f"Foretold {100 * said:.0f} %, happened {100 * was:.0f} % ({rows:,} rows)",
        )
        for said, was, rows in bins
    )
    shares = [step / STEPS for step in range(STEPS + 1)]
    return ReliabilityChart(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=RIGHT,
        top=TOP,
        floor=FLOOR,
        line="M" + "L".join(f"{dot.at.x} {dot.at.y}" for dot in dots) if dots else "",
        dots=dots,
        x_ticks=tuple(Tick(px(x(share)), f"{100 * share:.0f} %") for share in shares),
        y_ticks=tuple(Tick(px(y(share)), f"{100 * share:.0f} %") for share in shares),
    )
