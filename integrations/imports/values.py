"""Expressions that say where a value comes from. Pure.

A plain text is a column. A mapping is one of
    {column: C, choices: {from: to}, otherwise: V, default: V, plus: {minutes: C}}
    {constant: V}    {template: "Customer {C}"}    {product: [expression, …]}
and, where rows are grouped, {first: e} {last: e} {sum: e} {min: e} {max: e} {count: true}.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Protocol

from integrations.imports.errors import BadValue, MappingError
from integrations.imports.types import Converter, Style, shown, to_moment, to_number

Row = Sequence[str]
# What a bound expression gives: None when the row has nothing there.
Getter = Callable[[Row], object]

AGGREGATES = ("first", "last", "sum", "min", "max", "count")
UNITS = ("minutes", "hours", "days")
PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


class Value(Protocol):
    def columns(self) -> set[str]: ...

    def bind(self, index: Mapping[str, int], convert: Converter, style: Style) -> Getter: ...


@dataclass(frozen=True)
class Column:
    name: str
    choices: Mapping[str, str] | None = None
    otherwise: str | None = None
    default: str | None = None
    plus: tuple[tuple[str, str], ...] = ()

    def columns(self) -> set[str]:
        return {self.name, *(column for _, column in self.plus)}

    def bind(self, index: Mapping[str, int], convert: Converter, style: Style) -> Getter:
        position, name, default = index[self.name], self.name, self.default
        choose = self._choose if self.choices is not None else None
        added = [(unit, column, index[column]) for unit, column in self.plus]

        def get(row: Row) -> object:
            text: str | None = row[position] or default
            if text and choose is not None:
                text = choose(text)
            if not text:
                return None
            try:
                value = convert(text, style)
            except BadValue as error:
                raise BadValue(error.code, error.message, name) from None
            for unit, column, at in added:
                value = _add(value, unit, row[at], column, style)
                if value is None:
                    return None
            return value

        return get

    def _choose(self, text: str) -> str | None:
        choices = self.choices or {}
        if text in choices:
            return choices[text]
        if self.otherwise is not None:
            return self.otherwise
        raise BadValue(
            "unknown_choice",
            f"{shown(text)} is none of the mapping's choices {', '.join(choices)}",
            self.name,
        )


def _add(value: object, unit: str, text: str, column: str, style: Style) -> object:
    """Return a moment later by what a column says; None when it says nothing."""
    if not text:
        return None
    try:
        amount = to_number(text, style)
        return to_moment(value, style) + timedelta(**{unit: float(amount)})
    except BadValue as error:
        raise BadValue(error.code, error.message, column) from None
    except OverflowError:
        message = f"{shown(text)} {unit} later is no date any more"
        raise BadValue("not_a_date", message, column) from None


@dataclass(frozen=True)
class Constant:
    value: str

    def columns(self) -> set[str]:
        return set()

    def bind(
        self,
        index: Mapping[str, int],
        convert: Converter,
        style: Style,
    ) -> Getter:
        value = convert(self.value, style)
        return lambda _: value


@dataclass(frozen=True)
class Template:
    """Text with columns in braces; nothing when every column is empty."""

    text: str
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(PLACEHOLDER.findall(self.text)))

    def columns(self) -> set[str]:
        return set(self.names)

    def bind(self, index: Mapping[str, int], convert: Converter, style: Style) -> Getter:
        parts = PLACEHOLDER.split(self.text)
        literals, positions = parts[::2], [index[name] for name in self.names]

        def get(row: Row) -> object:
            values = [row[position] for position in positions]
            if not any(values):
                return None
            text = literals[0] + "".join(value + literal for value, literal in zip(values, literals[1:], strict=True))
            try:
                return convert(text, style)
            except BadValue as error:
                raise BadValue(error.code, error.message, ", ".join(self.names)) from None

        return get


@dataclass(frozen=True)
class Product:
    """Numbers multiplied; nothing when one is missing."""

    factors: tuple[Value, ...]

    def columns(self) -> set[str]:
        return set().union(*(factor.columns() for factor in self.factors))

    def bind(self, index: Mapping[str, int], convert: Converter, style: Style) -> Getter:
        getters = [factor.bind(index, to_number, style) for factor in self.factors]

        def get(row: Row) -> object:
            result = Decimal(1)
            for getter in getters:
                number = getter(row)
                if not isinstance(number, Decimal):
                    return None
                result *= number
            return convert(result, style)

        return get


@dataclass(frozen=True)
class Aggregate:
    """How the rows of a group make one value. Without a group, `first` is the row's own."""

    how: str
    value: Value


def parse_field(node: object, path: str, *, grouped: bool) -> Aggregate:
    """Return the expression of one field. Raises MappingError."""
    if isinstance(node, dict) and len(node) == 1:
        how, inner = next(iter(node.items()))
        if how in AGGREGATES:
            if not grouped:
                msg = f"`{how}` joins rows and needs a `group_by` beside it"
                raise MappingError(msg, path)
            if how == "count":
                return Aggregate("count", Constant("1"))
            return Aggregate(how, parse_value(inner, f"{path}.{how}"))
    return Aggregate("first", parse_value(node, path))


def parse_value(node: object, path: str) -> Value:
    """Return the expression of a node. Raises MappingError."""
    if isinstance(node, str) and node:
        return Column(node)
    if isinstance(node, dict):
        if "column" in node:
            return _parse_column(node, path)
        if set(node) == {"constant"}:
            return Constant(_scalar(node["constant"], f"{path}.constant"))
        if set(node) == {"template"}:
            template = Template(_scalar(node["template"], f"{path}.template"))
            if not template.names:
                msg = "a template names columns in braces; for a fixed text use constant"
                raise MappingError(msg, path)
            return template
        if set(node) == {"product"} and isinstance(node["product"], list):
            factors = [parse_value(part, f"{path}.product[{n}]") for n, part in enumerate(node["product"])]
            return Product(tuple(factors))
    msg = (
        "expected a column's name or one of {column: …}, {constant: …}, {template: …}, {product: […]}"
        f", found {shown(node)}"
    )
    raise MappingError(msg, path)


def _parse_column(node: dict[Any, Any], path: str) -> Column:
    known = {"column", "choices", "otherwise", "default", "plus"}
    for key in node:
        if key not in known:
            msg = f"unknown key {key!r}; a column takes {', '.join(sorted(known))}"
            raise MappingError(msg, path)
    choices = node.get("choices")
    if choices is not None:
        if not isinstance(choices, dict) or not choices:
            raise MappingError("choices are pairs like `{medium: normal}`", f"{path}.choices")
        choices = {_scalar(key, f"{path}.choices"): _scalar(value, f"{path}.choices") for key, value in choices.items()}
    if "otherwise" in node and choices is None:
        raise MappingError("`otherwise` belongs to `choices`", path)
    return Column(
        name=_scalar(node["column"], f"{path}.column"),
        choices=choices,
        otherwise=_optional(node, "otherwise", path),
        default=_optional(node, "default", path),
        plus=_parse_plus(node.get("plus"), f"{path}.plus"),
    )


def _parse_plus(node: object, path: str) -> tuple[tuple[str, str], ...]:
    if node is None:
        return ()
    if not isinstance(node, dict) or not set(node) <= set(UNITS):
        msg = f"`plus` takes {', '.join(UNITS)} and a column, like `{{minutes: wait}}`"
        raise MappingError(msg, path)
    return tuple((str(unit), _scalar(column, path)) for unit, column in node.items())


def _optional(node: dict[Any, Any], key: str, path: str) -> str | None:
    return _scalar(node[key], f"{path}.{key}") if key in node else None


def _scalar(node: object, path: str) -> str:
    if isinstance(node, bool):
        return "true" if node else "false"
    if isinstance(node, str | int | float):
        return str(node)
    raise MappingError(f"expected a text or a number, found {shown(node)}", path)
