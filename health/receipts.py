"""How a score was calculated: the receipt of a snapshot, its proof, and its replay from the facts.

A receipt holds every input and the configuration, so that anybody can compute the score again
(`verify`). A replay reads the facts again as they were known then (`replay`): what arrived, was
corrected or deleted later changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from accounts.models import Persona, Product
from health.metrics.query import AccountSet
from health.metrics.registry import Metric, MetricUse, get_metric
from health.models import ScorecardVersion, ScoreSnapshot
from health.scorecards import Band, Card, Group, Measure, read_card

if TYPE_CHECKING:
    from health.results import Results

BASELINE = 50
NO_INPUT = -1
UNKNOWN = -1
HUNDREDTHS = 100
MINUTE = 60


@dataclass(frozen=True)
class Line:
    """One measure of a receipt. `value` and `points` None: unknown; `points` also when it is too old."""

    measure: Measure
    metric: Metric
    groups: tuple[str, ...]
    words: str
    value: float | None
    fresh_at: datetime | None
    age_days: float | None
    points: float | None
    nominal_share: float
    share: float
    contribution: float

    @property
    def about(self) -> str:
        return use_text(self.measure, self.words)

    @property
    def state(self) -> str:
        """known, stale (it has a value, but too old a one) or missing."""
        if self.points is not None:
            return "known"
        return "stale" if self.value is not None else "missing"


@dataclass(frozen=True)
class Part:
    """A group of a receipt: its points are the mean of what is known in it, None when nothing is."""

    label: str
    depth: int
    points: float | None
    nominal_share: float
    share: float
    contribution: float
    children: "tuple[Part | Line, ...]"

    def walk(self) -> "Iterator[Part | Line]":
        """Yield the groups and lines below, in the order of the page."""
        for child in self.children:
            yield child
            if isinstance(child, Part):
                yield from child.walk()


@dataclass(frozen=True)
class Receipt:
    snapshot: ScoreSnapshot
    version: ScorecardVersion
    card: Card
    root: Part

    @property
    def lines(self) -> list[Line]:
        return [row for row in self.root.walk() if isinstance(row, Line)]

    @property
    def score(self) -> Decimal | None:
        return _hundredths(self.snapshot.score)

    @property
    def points(self) -> float | None:
        """The score as a number for charts."""
        return None if self.score is None else float(self.score)

    @property
    def band(self) -> Band:
        return Band(self.snapshot.band)

    @property
    def short_hash(self) -> str:
        return bytes(self.snapshot.hash).hex()[:16]

    @property
    def last_day(self) -> date:
        """The last day that counted."""
        return date.fromordinal(self.snapshot.as_of.toordinal() - 1)

    @property
    def is_scored(self) -> bool:
        return self.score is not None

    def as_dict(self) -> dict[str, Any]:
        """Return the receipt as plain data, enough for `verify`."""
        snapshot = self.snapshot
        return {
            "account": snapshot.account_id,
            "scorecard": {"id": snapshot.scorecard_id, "name": self.version.scorecard.name},
            "version": {
                "id": self.version.pk,
                "number": self.version.number,
                "hash": self.version.hash,
                "config": self.version.config,
            },
            "as_of": snapshot.as_of.isoformat(),
            "recorded_by": snapshot.recorded_by.astimezone(UTC).isoformat(),
            "revision": snapshot.revision,
            "baseline": BASELINE,
            "score": None if self.score is None else str(self.score),
            "band": self.band.word,
            "confidence": snapshot.confidence,
            "measures": [_line_as_dict(line) for line in self.lines],
            "hash": bytes(snapshot.hash).hex(),
        }


def build_receipt(snapshot: ScoreSnapshot, version: ScorecardVersion | None = None) -> Receipt:
    """Return the receipt of a snapshot, laid out by the groups of its version."""
    if version is None:
        version = ScorecardVersion.objects.select_related("scorecard").get(pk=snapshot.version_id)
    card = version.card()
    shares = _results(card, version.hash, snapshot).scores.shares.to_numpy()[0].tolist()
    keys = [measure.key for measure in card.measures]
    inputs = zip(snapshot.value, snapshot.fresh, snapshot.points, snapshot.contribution, strict=True)
    found = dict(zip(keys, inputs, strict=True))
    names = scope_names(card)
    root = _part(
        card.root, 0, (), _Reading(snapshot.as_of, found, dict(zip(keys, shares, strict=True)), card.shares(), names)
    )
    return Receipt(snapshot, version, card, root)


def replay(snapshot: ScoreSnapshot) -> "Results":
    """Compute a snapshot's score again from the facts as they were known then; its hash must be equal.

    Exact as long as the raw usage events of the day it was computed are kept (USAGE_EVENT_DAYS).
    """
    from health.computing import compute_results

    version = ScorecardVersion.objects.get(pk=snapshot.version_id)
    return compute_results(
        version.card(),
        AccountSet(ids=(snapshot.account_id,)),
        as_of=snapshot.as_of,
        recorded_by=snapshot.recorded_by,
        live=False,
        version_hash=version.hash,
    )


def verify(receipt: dict[str, Any]) -> list[str]:
    """Compute a receipt (as `Receipt.as_dict` returns it) again; return what does not match, empty when it proves.

    Only the inputs are believed: the values and the configuration. Everything else is computed.
    """
    card = read_card(receipt["version"]["config"])
    problems = []
    if card.hash != receipt["version"]["hash"]:
        problems.append("The configuration is not the one its hash was made of.")
    keys = [measure.key for measure in card.measures]
    lines = {line["key"]: line for line in receipt["measures"]}
    if set(keys) != set(lines):
        return [*problems, "The measures are not those of the configuration."]
    again = _computed_again(card, receipt, [lines[key] for key in keys])
    for place, key in enumerate(keys):
        for name, frame in (("points", again.scores.points), ("contribution", again.scores.contributions)):
            computed = int(frame.to_numpy()[0, place])
            shown = None if name == "points" and computed == UNKNOWN else computed / HUNDREDTHS
            if lines[key][name] != shown:
                problems.append(f"{lines[key]['label']}: {name} is {shown}, not {lines[key][name]}.")
    row = again.scores.accounts.iloc[0]
    score = _hundredths(int(row["score"]))
    computed_row = {
        "score": None if score is None else str(score),
        "band": Band(int(row["band"])).word,
        "confidence": int(row["confidence"]),
        "hash": again.hashes[0].tobytes().hex(),
    }
    problems += [
        f"The {name} is {value}, not {receipt[name]}." for name, value in computed_row.items() if receipt[name] != value
    ]
    return problems


def use_words(use: MetricUse, names: dict[str, str] | None = None) -> str:
    """Say the parameters and scope of a metric in a few words: "28 days · champions only"."""
    words = []
    for parameter in get_metric(use.metric).parameters:
        value = use[parameter.key]
        if value in (None, ()):
            continue
        if parameter.kind == "integer":
            words.append(f"{value} days" if parameter.key == "days" else f"{parameter.label.lower()} {value}")
        elif parameter.kind == "texts":
            words.append(", ".join(value))
        else:
            words.append(parameter.choices.get(value, value))
    names = names or {}
    words += [names.get(f"{key} {value}", f"{key} {value}") for key, value in use.scope.as_dict().items()]
    return " · ".join(words)


def use_text(measure: Measure, words: str) -> str:
    """Say which metric a measure uses and how; the metric's name is left out where the measure bears it."""
    label = get_metric(measure.use.metric).label
    return " · ".join(part for part in ("" if label == measure.label else label, words) if part)


@dataclass(frozen=True)
class _Reading:
    """What the parts of a receipt are made from, by measure."""

    as_of: date
    found: dict[str, tuple[float, int, int, int]]
    shares: dict[str, float]
    nominal: dict[str, float]
    names: dict[str, str]


def _part(group: Group, depth: int, path: tuple[str, ...], reading: _Reading) -> Part:
    inside = (*path, group.label) if depth else ()
    children = tuple(
        _line(child, inside, reading) if isinstance(child, Measure) else _part(child, depth + 1, inside, reading)
        for child in group.children
    )
    known = [(child.share, child.points) for child in children if child.points is not None and child.share > 0]
    weight = sum(share for share, _ in known)
    return Part(
        label=group.label,
        depth=depth,
        points=round(sum(share * points for share, points in known) / weight, 2) if weight else None,
        nominal_share=sum(child.nominal_share for child in children),
        share=sum(child.share for child in children),
        contribution=round(sum(child.contribution for child in children), 2),
        children=children,
    )


def _line(measure: Measure, path: tuple[str, ...], reading: _Reading) -> Line:
    value, minute, points, contribution = reading.found[measure.key]
    fresh_at = None if minute == NO_INPUT else datetime.fromtimestamp(minute * MINUTE, UTC)
    end = datetime.combine(reading.as_of, time(), UTC)
    return Line(
        measure=measure,
        metric=get_metric(measure.use.metric),
        groups=path,
        words=use_words(measure.use, reading.names),
        value=None if value != value else value,  # noqa: PLR0124 -- NaN is not itself
        fresh_at=fresh_at,
        age_days=None if fresh_at is None else (end - fresh_at).total_seconds() / 86_400,
        points=None if points == UNKNOWN else points / HUNDREDTHS,
        nominal_share=reading.nominal[measure.key],
        share=reading.shares[measure.key],
        contribution=contribution / HUNDREDTHS,
    )


def _line_as_dict(line: Line) -> dict[str, Any]:
    return {
        "key": line.measure.key,
        "label": line.measure.label,
        "groups": list(line.groups),
        **line.measure.use.as_dict(),
        "unit": line.metric.unit,
        "value": line.value,
        "fresh_at": None if line.fresh_at is None else line.fresh_at.isoformat(),
        "state": line.state,
        "curve": [list(point) for point in line.measure.curve],
        "points": line.points,
        "nominal_share": round(line.nominal_share, 6),
        "share": round(line.share, 6),
        "contribution": line.contribution,
    }


def _computed_again(card: Card, receipt: dict[str, Any], lines: list[dict[str, Any]]) -> "Results":
    values = [float("nan") if line["value"] is None else line["value"] for line in lines]
    minutes = [
        NO_INPUT if line["fresh_at"] is None else int(datetime.fromisoformat(line["fresh_at"]).timestamp() // MINUTE)
        for line in lines
    ]
    as_of = date.fromisoformat(receipt["as_of"])
    return _score_row(
        card,
        receipt["version"]["hash"],
        account_id=int(receipt["account"]),
        as_of=as_of,
        values=values,
        minutes=minutes,
    )


def _results(card: Card, version_hash: str, snapshot: ScoreSnapshot) -> "Results":
    return _score_row(
        card,
        version_hash,
        account_id=snapshot.account_id,
        as_of=snapshot.as_of,
        values=snapshot.value,
        minutes=snapshot.fresh,
    )


def _score_row(
    card: Card, version_hash: str, *, account_id: int, as_of: date, values: list[float], minutes: list[int]
) -> "Results":
    import numpy as np

    from health.computing import score_values
    from health.metrics.values import Values

    row = Values(np.array([account_id]), np.array([values], np.float64), np.array([minutes], np.int32))
    return score_values(card, version_hash, row, as_of)


def scope_names(card: Card) -> dict[str, str]:
    """Return the names of the personas and products in scope of any measure, asked only if there are any."""
    scopes = [measure.use.scope for measure in card.measures]
    names: dict[str, str] = {}
    for word, model in (("persona", Persona), ("product", Product)):
        if wanted := {getattr(scope, word) for scope in scopes} - {None}:
            found = model.objects.filter(pk__in=wanted).values_list("pk", "name")
            names |= {f"{word} {pk}": name for pk, name in found}
    return names


def _hundredths(score: int) -> Decimal | None:
    return None if score == UNKNOWN else Decimal(score).scaleb(-2)
