"""From JSON to typed nodes; everything that can be wrong with a condition is found here."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from accounts.conditions.catalogue import Catalogue, Field, FieldType, Param
from accounts.conditions.errors import (
    TooLarge,
    UnknownField,
    WrongOperator,
    WrongShape,
    WrongValue,
)
from accounts.conditions.operators import OPERATORS, Operand, Operator
from accounts.enums import Entity

MAX_DEPTH = 8
MAX_NODES = 200
MAX_VALUES = 200
MAX_TEXT = 500
MAX_DAYS = 36_500
MAX_DIGITS = 30
MAX_NUMBER = Decimal(10) ** 15
SEGMENT_DEPTH = 5
KEY = re.compile(r"[0-9]{1,17}")


@dataclass(frozen=True)
class All:
    items: tuple["Node", ...]


@dataclass(frozen=True)
class AnyOf:
    items: tuple["Node", ...]


@dataclass(frozen=True)
class Not:
    item: "Node"


@dataclass(frozen=True)
class Leaf:
    """One field, one operator, one operand: None, str, Decimal, date, int (days), bool, or a list or pair of these."""

    field: Field
    params: tuple[tuple[str, Any], ...]
    operator: Operator
    operand: Any

    @property
    def key(self) -> tuple[Entity, str, tuple[tuple[str, Any], ...]]:
        """What two leaves share when one subquery serves both."""
        return (self.field.entity, self.field.key, self.params)


@dataclass(frozen=True)
class Contacts:
    """Whether any, or all, of the account's contacts are so."""

    is_any: bool
    where: "Node"


@dataclass(frozen=True)
class InSegment:
    """Whether the account is in one of the segments; being unknown to a segment is not being in it."""

    field: Field
    operator: Operator
    members: tuple[tuple[str, "Node"], ...]


Node = All | AnyOf | Not | Leaf | Contacts | InSegment


def parse(tree: object, catalogue: Catalogue, entity: Entity = Entity.ACCOUNT, *, strict: bool = False) -> Node:
    """Return the typed tree. Raises a ConditionError.

    Strict, as for input: choices must exist. A stored condition may name a user or product that has
    gone since: it matches nobody, but does not break the page.
    """
    return _Parser(catalogue, strict=strict).node(tree, "", entity, depth=1)


def validate(tree: object, entity: Entity = Entity.ACCOUNT, catalogue: Catalogue | None = None) -> None:
    """Raise a ConditionError that says where the condition is wrong and how to mend it."""
    parse(tree, catalogue or Catalogue(), entity, strict=True)


class _Parser:
    def __init__(self, catalogue: Catalogue, *, strict: bool) -> None:
        self.catalogue = catalogue
        self.strict = strict
        self.node_count = 0
        self.segments: list[int] = []

    def node(self, tree: object, path: str, entity: Entity, depth: int) -> Node:
        self.node_count += 1
        if self.node_count > MAX_NODES:
            msg = f"A condition has at most {MAX_NODES} parts, those of its segments included."
            raise TooLarge(msg, path)
        if depth > MAX_DEPTH * (len(self.segments) + 1):
            msg = f"A condition is at most {MAX_DEPTH} levels deep."
            raise TooLarge(msg, path)
        if not isinstance(tree, dict):
            msg = 'A condition is an object with "all", "any", "not", "contacts" or "field".'
            raise WrongShape(msg, path)
        for kind, keys, build in self._kinds():
            if kind in tree:
                _refuse_keys(tree, keys, path)
                return build(tree, path, entity, depth)
        msg = f'A condition has "all", "any", "not", "contacts" or "field", not {_names(tree)}.'
        raise WrongShape(msg, path)

    def _kinds(self) -> list[tuple[str, set[str], Callable[[Any, str, Entity, int], Node]]]:
        return [
            ("field", {"field", "params", "op", "value"}, self._leaf),
            ("all", {"all"}, self._all),
            ("any", {"any"}, self._any),
            ("not", {"not"}, self._not),
            ("contacts", {"contacts", "where"}, self._contacts),
        ]

    def _all(self, tree: dict[str, Any], path: str, entity: Entity, depth: int) -> Node:
        return All(self._items(tree["all"], _join(path, "all"), entity, depth))

    def _any(self, tree: dict[str, Any], path: str, entity: Entity, depth: int) -> Node:
        if tree["any"] == []:
            msg = '"any" of nothing never matches: add a condition to it.'
            raise WrongShape(msg, _join(path, "any"))
        return AnyOf(self._items(tree["any"], _join(path, "any"), entity, depth))

    def _items(self, items: object, path: str, entity: Entity, depth: int) -> tuple[Node, ...]:
        if not isinstance(items, list):
            msg = "Give a list of conditions here."
            raise WrongShape(msg, path)
        return tuple(self.node(item, f"{path}[{n}]", entity, depth + 1) for n, item in enumerate(items))

    def _not(self, tree: dict[str, Any], path: str, entity: Entity, depth: int) -> Node:
        return Not(self.node(tree["not"], _join(path, "not"), entity, depth + 1))

    def _contacts(self, tree: dict[str, Any], path: str, entity: Entity, depth: int) -> Node:
        if entity == Entity.CONTACT:
            msg = "This already asks about contacts; ask about their fields directly."
            raise WrongShape(msg, path)
        if tree["contacts"] not in ("any", "all"):
            msg = 'Say whether "any" or "all" contacts must be so.'
            raise WrongShape(msg, _join(path, "contacts"))
        if "where" not in tree:
            msg = 'Say in "where" what the contacts must be.'
            raise WrongShape(msg, path)
        where = self.node(tree["where"], _join(path, "where"), Entity.CONTACT, depth + 1)
        return Contacts(tree["contacts"] == "any", where)

    def _leaf(self, tree: dict[str, Any], path: str, entity: Entity, depth: int) -> Node:
        field = self._field(tree["field"], _join(path, "field"), entity)
        operators = OPERATORS[field.type]
        operator = operators.get(tree["op"]) if isinstance(tree.get("op"), str) else None
        if operator is None:
            msg = f"{field.label} takes one of the operators {', '.join(operators)}, not {tree.get('op')!r}."
            raise WrongOperator(msg, _join(path, "op"))
        params = _clean_params(field, tree.get("params", {}), _join(path, "params"))
        operand = self._operand(field, operator, tree, _join(path, "value"))
        if field.type == FieldType.SEGMENT:
            return self._in_segment(field, operator, operand, path, depth)
        return Leaf(field, params, operator, operand)

    def _field(self, key: object, path: str, entity: Entity) -> Field:
        field = self.catalogue.get(entity, key) if isinstance(key, str) else None
        if field is not None:
            return field
        if isinstance(key, str) and key.startswith("attribute."):
            msg = (
                f"There is no {entity.label.lower()} attribute {key.removeprefix('attribute.')!r};"
                " it may have been deleted. Remove this condition, or define the attribute under Settings → Fields."
            )
            raise UnknownField(msg, path)
        msg = f"There is no {entity.label.lower()} field {key!r}."
        raise UnknownField(msg, path)

    def _operand(self, field: Field, operator: Operator, tree: dict[str, Any], path: str) -> Any:
        if operator.operand == Operand.NOTHING:
            if tree.get("value") is not None:
                msg = f"{operator.key} takes no value."
                raise WrongValue(msg, path)
            return None
        value = tree.get("value")
        operand = _READERS[operator.operand](value)
        if operand is None:
            msg = f"{field.label} {operator.key} wants {_WANTED[operator.operand]}, not {_short(value)}."
            raise WrongValue(msg, path)
        return self._chosen(field, operand, path) if operator.operand == Operand.CHOICES else operand

    def _chosen(self, field: Field, values: list[str], path: str) -> list[Any]:
        if self.strict or field.type == FieldType.SEGMENT:
            known = self.catalogue.segment_keys if field.type == FieldType.SEGMENT else self.catalogue.choices(field)
            for value in values:
                if value not in known:
                    msg = f"{field.label}: there is no choice {_short(value)}."
                    raise WrongValue(msg, path)
        if field.type not in {FieldType.REFERENCE, FieldType.SEGMENT}:
            return values
        for value in values:
            if not KEY.fullmatch(value):
                msg = f"{field.label}: there is no choice {_short(value)}."
                raise WrongValue(msg, path)
        return [int(value) for value in values]

    def _in_segment(self, field: Field, operator: Operator, values: list[int], path: str, depth: int) -> Node:
        members = []
        for pk in values:
            segment = self.catalogue.segments[pk]
            if pk in self.segments or len(self.segments) >= SEGMENT_DEPTH:
                msg = f"The segment {segment.name} leads back to itself, or stands on more than {SEGMENT_DEPTH} others."
                raise WrongValue(msg, path)
            self.segments.append(pk)
            members.append(
                (segment.name, self.node(segment.condition, _join(path, segment.name), Entity.ACCOUNT, depth + 1))
            )
            self.segments.pop()
        return InSegment(field, operator, tuple(members))


def _clean_params(field: Field, given: object, path: str) -> tuple[tuple[str, Any], ...]:
    if not isinstance(given, dict):
        msg = "The parameters are an object of names and values."
        raise WrongShape(msg, path)
    names = {param.key for param in field.params}
    for name in given:
        if name not in names:
            msg = f"{field.label} has no parameter {name!r}" + (f"; it has {', '.join(names)}." if names else ".")
            raise WrongValue(msg, path)
    return tuple((param.key, _clean_param(field, param, given.get(param.key), path)) for param in field.params)


def _clean_param(field: Field, param: Param, value: object, path: str) -> str | int | tuple[str, ...] | None:
    if value is None or value in ("", []):
        return param.default
    if param.is_texts:
        texts = _READERS[Operand.TEXTS](value)
        if texts is None:
            msg = f"{field.label}: {param.label} is {_WANTED[Operand.TEXTS]}, not {_short(value)}."
            raise WrongValue(msg, f"{path}.{param.key}")
        return tuple(texts)
    if param.choices is not None:
        known = [key for key, _ in param.choices()]
        if str(value) not in known:
            msg = f"{field.label}: {param.label} is one of {', '.join(known)}, not {_short(value)}."
            raise WrongValue(msg, f"{path}.{param.key}")
        return str(value)
    if isinstance(value, bool) or not isinstance(value, int) or not param.minimum <= value <= param.maximum:
        msg = (
            f"{field.label}: {param.label} is a whole number from {param.minimum} to {param.maximum},"
            f" not {_short(value)}."
        )
        raise WrongValue(msg, f"{path}.{param.key}")
    return value


def _refuse_keys(tree: dict[str, Any], allowed: set[str], path: str) -> None:
    for key in tree:
        if key not in allowed:
            msg = f"{key!r} does not belong here; this part has {', '.join(sorted(allowed))}."
            raise WrongShape(msg, path)


def _text(value: object) -> str | None:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT:
        return None
    return None if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value) else value


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > MAX_DIGITS:
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) <= MAX_NUMBER else None


def _date(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _days(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MAX_DAYS else None


def _choice(value: object) -> str | None:
    return _text(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _list_of(read: Callable[[object], Any]) -> Callable[[object], list[Any] | None]:
    def read_list(value: object) -> list[Any] | None:
        if not isinstance(value, list) or not 0 < len(value) <= MAX_VALUES:
            return None
        items = [read(item) for item in value]
        return None if None in items else items

    return read_list


def _pair_of(read: Callable[[object], Any]) -> Callable[[object], tuple[Any, Any] | None]:
    def read_pair(value: object) -> tuple[Any, Any] | None:
        if not isinstance(value, list) or len(value) != 2:
            return None
        low, high = read(value[0]), read(value[1])
        return None if low is None or high is None or low > high else (low, high)

    return read_pair


_READERS: dict[Operand, Callable[[object], Any]] = {
    Operand.TEXT: _text,
    Operand.TEXTS: _list_of(_text),
    Operand.NUMBER: _number,
    Operand.NUMBERS: _pair_of(_number),
    Operand.DATE: _date,
    Operand.DATES: _pair_of(_date),
    Operand.DAYS: _days,
    Operand.BOOLEAN: lambda value: value if isinstance(value, bool) else None,
    Operand.CHOICES: _list_of(_choice),
}
_WANTED = {
    Operand.TEXT: f"a text of 1 to {MAX_TEXT} characters",
    Operand.TEXTS: f"a list of 1 to {MAX_VALUES} texts",
    Operand.NUMBER: "a number",
    Operand.NUMBERS: "two numbers, the lower first",
    Operand.DATE: "a date like 2026-11-24",
    Operand.DATES: "two dates, the earlier first",
    Operand.DAYS: f"a whole number of days from 0 to {MAX_DAYS}",
    Operand.BOOLEAN: "true or false",
    Operand.CHOICES: f"a list of 1 to {MAX_VALUES} choices",
}


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _names(tree: dict[str, Any]) -> str:
    return ", ".join(str(key)[:40] for key in list(tree)[:5]) or "nothing"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
