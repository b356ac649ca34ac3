"""Conditions being edited: from a tree to rows, from a form to rows, from rows to a tree.

The form names every part by its path: `c` is the root, `c-0` its first child. A group has `c-match`
(all, any, none), a group of contacts `c-1-contacts` (any, all) as well, a row `c-0-field`, `-op`,
`-value` (several), `-value2`, `-param-KEY`. Anything may be half filled in or wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from accounts.conditions.catalogue import Catalogue, Field, FieldType
from accounts.conditions.operators import OPERATORS, Operand, Operator
from accounts.conditions.parse import MAX_DEPTH
from accounts.enums import Entity

ROOT = "c"
MAX_CHILDREN = 50


@dataclass
class Row:
    """One field with operator and values, as text, and what is wrong with it."""

    key: str = ""
    op: str = ""
    values: list[str] = field(default_factory=list)
    params: dict[str, str] = field(default_factory=dict)
    error: str = ""


@dataclass
class Group:
    """Rows and groups of which all, any or none hold; of contacts when `contacts` says any or all."""

    match: str = "all"
    contacts: str = ""
    items: list["Row | Group"] = field(default_factory=list)


def rows_of(group: Group, entity: Entity) -> Iterator[tuple[Row, Entity]]:
    entity = Entity.CONTACT if group.contacts else entity
    for item in group.items:
        if isinstance(item, Row):
            yield item, entity
        else:
            yield from rows_of(item, entity)


def node_from_tree(tree: Any) -> Row | Group | None:
    """Return the draft of a stored condition, also of one that is no longer valid."""
    if not isinstance(tree, dict):
        return None
    if "field" in tree:
        return _row_from_tree(tree)
    if "not" in tree:
        inner = node_from_tree(tree["not"])
        is_any = isinstance(inner, Group) and inner.match == "any" and not inner.contacts
        return Group("none", items=inner.items if isinstance(inner, Group) and is_any else _listed(inner))
    if "contacts" in tree:
        where = node_from_tree(tree.get("where"))
        inside = where if isinstance(where, Group) else Group(items=_listed(where))
        return Group(inside.match, "all" if tree["contacts"] == "all" else "any", inside.items)
    match = "any" if "any" in tree else "all"
    items = tree.get(match)
    nodes = [node_from_tree(item) for item in items] if isinstance(items, list) else []
    return Group(match, items=[node for node in nodes if node is not None])


def _listed(node: Row | Group | None) -> list[Row | Group]:
    return [] if node is None else [node]


def _row_from_tree(tree: dict[str, Any]) -> Row:
    value, params = tree.get("value"), tree.get("params")
    values = value if isinstance(value, list) else [] if value is None else [value]
    return Row(
        key=str(tree["field"]),
        op=str(tree.get("op", "")),
        values=[_as_text(item) for item in values],
        params={
            str(key): "\n".join(map(str, item)) if isinstance(item, list) else str(item)
            for key, item in (params if isinstance(params, dict) else {}).items()
        },
    )


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def group_from_form(data: QueryDict, path: str, depth: int = 1) -> Group:
    match, contacts = data.get(f"{path}-match", "all"), data.get(f"{path}-contacts", "")
    group = Group(match if match in {"all", "any", "none"} else "all", contacts if contacts in {"any", "all"} else "")
    for n in range(MAX_CHILDREN):
        child = f"{path}-{n}"
        if f"{child}-match" in data and depth < MAX_DEPTH:
            group.items.append(group_from_form(data, child, depth + 1))
        elif f"{child}-field" in data:
            group.items.append(_row_from_form(data, child))
    return group


def _row_from_form(data: QueryDict, path: str) -> Row:
    prefix = f"{path}-param-"
    values = [str(value) for name in ("value", "value2") for value in data.getlist(f"{path}-{name}")]
    return Row(
        key=data.get(f"{path}-field", ""),
        op=data.get(f"{path}-op", ""),
        values=[line.strip() for value in values for line in value.splitlines() if line.strip()],
        params={key.removeprefix(prefix): data.get(key, "").strip() for key in data if key.startswith(prefix)},
    )


def tree_of(group: Group, catalogue: Catalogue, entity: Entity) -> dict[str, Any] | None:
    inner = Entity.CONTACT if group.contacts else entity
    items = [
        part
        for item in group.items
        if (part := tree_of(item, catalogue, inner) if isinstance(item, Group) else row_tree(item, catalogue, inner))
    ]
    if not items:
        return None
    if group.match == "none":
        whole: dict[str, Any] = {"not": items[0] if len(items) == 1 else {"any": items}}
    else:
        whole = {group.match: items}
    return {"contacts": group.contacts, "where": whole} if group.contacts else whole


def row_tree(row: Row, catalogue: Catalogue, entity: Entity) -> dict[str, Any] | None:
    if not row.key:
        return None
    chosen = catalogue.get(entity, row.key)
    operator = OPERATORS[chosen.type].get(row.op) if chosen else None
    tree: dict[str, Any] = {"field": row.key, "op": row.op}
    if params := _typed_params(row, chosen):
        tree["params"] = params
    value = _typed(row, chosen, operator)
    return tree if value is None else tree | {"value": value}


def _typed(row: Row, chosen: Field | None, operator: Operator | None) -> Any:
    """Return the value as JSON; what cannot be read stays text, for the parser to name."""
    if operator is None or operator.operand == Operand.NOTHING:
        return None
    first = row.values[0] if row.values else ""
    is_key = chosen is not None and chosen.type in {FieldType.REFERENCE, FieldType.SEGMENT}
    if operator.operand == Operand.NUMBERS or (operator.operand == Operand.CHOICES and is_key):
        return [_number(value) for value in row.values]
    if operator.operand in {Operand.CHOICES, Operand.TEXTS, Operand.DATES}:
        return row.values
    if operator.operand in {Operand.NUMBER, Operand.DAYS}:
        return _number(first)
    return {"true": True, "false": False}.get(first, first) if operator.operand == Operand.BOOLEAN else first


def _typed_params(row: Row, chosen: Field | None) -> dict[str, Any]:
    typed: dict[str, Any] = {}
    for param in chosen.params if chosen else ():
        text = row.params.get(param.key, "")
        if text:
            typed[param.key] = text.splitlines() if param.is_texts else text if param.choices else _number(text)
    return typed


def _number(text: str) -> int | float | str:
    """Return the number in a text, "25,000" too; what is none comes back as it is."""
    plain = text.replace(",", "").replace(" ", "")
    try:
        return int(plain)
    except ValueError:
        pass
    try:
        return float(plain)
    except ValueError:
        return text
