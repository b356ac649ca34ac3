"""How a score was calculated: the receipt of a snapshot.

A receipt holds every input and the configuration, so that anybody can compute the score again;
proof.py does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from accounts.models import Account, Persona, Product
from health.freezes import Freeze, freeze_of, freezes_of
from health.metrics.query import AccountSet
from health.metrics.registry import Metric, MetricUse, get_metric
from health.models import ScorecardVersion, ScoreOverride, ScoreSnapshot
from health.overrides import overrides_at
from health.rollup import read_children, responsible
from health.scorecards import Band, Card, Comparison, Effect, Group, Limit, Measure

BASELINE = 50
NO_INPUT = -1
UNKNOWN = -1
HUNDREDTHS = 100
MINUTE = 60


@dataclass(frozen=True)
class Line:
    """One measure of a receipt. `value` and `points` None: unknown; `points` also when it is too old.

    `freeze`: why it was read as of an earlier day, and its age counted to that day; None: it was not.
    """

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
    freeze: Freeze | None = None

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
class LimitLine:
    """A cap, floor or veto of a receipt. `is_fired` None: its value is unknown. `held_at`: the score it holds at."""

    limit: Limit
    metric: Metric
    words: str
    value: float | None
    fresh_at: datetime | None
    is_fired: bool | None
    held_at: float
    contribution: float
    freeze: Freeze | None = None

    @property
    def about(self) -> str:
        return use_text(self.limit, self.words)

    @property
    def kind(self) -> str:
        return {Effect.CAP: "Cap", Effect.FLOOR: "Floor", Effect.VETO: "Veto"}[self.limit.effect]

    @property
    def tone(self) -> str:
        return "green" if self.limit.effect is Effect.FLOOR else "red"

    @property
    def moves(self) -> str:
        """The points by which it moves the score, with their sign."""
        if not self.is_fired:
            return "–"
        return f"{self.contribution:+.2f}".replace("-", "−") if self.contribution else "0"

    @property
    def rule(self) -> str:
        return limit_rule(self.limit, self.held_at)


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
class ChildLine:
    """An account below that a parent's score was made from. `score` None: it had none. `weight` None: unknown."""

    account_id: int
    name: str
    score: float | None
    confidence: int
    weight: float | None
    contribution: float
    is_responsible: bool

    @property
    def moves(self) -> str:
        return f"{self.contribution:+.2f}".replace("-", "−") if self.contribution else "0"

    @property
    def blame(self) -> str:
        """What is said of the responsible one; "" of the others."""
        if not self.is_responsible:
            return ""
        return "Costs most" if self.contribution < 0 else "Lifts least"


@dataclass(frozen=True)
class Receipt:
    snapshot: ScoreSnapshot
    version: ScorecardVersion
    card: Card
    root: Part
    limits: tuple[LimitLine, ...] = ()
    computed: Decimal | None = None
    override: ScoreOverride | None = None
    children: tuple[ChildLine, ...] = ()

    @property
    def freezes(self) -> list[Freeze]:
        """What holds any of its measures or limits, each once, the earliest collapse first."""
        found = [line.freeze for line in self.lines] + [limit.freeze for limit in self.limits]
        freezes = {freeze for freeze in found if freeze is not None}
        return sorted(freezes, key=lambda freeze: freeze.collapsed_since)

    @property
    def lines(self) -> list[Line]:
        return [row for row in self.root.walk() if isinstance(row, Line)]

    @property
    def score(self) -> Decimal | None:
        return hundredths(self.snapshot.score)

    @property
    def is_overridden(self) -> bool:
        return self.snapshot.override != UNKNOWN

    @property
    def override_moves(self) -> float:
        """The points by which the override moves the score from the computed one, or from the baseline without one."""
        if self.score is None or not self.is_overridden:
            return 0.0
        return float(self.score - (Decimal(BASELINE) if self.computed is None else self.computed))

    @property
    def override_words(self) -> str:
        return f"{self.override_moves:+.2f}".replace("-", "−")

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
            "limits": [_limit_as_dict(line) for line in self.limits],
            "children": [_child_as_dict(line) for line in self.children],
            "computed": None if self.computed is None else str(self.computed),
            "override": self._override_as_dict(),
            "hash": bytes(snapshot.hash).hex(),
        }

    def _override_as_dict(self) -> dict[str, Any] | None:
        if not self.is_overridden:
            return None
        row = self.override
        return {
            "score": str(self.score),
            "contribution": self.override_moves,
            "reason": row.reason if row else None,
            "made_by": str(row.made_by_id) if row and row.made_by_id else None,
            "made_at": row.made_at.astimezone(UTC).isoformat() if row else None,
            "expires_at": row.expires_at.astimezone(UTC).isoformat() if row else None,
        }


def build_receipt(snapshot: ScoreSnapshot, version: ScorecardVersion | None = None) -> Receipt:
    """Return the receipt of a snapshot, laid out by the groups of its version."""
    if version is None:
        version = ScorecardVersion.objects.select_related("scorecard").get(pk=snapshot.version_id)
    from health.proof import computed_again

    card = version.card()
    inputs = zip(snapshot.value, snapshot.fresh, snapshot.points, snapshot.contribution, strict=True)
    found = dict(zip([part.key for part in card.inputs], inputs, strict=True))
    freezes = freezes_in(snapshot)
    again = computed_again(version, card, snapshot, freezes).scores
    shares = dict(zip(again.shares.columns, again.shares.to_numpy()[0].tolist(), strict=True))
    reading = _Reading(snapshot.as_of, found, shares, card.shares(), scope_names(card), freezes)
    return Receipt(
        snapshot=snapshot,
        version=version,
        card=card,
        root=_part(card.root, 0, (), reading),
        limits=tuple(_limit(limit, card, reading) for limit in card.limits),
        computed=hundredths(int(again.accounts["score"].iloc[0])),
        override=_override(snapshot),
        children=_children(snapshot),
    )


def _children(snapshot: ScoreSnapshot) -> tuple[ChildLine, ...]:
    """Return what a parent's score was made from, the one that costs it most first; no query without any."""
    if not snapshot.children:
        return ()
    children = sorted(read_children(snapshot.children), key=lambda child: (child.contribution, child.account_id))
    names = Account.all_objects.in_bulk([child.account_id for child in children])
    culprit = responsible(children)
    return tuple(
        ChildLine(
            account_id=child.account_id,
            name=str(names.get(child.account_id, f"Account {child.account_id}")),
            score=None if child.score == UNKNOWN else child.score / HUNDREDTHS,
            confidence=child.confidence,
            weight=child.weight,
            contribution=child.contribution / HUNDREDTHS,
            is_responsible=child is culprit,
        )
        for child in children
    )


def _override(snapshot: ScoreSnapshot) -> ScoreOverride | None:
    """Return what was set in the place of the computed score; no query where nothing was."""
    if snapshot.override == UNKNOWN:
        return None
    accounts = AccountSet(ids=(snapshot.account_id,))
    rows = overrides_at(snapshot.scorecard_id, accounts, as_of=snapshot.as_of, recorded_by=snapshot.recorded_by)
    return rows.select_related("made_by").first()


def freezes_in(snapshot: ScoreSnapshot) -> list[Freeze]:
    """Return what was frozen when a snapshot was computed."""
    as_of = datetime.combine(snapshot.as_of, time(), UTC)
    return freezes_of(snapshot.account_id, as_of=as_of, recorded_by=snapshot.recorded_by)


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


def use_text(part: Measure | Limit, words: str) -> str:
    """Say which metric a measure or limit uses and how; the metric's name is left out where that bears it."""
    label = get_metric(part.use.metric).label
    return " · ".join(text for text in ("" if label == part.label else label, words) if text)


def limit_rule(limit: Limit, held_at: float) -> str:
    """Say what a limit does: "At least 1: the score is not healthy, at most 69.99"."""
    test = "At least" if limit.test is Comparison.AT_LEAST else "At most"
    effect = {Effect.CAP: "at most", Effect.FLOOR: "at least", Effect.VETO: "not healthy, at most"}[limit.effect]
    return f"{test} {limit.value:g}: the score is {effect} {held_at:g}"


@dataclass(frozen=True)
class _Reading:
    """What the parts of a receipt are made from, by the key of the measure or limit."""

    as_of: date
    found: dict[str, tuple[float, int, int, int]]
    shares: dict[str, float]
    nominal: dict[str, float]
    names: dict[str, str]
    freezes: list[Freeze]


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
    fresh_at, freeze = _moment(minute), freeze_of(measure.use, reading.freezes)
    end = datetime.combine(reading.as_of, time(), UTC) if freeze is None else freeze.frozen_at
    return Line(
        measure=measure,
        metric=get_metric(measure.use.metric),
        groups=path,
        words=use_words(measure.use, reading.names),
        value=_known(value),
        fresh_at=fresh_at,
        age_days=None if fresh_at is None else (end - fresh_at).total_seconds() / 86_400,
        points=None if points == UNKNOWN else points / HUNDREDTHS,
        nominal_share=reading.nominal[measure.key],
        share=reading.shares[measure.key],
        contribution=contribution / HUNDREDTHS,
        freeze=freeze,
    )


def _limit(limit: Limit, card: Card, reading: _Reading) -> LimitLine:
    value, minute, points, contribution = reading.found[limit.key]
    return LimitLine(
        limit=limit,
        metric=get_metric(limit.use.metric),
        words=use_words(limit.use, reading.names),
        value=_known(value),
        fresh_at=_moment(minute),
        is_fired=None if points == UNKNOWN else points > 0,
        held_at=card.held_at(limit),
        contribution=contribution / HUNDREDTHS,
        freeze=freeze_of(limit.use, reading.freezes),
    )


def _known(value: float) -> float | None:
    return None if value != value else value  # noqa: PLR0124 -- NaN is not itself


def _moment(minute: int) -> datetime | None:
    return None if minute == NO_INPUT else datetime.fromtimestamp(minute * MINUTE, UTC)


def _line_as_dict(line: Line) -> dict[str, Any]:
    return {
        "key": line.measure.key,
        "label": line.measure.label,
        "groups": list(line.groups),
        **line.measure.use.as_dict(),
        "unit": line.metric.unit,
        "value": line.value,
        "fresh_at": None if line.fresh_at is None else line.fresh_at.isoformat(),
        **_freeze_as_dict(line.freeze),
        "state": line.state,
        "curve": [list(point) for point in line.measure.curve],
        "points": line.points,
        "nominal_share": round(line.nominal_share, 6),
        "share": round(line.share, 6),
        "contribution": line.contribution,
    }


def _freeze_as_dict(freeze: Freeze | None) -> dict[str, str | None]:
    if freeze is None:
        return {"frozen_as_of": None, "frozen_because": None}
    return {"frozen_as_of": freeze.frozen_on.isoformat(), "frozen_because": freeze.words}


def _child_as_dict(line: ChildLine) -> dict[str, Any]:
    return {
        "account": line.account_id,
        "score": None if line.score is None else f"{line.score:.2f}",
        "confidence": line.confidence,
        "weight": line.weight,
        "contribution": line.contribution,
        "is_responsible": line.is_responsible,
    }


def _limit_as_dict(line: LimitLine) -> dict[str, Any]:
    return {
        "key": line.limit.key,
        "label": line.limit.label,
        **line.limit.use.as_dict(),
        "unit": line.metric.unit,
        "is": str(line.limit.test),
        "threshold": line.limit.value,
        "then": str(line.limit.effect),
        "held_at": line.held_at,
        "value": line.value,
        "fresh_at": None if line.fresh_at is None else line.fresh_at.isoformat(),
        **_freeze_as_dict(line.freeze),
        "is_fired": line.is_fired,
        "contribution": line.contribution,
    }


def scope_names(card: Card) -> dict[str, str]:
    """Return the names of the personas and products in any scope, asked only if there are any."""
    scopes = [part.use.scope for part in card.inputs]
    names: dict[str, str] = {}
    for word, model in (("persona", Persona), ("product", Product)):
        if wanted := {getattr(scope, word) for scope in scopes} - {None}:
            found = model.objects.filter(pk__in=wanted).values_list("pk", "name")
            names |= {f"{word} {pk}": name for pk, name in found}
    return names


def hundredths(score: int) -> Decimal | None:
    """Return a stored score as points; None where there is none."""
    return None if score == UNKNOWN else Decimal(score).scaleb(-2)
