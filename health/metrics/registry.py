"""What can be measured about an account: metrics, their parameters and their scope.

Pure: a metric is described here and turned into SQL by query.py. Apps above register more metrics
in their `AppConfig.ready()`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from health.metrics.query import Column, Query

Value = int | float | str | tuple[str, ...] | None
MAX_TEXTS = 50
MAX_TEXT_LENGTH = 200
KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")


class InvalidUse(ValueError):
    """A metric is asked for in a way that makes no sense. The message says what to mend."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a metric.

    `kind`: integer (minimum, maximum, unit), choice (`choices`: key → label), texts (a list of
    words, empty: all) or key (the key of an attribute). A default of None with `is_required` false
    means "not restricted".
    """

    key: str
    label: str
    kind: str = "integer"
    default: Value = None
    unit: str = ""
    minimum: int = 0
    maximum: int = 0
    choices: Mapping[str, str] = field(default_factory=dict)
    is_required: bool = False
    help: str = ""

    def clean(self, value: object) -> Value:
        """Return the value as the metric takes it. Raises InvalidUse."""
        if value is None or value in ("", [], ()):
            if self.is_required:
                raise InvalidUse(f"{self.label} is missing.")
            return self.default
        return _CLEANERS[self.kind](self, value)


def _integer(parameter: Parameter, value: object) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not parameter.minimum <= value <= parameter.maximum:
        raise InvalidUse(
            f"{parameter.label} is a whole number from {parameter.minimum} to {parameter.maximum}, not {value!r}."
        )
    return value


def _choice(parameter: Parameter, value: object) -> str:
    if not isinstance(value, str) or value not in parameter.choices:
        raise InvalidUse(f"{parameter.label} is one of {', '.join(parameter.choices)}, not {value!r}.")
    return value


def _texts(parameter: Parameter, value: object) -> tuple[str, ...]:
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list | tuple) or len(words) > MAX_TEXTS:
        raise InvalidUse(f"{parameter.label} is a list of at most {MAX_TEXTS} names.")
    for word in words:
        if not isinstance(word, str) or not word.strip() or len(word) > MAX_TEXT_LENGTH or "\x00" in word:
            raise InvalidUse(f"{parameter.label}: {word!r} is not a name.")
    return tuple(sorted(set(words)))


def _key(parameter: Parameter, value: object) -> str:
    if not isinstance(value, str) or not KEY.fullmatch(value):
        raise InvalidUse(f"{parameter.label}: {value!r} is not a key like seats_bought.")
    return value


_CLEANERS: dict[str, Callable[[Parameter, object], Value]] = {
    "integer": _integer,
    "choice": _choice,
    "texts": _texts,
    "key": _key,
}


@dataclass(frozen=True)
class Scope:
    """Whose facts count: contacts of a persona or role, a product. None: everybody, everything."""

    persona: int | None = None
    role: str | None = None
    product: int | None = None

    @property
    def is_of_contacts(self) -> bool:
        return self.persona is not None or self.role is not None

    def as_dict(self) -> dict[str, int | str]:
        pairs = {"persona": self.persona, "role": self.role, "product": self.product}
        return {key: value for key, value in pairs.items() if value is not None}


EVERYBODY = Scope()


@dataclass(frozen=True)
class Metric:
    """A number about an account with a unit.

    `build(query, use)` says which columns of which pass over the facts make the value; see query.py.
    `scopes` are the words of a Scope that make sense for it. `absence` says when it is unknown.
    `feeds` are the kinds of feed (FeedKind) it is made from: it is frozen while one of them is broken.
    """

    key: str
    label: str
    unit: str
    family: str
    description: str
    absence: str
    build: "Callable[[Query, MetricUse], Column]"
    parameters: tuple[Parameter, ...] = ()
    scopes: frozenset[str] = frozenset()
    feeds: frozenset[str] = frozenset()


@dataclass(frozen=True)
class MetricUse:
    """A metric with its parameters and scope decided; hashable, so that equal uses are computed once."""

    metric: str
    params: tuple[tuple[str, Value], ...] = ()
    scope: Scope = EVERYBODY

    def __getitem__(self, key: str) -> Any:
        return dict(self.params)[key]

    def as_dict(self) -> dict[str, object]:
        """Return the plain form that `clean_use` takes; parameters at None are left out."""
        params = {
            key: list(value) if isinstance(value, tuple) else value for key, value in self.params if value is not None
        }
        data: dict[str, object] = {"metric": self.metric, "params": params}
        if scope := self.scope.as_dict():
            data["scope"] = scope
        return data


_metrics: dict[str, Metric] = {}


def register(metric: Metric) -> Metric:
    """Make a metric available. Raises ValueError when its key is taken."""
    if metric.key in _metrics:
        msg = f"There are two metrics called {metric.key!r}."
        raise ValueError(msg)
    _metrics[metric.key] = metric
    return metric


def get_metric(key: object) -> Metric:
    """Return a metric. Raises InvalidUse naming the ones there are."""
    if not isinstance(key, str) or key not in _metrics:
        raise InvalidUse(f"There is no metric {key!r}; the metrics are {', '.join(sorted(_metrics))}.")
    return _metrics[key]


def all_metrics() -> list[Metric]:
    """Return every metric in the order of registration, which is by family."""
    return list(_metrics.values())


def clean_use(data: Mapping[str, object]) -> MetricUse:
    """Read {"metric": key, "params": {…}, "scope": {…}}; defaults fill what is left out.

    Raises InvalidUse.
    """
    metric = get_metric(data.get("metric"))
    given = _mapping(data.get("params"), f"The parameters of {metric.label}")
    known = {parameter.key for parameter in metric.parameters}
    for key in given:
        if key not in known:
            there_are = f"its parameters are {', '.join(sorted(known))}" if known else "it has none"
            raise InvalidUse(f"{metric.label} has no parameter {key!r}; {there_are}.")
    params = tuple((p.key, p.clean(given.get(p.key))) for p in metric.parameters)
    return MetricUse(metric.key, params, _clean_scope(metric, data.get("scope")))


def _clean_scope(metric: Metric, data: object) -> Scope:
    given = _mapping(data, f"The scope of {metric.label}")
    for word in given:
        if word not in metric.scopes:
            allowed = ", ".join(sorted(metric.scopes)) or "nothing"
            raise InvalidUse(f"{metric.label} cannot be limited to a {word}; it can be limited to {allowed}.")
    persona, role, product = (given.get(word) for word in ("persona", "role", "product"))
    if role is not None and (not isinstance(role, str) or not KEY.fullmatch(role)):
        raise InvalidUse(f"The role {role!r} is not a word like champion.")
    return Scope(_row_id(persona, "persona"), role, _row_id(product, "product"))


def _row_id(value: object, word: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidUse(f"The {word} is the number of one, not {value!r}.")
    return value


def _mapping(value: object, what: str) -> Mapping[str, object]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidUse(f"{what} must be a set of names and values, not {value!r}.")
    return value
