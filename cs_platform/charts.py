"""The geometry of every chart, as plain values; templates/charts/ draws them as SVG.

All coordinates are pixels of the chart's own viewBox, origin top left, rounded to a tenth.
`None` in a series is "unknown": a gap, never a zero.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

MINUS = "\N{MINUS SIGN}"
SPARK_PAD = 3
HEAT_LEVELS = 5

Number: TypeAlias = int | float
Series: TypeAlias = Sequence[Number | None]


def px(value: float) -> Number:
    """Round to a tenth of a pixel; whole numbers lose their point, so that the markup stays short."""
    rounded = round(value, 1)
    return int(rounded) if rounded == int(rounded) else rounded


def signed(value: float) -> str:
    """Write a change with its sign: +6, −14, 0; a tenth is kept only where there is one."""
    number = px(value)
    if number == 0:
        return "0"
    return f"+{number}" if number > 0 else f"{MINUS}{abs(number)}"


@dataclass(frozen=True)
class Scale:
    """A straight line from values (low, high) to pixels (start, end); a point when low == high."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        if self.high == self.low:
            return (self.start + self.end) / 2
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


@dataclass(frozen=True)
class Point:
    x: Number
    y: Number


def _runs(points: Sequence[Point | None]) -> list[list[Point]]:
    """Split at the gaps: each run is drawn without lifting the pen."""
    runs: list[list[Point]] = [[]]
    for point in points:
        if point is not None:
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _line(runs: Sequence[Sequence[Point]]) -> str:
    return "".join("M" + "L".join(f"{p.x} {p.y}" for p in run) for run in runs)


def _area(runs: Sequence[Sequence[Point]], floor: Number) -> str:
    """Close each run of two or more points down to the floor."""
    return "".join(f"{_line([run])}L{run[-1].x} {floor}L{run[0].x} {floor}Z" for run in runs if len(run) > 1)


@dataclass(frozen=True)
class Sparkline:
    width: int
    height: int
    line: str
    area: str
    dots: tuple[Point, ...]
    """The last known point, and points that stand alone between gaps (a line cannot show them)."""


def sparkline(
    values: Series,
    *,
    width: int = 84,
    height: int = 28,
    low: float | None = None,
    high: float | None = None,
) -> Sparkline:
    """Draw a small line over equal steps; the domain is the data's own unless low or high is given."""
    known = [value for value in values if value is not None]
    if not known:
        return Sparkline(width, height, "", "", ())
    x = Scale(0, len(values) - 1, SPARK_PAD, width - SPARK_PAD)
    y = Scale(
        min(known) if low is None else low,
        max(known) if high is None else high,
        height - SPARK_PAD,
        SPARK_PAD,
    )
    runs = _runs([None if v is None else Point(px(x(i)), px(y(v))) for i, v in enumerate(values)])
    lines = [run for run in runs if len(run) > 1]
    alone = [run[0] for run in runs[:-1] if len(run) == 1]
    return Sparkline(width, height, _line(lines), _area(lines, height), (*alone, runs[-1][-1]))


@dataclass(frozen=True)
class Curve:
    width: int
    height: int
    line: str
    dot: Point | None


def curve(points: Sequence[tuple[float, float]], value: float | None, *, width: int = 84, height: int = 28) -> Curve:
    """Draw a measure's curve (value, points 0-100), level outside, with a dot where the value stands.

    The values from the curve's first to its last point fill the width; a value outside is drawn at the edge.
    """
    first, last = points[0][0], points[-1][0]
    margin = (last - first) * 0.12
    x = Scale(first - margin, last + margin, SPARK_PAD, width - SPARK_PAD)
    y = Scale(0, 100, height - SPARK_PAD, SPARK_PAD)
    whole = [(first - margin, points[0][1]), *points, (last + margin, points[-1][1])]
    line = _line([[Point(px(x(at)), px(y(high))) for at, high in whole]])
    if value is None:
        return Curve(width, height, line, None)
    at = min(max(value, first - margin), last + margin)
    left, right = next(pair for pair in itertools.pairwise(whole) if pair[0][0] <= at <= pair[1][0])
    high = Scale(left[0], right[0], left[1], right[1])(at)
    return Curve(width, height, line, Point(px(x(at)), px(y(high))))


@dataclass(frozen=True)
class CurvePlot:
    """A curve with axes. `corners` are its points, `marks` (x, label) lines at values that matter."""

    width: int
    height: int
    floor: Number
    left: int
    line: str
    corners: tuple[Point, ...]
    levels: tuple[tuple[Number, str], ...]
    ends: tuple[tuple[Number, str], ...]
    marks: tuple[tuple[Number, str], ...]


def curve_plot(points: Sequence[tuple[float, float]], marks: Sequence[tuple[float, str]] = ()) -> CurvePlot:
    """Draw a curve (value, points 0-100) large; marks outside the drawn values are left out."""
    width, height, left, above, below = 360, 190, 30, 18, 22
    first, last = points[0][0], points[-1][0]
    margin = (last - first) * 0.08 or 1
    x = Scale(first - margin, last + margin, left, width - 8)
    y = Scale(0, 100, height - below, above)
    whole = [(first - margin, points[0][1]), *points, (last + margin, points[-1][1])]
    drawn = [Point(px(x(at)), px(y(high))) for at, high in whole]
    return CurvePlot(
        width=width,
        height=height,
        floor=px(y(0)),
        left=left,
        line=_line([drawn]),
        corners=tuple(drawn[1:-1]),
        levels=tuple((px(y(level)), str(level)) for level in (0, 50, 100)),
        ends=tuple((px(x(at)), f"{at:g}") for at in dict.fromkeys((first, last))),
        marks=tuple((px(x(at)), label) for at, label in marks if first - margin <= at <= last + margin),
    )


@dataclass(frozen=True)
class Gauge:
    width: int
    height: int
    middle: int
    track: str
    value: str
    """Empty when the score is unknown or 0."""


def gauge(score: float | None, *, radius: int = 62, stroke: int = 14) -> Gauge:
    """Draw a half circle from 0 (left) to 100 (right), filled up to the score (clamped)."""
    pad = stroke // 2 + 1
    centre = radius + pad
    track = f"M{pad} {centre}A{radius} {radius} 0 0 1 {pad + 2 * radius} {centre}"
    value = ""
    if score is not None and score > 0:
        angle = math.pi * (1 - min(score, 100) / 100)
        end_x, end_y = px(centre + radius * math.cos(angle)), px(centre - radius * math.sin(angle))
        value = f"M{pad} {centre}A{radius} {radius} 0 0 1 {end_x} {end_y}"
    return Gauge(2 * centre, centre + pad, centre, track, value)


@dataclass(frozen=True)
class Segment:
    key: str
    count: int
    percent: int
    x: Number
    width: Number


def stacked_bar(
    counts: Sequence[tuple[str, int]], *, width: int = 400, gap: int = 2, at_least: int = 4
) -> tuple[Segment, ...]:
    """Share the width among the counts; empty ones are left out, tiny ones stay visible.

    Every segment gets `at_least` pixels plus its share of the rest.
    """
    shown = [(key, count) for key, count in counts if count > 0]
    total = sum(count for _, count in shown)
    free = width - gap * (len(shown) - 1) - at_least * len(shown)
    segments, x = [], 0.0
    for key, count in shown:
        size = at_least + free * count / total
        segments.append(Segment(key, count, round(100 * count / total), px(x), px(size)))
        x += size + gap
    return tuple(segments)


@dataclass(frozen=True)
class Bar:
    label: str
    count: int
    band: str
    x: Number
    y: Number
    width: Number
    height: Number
    middle: Number


@dataclass(frozen=True)
class Histogram:
    width: int
    height: int
    floor: int
    bars: tuple[Bar, ...]


def histogram(bins: Sequence[tuple[str, int, str]], *, width: int = 360, height: int = 130, gap: int = 5) -> Histogram:
    """Draw one bar for each (label, count, band); room for the count above and the label below."""
    above, below = 18, 18
    floor = height - below
    tallest = max((count for _, count, _ in bins), default=0) or 1
    step = (width + gap) / len(bins) if bins else 0
    bars = []
    for i, (label, count, band) in enumerate(bins):
        size = (floor - above) * count / tallest
        if count:
            size = max(size, 2)
        bars.append(
            Bar(label, count, band, px(i * step), px(floor - size), px(step - gap), px(size),
                px(i * step + (step - gap) / 2))
        )  # fmt: skip
    return Histogram(width, height, floor, tuple(bars))


def score_bins(scores: Sequence[float], *, red_below: float, green_from: float) -> list[tuple[str, int, str]]:
    """Count scores 0-100 in ten bins for `histogram`; 100 falls in the last, the band is the bin's start."""
    counts = [0] * 10
    for score in scores:
        counts[min(int(score // 10), 9)] += 1
    return [
        (str(i * 10), n, "red" if i * 10 < red_below else "green" if i * 10 >= green_from else "yellow")
        for i, n in enumerate(counts)
    ]


@dataclass(frozen=True)
class Step:
    label: str
    kind: str
    """baseline, up, down, none (no effect or unknown) or total."""
    text: str
    x: Number
    width: Number
    y: Number
    text_x: Number
    connector_x: Number | None
    """Where this step ends and the next begins; None after the last."""


@dataclass(frozen=True)
class Waterfall:
    width: int
    height: int
    row: int
    bar: int
    label_x: int
    steps: tuple[Step, ...]


def waterfall(
    baseline: float,
    contributions: Sequence[tuple[str, float | None]],
    total: float,
    *,
    narrow: bool = False,
    baseline_label: str = "Baseline",
    total_label: str = "Today",
) -> Waterfall:
    """Draw how the contributions lead from the baseline to the total, one row each.

    Wide has the label left of its bar, narrow above it. An unknown contribution moves nothing.
    """
    width, plot, row, bar = (320, 4, 42, 14) if narrow else (470, 130, 28, 16)
    ends = [baseline]
    for _, change in contributions:
        ends.append(ends[-1] + (change or 0))
    scale = Scale(min(0, total, *ends), max(0, total, *ends) or 1, plot, width - 52)
    rows: list[tuple[str, str, str, float, float]] = [
        (baseline_label, "baseline", str(px(baseline)).replace("-", MINUS), 0, baseline)
    ]
    for (label, change), start, end in zip(contributions, ends, ends[1:], strict=False):
        kind = "up" if end > start else "down" if end < start else "none"
        rows.append((label, kind, "no data" if change is None else signed(change), start, end))
    rows.append((total_label, "total", str(px(total)).replace("-", MINUS), 0, total))
    offset = row - bar - 6 if narrow else (row - bar) // 2
    steps = []
    for i, (label, kind, text, start, end) in enumerate(rows):
        left, right = sorted((scale(start), scale(end)))
        size = max(right - left, 2)
        connector = None if i == len(rows) - 1 else px(scale(end))
        steps.append(Step(label, kind, text, px(left), px(size), i * row + offset, px(left + size + 6), connector))
    return Waterfall(width, row * len(rows), row, bar, 4, tuple(steps))


@dataclass(frozen=True)
class Tick:
    at: Number
    text: str


@dataclass(frozen=True)
class LineChart:
    width: int
    height: int
    left: int
    right: int
    top: int
    floor: int
    line: str
    area: str
    dots: tuple[Point, ...]
    """Points that stand alone between gaps."""
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    reference_y: Number | None
    markers: tuple[Tick, ...]


def nice_ticks(low: float, high: float, *, about: int = 4) -> list[Number]:
    """Return round numbers (steps of 1, 2 or 5 times a power of ten) that cover low to high."""
    if high <= low:
        high = low + 1
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    digits = max(0, -math.floor(math.log10(step)))
    return [round(i * step, digits) if digits else int(i * step) for i in range(first, last + 1)]


def short(value: float) -> str:
    """Write an axis number in at most five signs: 0.5, 950, 1.2k, 3M."""
    for size, suffix in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{px(value / size)}{suffix}".replace("-", MINUS)
    return f"{round(value, 2):g}".replace("-", MINUS)


def line_chart(
    points: Sequence[tuple[str, float | None]],
    *,
    narrow: bool = False,
    low: float = 0,
    high: float | None = None,
    reference: float | None = None,
    markers: Sequence[tuple[int, str]] = (),
) -> LineChart:
    """Draw (label, value) pairs at equal steps, from `low` (or the lowest value) to a round number.

    `markers` are (index, text) for vertical lines, `reference` a dashed level.
    """
    width, height, most_labels = (340, 190, 4) if narrow else (720, 220, 9)
    left, right, top, floor = 40, width - 10, 14, height - 24
    known = [value for _, value in points if value is not None]
    levels = known if reference is None else [*known, reference]
    ticks = nice_ticks(min([low, *levels]), max(levels, default=1) if high is None else high)
    x = Scale(0, max(len(points) - 1, 0), left, right)
    y = Scale(ticks[0], ticks[-1], floor, top)
    runs = _runs([None if v is None else Point(px(x(i)), px(y(v))) for i, (_, v) in enumerate(points)])
    step = max(1, math.ceil(len(points) / most_labels))
    return LineChart(
        width, height, left, right, top, floor,
        line=_line([run for run in runs if len(run) > 1]),
        area=_area(runs, px(y(max(ticks[0], min(0, ticks[-1]))))),
        dots=tuple(run[0] for run in runs if len(run) == 1),
        x_ticks=tuple(Tick(px(x(i)), points[i][0]) for i in range(0, len(points), step)),
        y_ticks=tuple(Tick(px(y(tick)), short(tick)) for tick in ticks),
        reference_y=None if reference is None else px(y(reference)),
        markers=tuple(Tick(px(x(i)), text) for i, text in markers if 0 <= i < len(points)),
    )  # fmt: skip


def meter_width(value: float | None, maximum: float = 100) -> Number:
    """Return the filled part of a meter in percent (0 to 100); unknown and an empty maximum are 0."""
    if value is None or maximum <= 0:
        return 0
    return px(100 * min(max(value / maximum, 0), 1))


def heat_levels(rows: Sequence[Series]) -> list[list[int | None]]:
    """Grade every cell against the largest of all rows: 0 (nothing) to 5; unknown stays None."""
    largest = max((v for row in rows for v in row if v is not None), default=0)

    def level(value: Number | None) -> int | None:
        if value is None:
            return None
        return math.ceil(HEAT_LEVELS * value / largest) if value > 0 else 0

    return [[level(value) for value in row] for row in rows]


@dataclass(frozen=True)
class Quadrant:
    """Two scores of 0 to 100 against each other: success to the right, happiness upwards."""

    size: int
    pad: int
    end: int
    middle: Number
    middle_y: Number
    dots: tuple[Point, ...]


def quadrant(scores: Sequence[tuple[float, float]], *, line: float = 50, size: int = 400, pad: int = 22) -> Quadrant:
    """Place each pair (success, happiness); `line` parts the four corners."""
    x, y = Scale(0, 100, pad, size - 4), Scale(0, 100, size - pad, 4)
    dots = tuple(Point(px(x(success)), px(y(happiness))) for success, happiness in scores)
    return Quadrant(size, pad, size - pad, px(x(line)), px(y(line)), dots)
