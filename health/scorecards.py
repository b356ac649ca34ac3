"""What a scorecard says: groups of measures with weights, curves and rules, read from plain data.

Pure. A measure is a metric turned into 0 to 100 points by a curve. The plain form is JSON:

    {"bands": {"green": 70, "yellow": 40}, "minimum_confidence": 40,
     "applies_to": {"field": "tier", "op": "any_of", "value": ["growth"]},
     "children": [
       {"key": "usage", "label": "Product usage", "weight": 30, "locked": true, "children": [
         {"key": "active_people", "label": "Active people", "weight": 2,
          "metric": "active_contacts", "params": {"days": 28}, "scope": {},
          "curve": [[0, 0], [10, 100]], "missing": "redistribute", "fresh_days": 30}]}],
     "limits": [
       {"key": "champion_left", "label": "Champion left", "metric": "people_left",
        "params": {"days": 90}, "scope": {"role": "champion"}, "is": "at_least", "value": 1,
        "then": "veto"}]}

Weights are shares of their group. A locked one is percent: where any is locked, the weights of the
group sum to 100. `applies_to` is a condition over accounts, which this module does not look into.
`rollup` says where the score of an account with accounts below it comes from, by default its own
measures.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import Any

from health.metrics.registry import KEY, InvalidUse, MetricUse, clean_use

MAX_DEPTH = 8
MAX_MEASURES = 200
MAX_LIMITS = 50
MAX_CURVE_POINTS = 50
MAX_FRESH_DAYS = 3650
MAX_SCORE = 100
MAX_LABEL_LENGTH = 80
MAX_NUMBER = 1e12
WHOLE = 100
WEIGHT_NOISE = 1e-6
DEFAULT_BANDS = {"green": 70, "yellow": 40}
DEFAULT_MINIMUM_CONFIDENCE = 40


class InvalidScorecard(ValueError):
    """A scorecard cannot be used. The message says where and what to mend; `field` is the word of the form to blame."""

    def __init__(self, path: Sequence[str], message: str, field: str = "") -> None:
        self.path = tuple(path)
        self.reason = message
        self.field = field
        super().__init__(" → ".join([*path, message]) if path else message)


class Band(IntEnum):
    """What a score means, in order from worst to best; unknown stands apart."""

    UNKNOWN = 0
    RED = 1
    YELLOW = 2
    GREEN = 3

    @property
    def word(self) -> str:
        return self.name.lower()

    @property
    def label(self) -> str:
        return {"UNKNOWN": "No score", "RED": "At risk", "YELLOW": "Watch", "GREEN": "Healthy"}[self.name]


class Missing(StrEnum):
    """What happens to the weight of a measure whose value is unknown or too old."""

    REDISTRIBUTE = "redistribute"
    """Its weight goes to the others of its group."""
    NEUTRAL = "neutral"
    """It counts 50 points and moves nothing."""
    ZERO = "zero"
    """It counts 0 points."""
    UNKNOWN = "unknown"
    """The whole score is unknown."""


class Comparison(StrEnum):
    """How a limit compares its metric with its value."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"


class Effect(StrEnum):
    """What a limit does to the score while its metric is beyond its value."""

    CAP = "cap"
    """The score is at most the limit's."""
    FLOOR = "floor"
    """The score is at least the limit's, unless a cap says less."""
    VETO = "veto"
    """The score stays just below green."""


class Rollup(StrEnum):
    """Where the score of an account with accounts below it comes from."""

    OWN = "own"
    """Its own measures, as if there were none below."""
    REVENUE_WEIGHTED = "revenue_weighted"
    """The mean of those below, weighted by their ARR."""
    WORST_CHILD = "worst_child"
    """The lowest below."""
    AVERAGE = "average"
    """The plain mean of those below."""

    @property
    def label(self) -> str:
        return {
            "own": "Their own measures",
            "revenue_weighted": "Mean of those below, by revenue",
            "worst_child": "The worst of those below",
            "average": "Plain mean of those below",
        }[self.value]


@dataclass(frozen=True)
class Measure:
    """`fresh_days` None: never too old. `curve`: (value, points) with rising values."""

    key: str
    label: str
    weight: float
    use: MetricUse
    curve: tuple[tuple[float, float], ...]
    missing: Missing = Missing.REDISTRIBUTE
    fresh_days: int | None = None
    locked: bool = False


@dataclass(frozen=True)
class Limit:
    """A cap, floor or veto: it fires while its metric is at least, or at most, `value`; never while that is unknown.

    `score`: where a cap or floor holds the score; None for a veto.
    """

    key: str
    label: str
    use: MetricUse
    test: Comparison
    value: float
    effect: Effect
    score: float | None = None


@dataclass(frozen=True)
class Group:
    key: str
    label: str
    weight: float
    children: "tuple[Group | Measure, ...]"
    locked: bool = False

    def measures(self) -> Iterator[Measure]:
        """Yield the measures below, in the order of the page: the order of a version's arrays."""
        for child in self.children:
            if isinstance(child, Measure):
                yield child
            else:
                yield from child.measures()

    def groups(self) -> "Iterator[Group]":
        """Yield the group and the groups below it, outermost first."""
        yield self
        for child in self.children:
            if isinstance(child, Group):
                yield from child.groups()


@dataclass(frozen=True)
class Card:
    """A scorecard ready to compute. Bands start at these scores; confidence is in whole percent.

    `applies_to` None: all accounts.
    """

    root: Group
    green_from: float
    yellow_from: float
    minimum_confidence: int
    applies_to: Mapping[str, Any] | None = None
    limits: tuple[Limit, ...] = ()
    rollup: Rollup = Rollup.OWN

    @property
    def measures(self) -> tuple[Measure, ...]:
        return tuple(self.root.measures())

    @property
    def inputs(self) -> tuple[Measure | Limit, ...]:
        """Everything that reads a metric, in the order of a version's arrays: the measures, then the limits."""
        return (*self.measures, *self.limits)

    def held_at(self, limit: Limit) -> float:
        """Return the score at which a limit holds; a veto's is a hundredth below green."""
        return (math.ceil(self.green_from * 100) - 1) / 100 if limit.score is None else limit.score

    def shares(self) -> dict[str, float]:
        """Return each measure's share of the whole weight when everything is known (sum: 1)."""
        return dict(_shares(self.root, 1.0))

    def as_dict(self) -> dict[str, Any]:
        """Return the canonical plain form, which `read_card` takes back."""
        data: dict[str, Any] = {
            "bands": {"green": self.green_from, "yellow": self.yellow_from},
            "minimum_confidence": self.minimum_confidence,
            "children": [_as_dict(child) for child in self.root.children],
        }
        if self.limits:
            data["limits"] = [_limit_as_dict(limit) for limit in self.limits]
        if self.applies_to is not None:
            data["applies_to"] = dict(self.applies_to)
        if self.rollup is not Rollup.OWN:
            data["rollup"] = str(self.rollup)
        return data

    @property
    def hash(self) -> str:
        """Return the SHA-256 of the canonical form."""
        text = json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def read_card(data: object) -> Card:
    """Read a scorecard from its plain form. Raises InvalidScorecard."""
    root = _mapping(data, [])
    _refuse_unknown(root, {"bands", "minimum_confidence", "applies_to", "rollup", "children", "limits"}, [])
    bands = _mapping(root.get("bands", DEFAULT_BANDS), ["Bands"])
    _refuse_unknown(bands, {"green", "yellow"}, ["Bands"])
    green = _number(bands.get("green", DEFAULT_BANDS["green"]), ["Bands", "green"], "bands")
    yellow = _number(bands.get("yellow", DEFAULT_BANDS["yellow"]), ["Bands", "yellow"], "bands")
    if not 0 < yellow < green <= MAX_SCORE:
        raise InvalidScorecard(
            ["Bands"],
            f"yellow must start above 0 and below green, and green at most at 100; not {yellow} and {green}.",
            "bands",
        )
    confidence = root.get("minimum_confidence", DEFAULT_MINIMUM_CONFIDENCE)
    if isinstance(confidence, bool) or not isinstance(confidence, int) or not 0 <= confidence <= MAX_SCORE:
        message = f"this is a whole number from 0 to 100, not {confidence!r}."
        raise InvalidScorecard(["Minimum confidence"], message, "minimum_confidence")
    group = Group("", "", 1.0, _children(root.get("children"), [], 1))
    limits = _limits(root.get("limits", []))
    inputs: list[Measure | Limit] = [*group.measures(), *limits]
    keys = [each.key for each in group.groups()] + [each.key for each in inputs]
    for key in keys:
        if keys.count(key) > 1:
            raise InvalidScorecard([], f"two parts have the key {key!r}; give one of them another.")
    if len(list(group.measures())) > MAX_MEASURES:
        raise InvalidScorecard([], f"more than {MAX_MEASURES} measures; split the scorecard.")
    applies_to, rollup = _applies_to(root.get("applies_to")), _rollup(root.get("rollup", Rollup.OWN))
    return Card(group, green, yellow, confidence, applies_to, limits, rollup)


def _applies_to(data: object) -> Mapping[str, Any] | None:
    return None if data is None else _mapping(data, ["Applies to"])


def _rollup(data: object) -> Rollup:
    if not isinstance(data, str) or data not in list(Rollup):
        raise InvalidScorecard(["Roll-up"], f"this is one of {', '.join(Rollup)}, not {data!r}.", "rollup")
    return Rollup(str(data))


def _children(data: object, path: list[str], depth: int) -> tuple[Group | Measure, ...]:
    if not isinstance(data, list) or not data:
        raise InvalidScorecard(path, "there is nothing inside; add a measure or remove the group.", "children")
    if depth > MAX_DEPTH:
        raise InvalidScorecard(path, f"groups are nested deeper than {MAX_DEPTH}.")
    children = tuple(_node(child, path, depth) for child in data)
    if problem := locked_weights_problem([(child.weight, child.locked) for child in children]):
        raise InvalidScorecard([*path, "weight"], problem, "weights")
    return children


def locked_weights_problem(weights: Sequence[tuple[float, bool]]) -> str | None:
    """Say what to mend where the weights (weight, is it locked) of a group cannot sum to 100; None: nothing.

    Without a lock they are mere proportions, and any sum will do.
    """
    locked = math.fsum(weight for weight, is_locked in weights if is_locked)
    total = math.fsum(weight for weight, _ in weights)
    if not locked or abs(total - WHOLE) <= WEIGHT_NOISE:
        return None
    if all(is_locked for _, is_locked in weights):
        return f"all weights are locked, and they sum to {total:g}, not 100; unlock one, or change them."
    if locked >= WHOLE:
        return f"the locked weights sum to {locked:g} and leave nothing of 100 to the others; lower or unlock one."
    return f"weights beside a locked one must sum to 100, not {total:g}; balance the rest, or change them."


def _node(data: object, path: list[str], depth: int) -> Group | Measure:
    node = _mapping(data, path)
    key, label = _name(node, path)
    path = [*path, label]
    weight = _number(node.get("weight", 1), [*path, "weight"], "weight")
    if weight <= 0:
        message = f"a weight must be above 0, not {weight}; remove what should not count."
        raise InvalidScorecard([*path, "weight"], message, "weight")
    locked = node.get("locked", False)
    if not isinstance(locked, bool):
        raise InvalidScorecard([*path, "locked"], f"this is true or false, not {locked!r}.", "locked")
    if "children" in node:
        _refuse_unknown(node, {"key", "label", "weight", "locked", "children"}, path)
        return Group(key, label, weight, _children(node["children"], path, depth + 1), locked)
    return replace(_measure(node, key, label, weight, path), locked=locked)


def _measure(node: Mapping[str, Any], key: str, label: str, weight: float, path: list[str]) -> Measure:
    known = {"key", "label", "weight", "locked", "metric", "params", "scope", "curve", "missing", "fresh_days"}
    _refuse_unknown(node, known, path)
    use = _use(node, path)
    missing = node.get("missing", Missing.REDISTRIBUTE)
    if missing not in list(Missing):
        raise InvalidScorecard([*path, "missing"], f"this is one of {', '.join(Missing)}, not {missing!r}.", "missing")
    fresh = _fresh_days(node.get("fresh_days"), [*path, "fresh_days"])
    return Measure(key, label, weight, use, _curve(node.get("curve"), [*path, "curve"]), Missing(missing), fresh)


def _limits(data: object) -> tuple[Limit, ...]:
    if not isinstance(data, list) or len(data) > MAX_LIMITS:
        raise InvalidScorecard(["Limits"], f"this is a list of at most {MAX_LIMITS} caps, floors and vetoes.")
    return tuple(_limit(each) for each in data)


def _limit(data: object) -> Limit:
    node = _mapping(data, ["Limits"])
    key, label = _name(node, ["Limits"])
    path = ["Limits", label]
    _refuse_unknown(node, {"key", "label", "metric", "params", "scope", "is", "value", "then", "score"}, path)
    test, effect = node.get("is", Comparison.AT_LEAST), node.get("then")
    if test not in list(Comparison):
        raise InvalidScorecard([*path, "is"], f"this is one of {', '.join(Comparison)}, not {test!r}.", "is")
    if effect not in list(Effect):
        raise InvalidScorecard([*path, "then"], f"this is one of {', '.join(Effect)}, not {effect!r}.", "then")
    value, score = _number(node.get("value"), [*path, "value"], "value"), node.get("score")
    if effect == Effect.VETO:
        if score is not None:
            raise InvalidScorecard(
                [*path, "score"], "a veto has none, it keeps the score below green; make it a cap.", "score"
            )
    else:
        score = _number(score, [*path, "score"], "score")
        if not 0 <= score <= MAX_SCORE or round(score, 2) != score:
            message = f"this is where it holds, from 0 to 100 with at most two decimals, not {score}."
            raise InvalidScorecard([*path, "score"], message, "score")
    return Limit(key, label, _use(node, path), Comparison(test), value, Effect(effect), score)


def _name(node: Mapping[str, Any], path: list[str]) -> tuple[str, str]:
    key, label = node.get("key"), node.get("label")
    if not isinstance(key, str) or not KEY.fullmatch(key):
        raise InvalidScorecard(path, f"the key {key!r} is not a word of a–z, 0–9 and _, starting with a letter.", "key")
    if not isinstance(label, str) or not label.strip() or len(label) > MAX_LABEL_LENGTH:
        raise InvalidScorecard([*path, key], f"a label of 1 to {MAX_LABEL_LENGTH} characters is missing.", "label")
    return key, label


def _use(node: Mapping[str, Any], path: list[str]) -> MetricUse:
    try:
        return clean_use({name: node.get(name) for name in ("metric", "params", "scope")})
    except InvalidUse as error:
        raise InvalidScorecard(path, str(error), "metric") from None


def _fresh_days(value: object, path: list[str]) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_FRESH_DAYS:
        message = f"this is a number of days from 1 to {MAX_FRESH_DAYS} or nothing, not {value!r}."
        raise InvalidScorecard(path, message, "fresh_days")
    return value


def _curve(data: object, path: list[str]) -> tuple[tuple[float, float], ...]:
    if not isinstance(data, list) or not 2 <= len(data) <= MAX_CURVE_POINTS:
        raise InvalidScorecard(path, f"a curve is a list of 2 to {MAX_CURVE_POINTS} points [value, points].", "curve")
    curve: list[tuple[float, float]] = []
    for point in data:
        if not isinstance(point, list | tuple) or len(point) != 2:
            raise InvalidScorecard(path, f"{point!r} is not a point [value, points].", "curve")
        value, points = (_number(number, path, "curve") for number in point)
        if not 0 <= points <= MAX_SCORE:
            raise InvalidScorecard(path, f"points go from 0 to 100, not {points} (at {value}).", "curve")
        if curve and value <= curve[-1][0]:
            last = curve[-1][0]
            message = f"the values must rise from point to point; {value} comes after {last}."
            if value == last:
                message = f"two points have the value {value}; remove one, or give it another value."
            raise InvalidScorecard(path, message, "curve")
        curve.append((value, points))
    return tuple(curve)


def _number(value: object, path: list[str], field: str = "") -> float:
    """Return a finite number; whole ones stay int, so that the canonical text is short."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MAX_NUMBER:
        raise InvalidScorecard(path, f"{value!r} is not a number.", field)
    return int(value) if float(value).is_integer() else float(value)


def _mapping(data: object, path: list[str]) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise InvalidScorecard(path, f"this must be a set of names and values, not {type(data).__name__}.")
    return data


def _refuse_unknown(data: Mapping[str, Any], known: set[str], path: list[str]) -> None:
    for name in data:
        if name not in known:
            raise InvalidScorecard(path, f"{name!r} means nothing here; known are {', '.join(sorted(known))}.")


def _shares(group: Group, share: float) -> Iterator[tuple[str, float]]:
    total = math.fsum(child.weight for child in group.children)
    for child in group.children:
        part = share * child.weight / total
        if isinstance(child, Measure):
            yield child.key, part
        else:
            yield from _shares(child, part)


def _as_dict(node: Group | Measure) -> dict[str, Any]:
    head: dict[str, Any] = {"key": node.key, "label": node.label, "weight": node.weight}
    if node.locked:
        head["locked"] = True
    if isinstance(node, Group):
        return head | {"children": [_as_dict(child) for child in node.children]}
    data = head | node.use.as_dict() | {"curve": [list(point) for point in node.curve], "missing": str(node.missing)}
    if node.fresh_days is not None:
        data["fresh_days"] = node.fresh_days
    return data


def _limit_as_dict(limit: Limit) -> dict[str, Any]:
    data = {"key": limit.key, "label": limit.label} | limit.use.as_dict()
    data |= {"is": str(limit.test), "value": limit.value, "then": str(limit.effect)}
    return data if limit.score is None else data | {"score": limit.score}
