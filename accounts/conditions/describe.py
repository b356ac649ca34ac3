"""A condition in plain words, for chips and explanations."""

from datetime import date
from decimal import Decimal
from typing import Any

from accounts.conditions.catalogue import Catalogue, Field, FieldType
from accounts.conditions.operators import Operand
from accounts.conditions.parse import All, AnyOf, Contacts, InSegment, Leaf, Node, Not, parse
from accounts.enums import Entity


def describe(tree: object, entity: Entity = Entity.ACCOUNT, catalogue: Catalogue | None = None) -> str:
    """Return a sentence without full stop, such as "ARR is more than 10,000 and Tier is Growth".

    Raises a ConditionError.
    """
    catalogue = catalogue or Catalogue()
    return node_words(parse(tree, catalogue, entity), catalogue)


def node_words(node: Node, catalogue: Catalogue) -> str:
    match node:
        case All(items):
            return _joined(items, " and ", catalogue) if items else "everything"
        case AnyOf(items):
            return _joined(items, " or ", catalogue)
        case Not(item):
            return f"not ({node_words(item, catalogue)})"
        case Leaf():
            return leaf_words(node, catalogue)
        case InSegment(field, operator, members):
            names = _either([name for name, _ in members])
            return f"{field.label} {operator.words.format(v=names)}"
        case Contacts(is_any, where):
            return f"{'any contact has' if is_any else 'all contacts have'} ({node_words(where, catalogue)})"


def leaf_words(leaf: Leaf, catalogue: Catalogue) -> str:
    return f"{field_words(leaf.field, dict(leaf.params))} {leaf.operator.words.format(v=_operand(leaf, catalogue))}"


def field_words(field: Field, params: dict[str, Any]) -> str:
    """Return the label with its parameters, such as "Active contacts (28 days)"."""
    said = []
    for param in field.params:
        value = params.get(param.key)
        if value is None:
            continue
        if param.is_texts:
            said.append(_either(list(value)))
        elif param.choices:
            said.append(dict(param.choices()).get(str(value), str(value)))
        else:
            said.append(_counted(value, param.unit or param.label.lower()))
    return f"{field.label} ({', '.join(said)})" if said else field.label


def value_words(field: Field, value: Any, catalogue: Catalogue) -> str:
    """Return a value as people read it; a choice that is gone shows as its key."""
    if field.type == FieldType.SET:
        return _either([catalogue.choices(field).get(item, item) for item in value], "and") or "none"
    if field.type in {FieldType.CHOICE, FieldType.REFERENCE}:
        return catalogue.choices(field).get(str(value), str(value))
    if value is None or isinstance(value, bool):
        return {True: "yes", False: "no", None: "unknown"}[value]
    if isinstance(value, date):
        return f"{value.day} {value:%b %Y}"
    if isinstance(value, int | float | Decimal):
        return _counted(value, "" if field.unit == "money" else field.unit)
    return f"“{value}”"


def _operand(leaf: Leaf, catalogue: Catalogue) -> str:
    value, field = leaf.operand, leaf.field
    match leaf.operator.operand:
        case Operand.NOTHING:
            return ""
        case Operand.DAYS:
            return _counted(value, "days")
        case Operand.NUMBERS | Operand.DATES:
            return " and ".join(value_words(field, item, catalogue) for item in value)
        case Operand.CHOICES:
            joiner = "and" if leaf.operator.key == "all_of" else "or"
            known = catalogue.choices(field)
            return _either([known.get(str(item), str(item)) for item in value], joiner)
        case Operand.TEXTS:
            return _either([value_words(field, item, catalogue) for item in value])
    return value_words(field, value, catalogue)


def _joined(items: tuple[Node, ...], joiner: str, catalogue: Catalogue) -> str:
    return joiner.join(
        f"({node_words(item, catalogue)})"
        if isinstance(item, All | AnyOf) and len(items) > 1
        else node_words(item, catalogue)
        for item in items
    )


def _either(words: list[str], joiner: str = "or") -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joiner} {words[-1]}"


def _counted(value: float | Decimal, unit: str) -> str:
    """Return a number with its unit; "1 day", but "2 days"."""
    return f"{_number(value)} {unit.removesuffix('s') if value == 1 else unit}".strip()


def _number(value: float | Decimal) -> str:
    text = f"{Decimal(str(value)):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
