"""The condition editor: what its template shows, and what its buttons do. Works without JavaScript.

Buttons named `edit` change the shape: `add:c`, `group:c`, `contacts:c`, `remove:c-0` (see drafts.py
for the names); the form then comes back changed, and nothing is applied yet.
"""

from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from accounts.conditions.catalogue import Catalogue, Field, Param
from accounts.conditions.drafts import (
    MAX_CHILDREN,
    ROOT,
    Group,
    Row,
    group_from_form,
    node_from_tree,
    row_tree,
    rows_of,
    tree_of,
)
from accounts.conditions.errors import ConditionError
from accounts.conditions.operators import OPERATORS, Operand
from accounts.conditions.parse import MAX_DEPTH, parse
from accounts.enums import Entity

MATCHES = [("all", "All of these"), ("any", "Any of these"), ("none", "None of these")]
QUANTIFIERS = [("any", "Any contact"), ("all", "All contacts")]


@dataclass(frozen=True)
class Option:
    value: str
    label: str
    is_chosen: bool = False


@dataclass(frozen=True)
class ParamControl:
    name: str
    label: str
    value: str
    options: list[Option]
    is_text: bool


@dataclass(frozen=True)
class RowControl:
    """A row as the template shows it. `operand` names the kind of input; see Operand."""

    name: str
    fields: list[tuple[str, list[Option]]]
    operators: list[Option]
    operand: str
    values: list[str]
    options: list[Option]
    params: list[ParamControl]
    error: str
    unit: str

    @property
    def first(self) -> str:
        return self.values[0] if self.values else ""

    @property
    def second(self) -> str:
        return self.values[1] if len(self.values) > 1 else ""

    @property
    def lines(self) -> str:
        return "\n".join(self.values)


@dataclass(frozen=True)
class GroupControl:
    name: str
    matches: list[Option]
    quantifiers: list[Option]
    items: list["RowControl | GroupControl"]
    is_root: bool
    can_nest: bool
    can_ask_contacts: bool

    @property
    def is_group(self) -> bool:
        return True


class Editor:
    """A condition being edited. `root` is the state; `controls` what the template shows."""

    def __init__(self, root: Group, catalogue: Catalogue, entity: Entity = Entity.ACCOUNT, *, name: str = ROOT) -> None:
        self.root = root
        self.catalogue = catalogue
        self.entity = entity
        self.name = name
        self.error = ""

    @classmethod
    def of_tree(cls, tree: Any, catalogue: Catalogue, entity: Entity = Entity.ACCOUNT, *, name: str = ROOT) -> "Editor":
        """Start from a stored condition, also from one that is no longer valid; None: empty.

        Several editors of one form have names of their own, words without a hyphen.
        """
        node = node_from_tree(tree)
        root = node if isinstance(node, Group) and not node.contacts else Group(items=[node] if node else [])
        return cls(root, catalogue, entity, name=name)

    @classmethod
    def of_form(
        cls, data: QueryDict, catalogue: Catalogue, entity: Entity = Entity.ACCOUNT, *, name: str = ROOT
    ) -> "Editor":
        """Take what was posted, with the change that the pressed button asks for already made."""
        editor = cls(group_from_form(data, name), catalogue, entity, name=name)
        verb, _, path = data.get("edit", "").partition(":")
        if path.split("-")[0] == name:
            editor._change(verb, path)
        for row, entity_of in rows_of(editor.root, entity):
            _settle(row, catalogue, entity_of)
        return editor

    @staticmethod
    def is_in(data: QueryDict, name: str = ROOT) -> bool:
        """Whether a form with an editor was sent."""
        return f"{name}-match" in data

    @staticmethod
    def is_change(data: QueryDict) -> bool:
        """Whether a button changed the editor's shape, so that nothing is applied yet."""
        return "edit" in data

    def tree(self) -> dict[str, Any]:
        """Return the condition; rows without a field and empty groups are left out."""
        return tree_of(self.root, self.catalogue, self.entity) or {"all": []}

    @staticmethod
    def changed(data: QueryDict) -> str:
        """Return the name of the editor whose button was pressed."""
        return data.get("edit", "").partition(":")[2].split("-")[0]

    def is_valid(self) -> bool:
        """Whether the condition can be used; else rows carry their errors, `error` says what is wrong as a whole."""
        is_valid = True
        for row, entity in rows_of(self.root, self.entity):
            tree = row_tree(row, self.catalogue, entity)
            try:
                if tree:
                    parse(tree, self.catalogue, entity, strict=True)
            except ConditionError as error:
                row.error, is_valid = error.reason, False
        if is_valid:
            try:
                parse(self.tree(), self.catalogue, self.entity, strict=True)
            except ConditionError as error:
                self.error, is_valid = error.reason, False
        return is_valid

    def controls(self) -> GroupControl:
        return self._group(self.root, self.name, self.entity, depth=1)

    def _change(self, verb: str, path: str) -> None:
        parent, index = self._find(path)
        target: Row | Group | None = self.root if path == self.name else None
        if parent is not None and index is not None:
            target = parent.items[index]
            if verb == "remove":
                del parent.items[index]
        if isinstance(target, Group) and len(target.items) < MAX_CHILDREN:
            added: dict[str, Row | Group] = {
                "add": Row(),
                "group": Group(match="any", items=[Row()]),
                "contacts": Group(contacts="any", items=[Row()]),
            }
            if verb in added:
                target.items.append(added[verb])

    def _find(self, path: str) -> tuple[Group | None, int | None]:
        """Return the group that holds the part at a path, and its place in it; nothing for the root."""
        steps = path.split("-")[1:]
        group = self.root
        for n, step in enumerate(steps):
            place = int(step) if step.isascii() and step.isdecimal() else MAX_CHILDREN
            if place >= len(group.items):
                break
            item = group.items[place]
            if n == len(steps) - 1:
                return group, place
            if not isinstance(item, Group):
                break
            group = item
        return None, None

    def _group(self, group: Group, name: str, entity: Entity, depth: int) -> GroupControl:
        inner = Entity.CONTACT if group.contacts else entity
        return GroupControl(
            name=name,
            matches=_options(MATCHES, {group.match}),
            quantifiers=_options(QUANTIFIERS, {group.contacts}) if group.contacts else [],
            items=[
                self._group(item, f"{name}-{n}", inner, depth + 1)
                if isinstance(item, Group)
                else self._row(item, f"{name}-{n}", inner)
                for n, item in enumerate(group.items)
            ],
            is_root=name == self.name,
            can_ask_contacts=inner == Entity.ACCOUNT,
            can_nest=depth < MAX_DEPTH // 2 - 1,
        )

    def _row(self, row: Row, name: str, entity: Entity) -> RowControl:
        chosen = self.catalogue.get(entity, row.key)
        operators = OPERATORS[chosen.type] if chosen else {}
        operator = operators.get(row.op)
        operand = operator.operand if operator else Operand.NOTHING
        return RowControl(
            name=name,
            fields=self._field_options(entity, row.key),
            operators=_options([(key, each.label) for key, each in operators.items()], {row.op}),
            operand=operand,
            values=row.values,
            options=self._value_options(chosen, operand, row),
            params=[_param_control(name, param, row) for param in (chosen.params if chosen else ())],
            error=row.error,
            unit=_unit(chosen, operand),
        )

    def _field_options(self, entity: Entity, current: str) -> list[tuple[str, list[Option]]]:
        groups = [
            (group, _options([(item.key, item.label) for item in items], {current}))
            for group, items in self.catalogue.of(entity).items()
        ]
        if current and self.catalogue.get(entity, current) is None:
            groups.append(("No longer there", [Option(current, current, is_chosen=True)]))
        return groups

    def _value_options(self, chosen: Field | None, operand: str, row: Row) -> list[Option]:
        if operand == Operand.BOOLEAN:
            return _options([("true", "yes"), ("false", "no")], set(row.values))
        if chosen is None or operand != Operand.CHOICES:
            return []
        known = self.catalogue.choices(chosen)
        gone = [(value, f"{value} (no longer there)") for value in row.values if value not in known]
        return _options([*known.items(), *gone], set(row.values))


def _options(pairs: list[tuple[str, str]], chosen: set[str]) -> list[Option]:
    return [Option(value, label, value in chosen) for value, label in pairs]


def _param_control(name: str, param: Param, row: Row) -> ParamControl:
    value = row.params.get(param.key, "" if param.default is None else str(param.default))
    pairs = list(param.choices()) if param.choices else []
    if pairs and param.default is None:
        pairs.insert(0, ("", f"{param.label}: any"))
    return ParamControl(f"{name}-param-{param.key}", param.label, value, _options(pairs, {value}), param.is_texts)


def _unit(chosen: Field | None, operand: str) -> str:
    if operand == Operand.DAYS:
        return "days"
    return chosen.unit if chosen and chosen.unit != "money" and operand == Operand.NUMBER else ""


def _settle(row: Row, catalogue: Catalogue, entity: Entity) -> None:
    """Give a row whose field was changed an operator of the new type, and drop values that cannot fit."""
    chosen = catalogue.get(entity, row.key)
    if chosen is None:
        return
    operators = OPERATORS[chosen.type]
    if row.op not in operators:
        row.op = next(iter(operators))
    if operators[row.op].operand == Operand.NOTHING:
        row.values = []
    elif operators[row.op].operand == Operand.CHOICES:
        row.values = [value for value in row.values if value in catalogue.choices(chosen)]
    row.params = {param.key: row.params[param.key] for param in chosen.params if param.key in row.params}
