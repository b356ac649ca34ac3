"""From a condition to one SQL query for the set of what matches.

Every field's subquery is joined once, however many leaves ask it; SQL's own three-valued logic
does the rest: a NULL in WHERE is no match, NOT NULL is NULL.
"""

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, QuerySet
from django.db.models.expressions import Expression, RawSQL
from django.db.models.lookups import In
from django.db.models.sql.compiler import SQLCompiler

from accounts.conditions.catalogue import Catalogue, FieldType
from accounts.conditions.moment import Moment, Sql
from accounts.conditions.operators import ARRAY_TYPES, Operand
from accounts.conditions.parse import All, AnyOf, Contacts, InSegment, Leaf, Node, Not, parse
from accounts.enums import Entity
from accounts.models import Account, Contact
from accounts.models.times import MEMBER, MEMBER_NOW

Row = TypeVar("Row", Account, Contact)

TABLES = {Entity.ACCOUNT: "accounts_account", Entity.CONTACT: "accounts_contact"}
# The contacts of each account with their roles there: one row per account and contact.
MEMBERS = f"""
    SELECT m.account_id, m.contact_id, array_agg(DISTINCT m.role::text) AS roles
    FROM accounts_membership AS m JOIN accounts_contact AS person ON person.id = m.contact_id
    WHERE {MEMBER.format(t="m")} AND (person.deleted_at IS NULL OR person.deleted_at > %(recorded_by)s){{only}}
    GROUP BY m.account_id, m.contact_id
"""  # noqa: S608 -- constants
MEMBERS_NOW = (
    "SELECT m.account_id, m.contact_id, ARRAY[m.role::text] AS roles FROM accounts_membership AS m"  # noqa: S608
    f" WHERE {MEMBER_NOW.format(t='m')}{{only}}"
)


def matching_sql(
    tree: object,
    moment: Moment,
    *,
    entity: Entity = Entity.ACCOUNT,
    ids: Collection[int] | None = None,
    catalogue: Catalogue | None = None,
) -> Sql:
    """Return SQL that yields the ids of the accounts (or contacts) that match, in no order.

    With `ids`, only those are looked at, also inside every subquery. Raises a ConditionError.
    """
    return _compile(parse(tree, catalogue or Catalogue(), entity), moment, entity, ids)[0]


def filter_accounts(
    accounts: QuerySet[Account], tree: object, moment: Moment, *, catalogue: Catalogue | None = None
) -> QuerySet[Account]:
    """Narrow a queryset to the accounts that match. Raises a ConditionError."""
    return _narrow(accounts, parse(tree, catalogue or Catalogue(), Entity.ACCOUNT), moment, Entity.ACCOUNT)


def filter_contacts(
    contacts: QuerySet[Contact], tree: object, moment: Moment, *, catalogue: Catalogue | None = None
) -> QuerySet[Contact]:
    """Narrow a queryset to the contacts that match. Raises a ConditionError."""
    return _narrow(contacts, parse(tree, catalogue or Catalogue(), Entity.CONTACT), moment, Entity.CONTACT)


def matching_ids(
    tree: object,
    moment: Moment,
    *,
    entity: Entity = Entity.ACCOUNT,
    ids: Collection[int] | None = None,
    catalogue: Catalogue | None = None,
) -> set[int]:
    """Return the ids that match. Raises a ConditionError."""
    sql, params = matching_sql(tree, moment, entity=entity, ids=ids, catalogue=catalogue).positional()
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return {row[0] for row in cursor.fetchall()}


def _narrow(rows: QuerySet[Row], node: Node, moment: Moment, entity: Entity) -> QuerySet[Row]:
    """Narrow a queryset by what can be read from a field's own rows alone, then by the rest."""
    rest = []
    for part in node.items if isinstance(node, All) else (node,):
        own = _own_rows(part, moment, entity) if moment.is_live else None
        if own is None:
            rest.append(part)
        else:
            rows = rows.filter(InWholeSet(F("pk"), *own.positional()), deleted_at=None)
    return rows.filter(_matches(*_compile(All(tuple(rest)), moment, entity, None))) if rest else rows


def _own_rows(part: Node, moment: Moment, entity: Entity) -> Sql | None:
    """Return SQL for the ids that match now, without a look at the rest; None when that needs their rows too."""
    compiler = _Compiler(moment, None)
    if isinstance(part, Contacts) and part.is_any:
        return Sql(compiler.accounts_of(part), compiler.params)
    if isinstance(part, Leaf) and not _reads_column(part, moment) and _wants_row(part):
        return Sql(compiler.rows_of(part), compiler.params)
    return None


def _reads_column(leaf: Leaf, moment: Moment) -> bool:
    return moment.is_live and bool(leaf.field.column) and all(value is None for _, value in leaf.params)


def _wants_row(leaf: Leaf) -> bool:
    """Return whether nobody can match of whom the field's source has no row."""
    field, operator = leaf.field, leaf.operator
    if not field.empty:
        return operator.key != "unknown"
    if field.type == FieldType.NUMBER:
        return not operator.test(Decimal(field.default), leaf.operand, date.min)
    if field.type == FieldType.CHOICE:
        return not operator.test(field.default.strip("'"), leaf.operand, date.min)
    return False


def _compile(node: Node, moment: Moment, entity: Entity, ids: Collection[int] | None) -> tuple[Sql, bool]:
    """Return the SQL, and whether it looks at the rows alone, without a subquery."""
    compiler = _Compiler(moment, ids)
    scope = _Scope(entity, "base")
    where = compiler.node(node, scope, exact=False)
    only = " AND base.id = ANY(%(ids)s)" if ids is not None else ""
    there = "base.deleted_at IS NULL"
    if not moment.is_live:
        there = f"({there} OR base.deleted_at > %(recorded_by)s)"
    text = f"SELECT base.id FROM {TABLES[entity]} AS base{scope.joins} WHERE {there}{only} AND {where}"  # noqa: S608
    return Sql(text, compiler.params), " FROM " not in where + scope.joins


def _matches(sql: Sql, is_flat: bool) -> Expression:  # noqa: FBT001 -- from _compile
    text, params = sql.positional()
    return In(F("pk"), RawSQL(text, params)) if is_flat else InWholeSet(F("pk"), text, params)  # noqa: S611


class InWholeSet(Expression):
    """Whether a key is in the result of a subquery that is computed once, as a whole.

    The planner cannot see through IS TRUE, so that it never computes the set anew for each row of a
    page, as it does when it takes a nested loop for cheap.
    """

    conditional = True
    output_field = BooleanField()

    def __init__(self, key: Any, text: str, params: list[Any]) -> None:
        super().__init__()
        self.key, self.text, self.params = key, text, params

    def get_source_expressions(self) -> list[Any]:
        return [self.key]

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        (self.key,) = exprs

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        key, params = compiler.compile(self.key)
        return f"({key} IN ({self.text})) IS TRUE", (*params, *self.params)


class _Scope:
    """The rows one part of the tree speaks about, and what is joined to them."""

    def __init__(self, entity: Entity, row: str, *, member: str = "") -> None:
        self.entity = entity
        self.row = row
        self.member = member
        self.key = f"{member}.contact_id" if member else f"{row}.id"
        self.joins = ""
        self.aliases: dict[Any, str] = {}


class _Compiler:
    def __init__(self, moment: Moment, ids: Collection[int] | None) -> None:
        self.moment = moment
        self.ids = ids
        self.params: dict[str, Any] = moment.params()
        if ids is not None:
            self.params["ids"] = list(ids)
        self.names = 0

    def node(self, node: Node, scope: _Scope, *, exact: bool) -> str:
        """Return the expression for a part. Unless exact, it may be false where it is unknown."""
        match node:
            case All(items):
                return f"({' AND '.join(self.node(item, scope, exact=exact) for item in items)})" if items else "true"
            case AnyOf(items):
                return f"({' OR '.join(self.node(item, scope, exact=exact) for item in items)})"
            case Not(item):
                return f"NOT {self.node(item, scope, exact=True)}"
            case Leaf():
                return f"({self._leaf(node, self._value(node, scope))})"
            case InSegment():
                return self._in_segment(node, scope)
            case Contacts():
                return self._contacts(node, scope) if exact or not node.is_any else self._some_contact(node, scope)

    def rows_of(self, leaf: Leaf) -> str:
        """Return the statement that yields the ids of a field's rows that satisfy a leaf."""
        value = f"COALESCE(own.value, {leaf.field.empty})" if leaf.field.empty else "own.value"
        source = self._add(leaf.field.sql(dict(leaf.params), self.moment))
        return f"SELECT own.id FROM ({source}) AS own WHERE {self._leaf(leaf, value)}"  # noqa: S608

    def accounts_of(self, node: Contacts) -> str:
        """Return the statement that yields the accounts that have such a contact."""
        source, member, where = self._people(node)
        return f"SELECT {member}.account_id FROM {source} WHERE {where}"  # noqa: S608

    def _leaf(self, leaf: Leaf, value: str) -> str:
        holes = {"x": value}
        match leaf.operator.operand:
            case Operand.NOTHING:
                pass
            case Operand.NUMBERS | Operand.DATES:
                holes["low"], holes["high"] = (self._bind(value) for value in leaf.operand)
            case Operand.CHOICES:
                holes["v"] = f"{self._bind(leaf.operand)}::{ARRAY_TYPES[leaf.field.type]}"
            case _:
                holes["v"] = self._bind(leaf.operand)
        return leaf.operator.sql.format(**holes)

    def _value(self, leaf: Leaf, scope: _Scope) -> str:
        """Return the expression for a field's value, joining its subquery the first time."""
        field = leaf.field
        if scope.member and field.member_column:
            return field.member_column.format(member=scope.member)
        if _reads_column(leaf, self.moment):
            return field.column.replace("{row}", scope.row)
        if leaf.key not in scope.aliases:
            scope.aliases[leaf.key] = alias = self._name("f")
            source = self._add(field.sql(dict(leaf.params), self.moment))
            if self.ids is not None and not scope.member:
                source = f"SELECT * FROM ({source}) AS every WHERE every.id = ANY(%(ids)s)"  # noqa: S608
            scope.joins += f" LEFT JOIN ({source}) AS {alias} ON {alias}.id = {scope.key}"
        value = f"{scope.aliases[leaf.key]}.value"
        return f"COALESCE({value}, {field.empty})" if field.empty else value

    def _in_segment(self, node: InSegment, scope: _Scope) -> str:
        inside = " OR ".join(f"COALESCE({self.node(member, scope, exact=False)}, false)" for _, member in node.members)
        return f"NOT ({inside})" if node.operator.key == "none_of" else f"({inside})"

    def _some_contact(self, node: Contacts, scope: _Scope) -> str:
        """Return whether a contact is so, unknown being no: cheaper than a verdict for every account."""
        return f"({scope.row}.id IN ({self.accounts_of(node)}))"

    def _contacts(self, node: Contacts, scope: _Scope) -> str:
        """Join the verdict over each account's contacts: nobody there is false for any, unknown for all."""
        source, member, where = self._people(node, exact=True)
        alias = self._name("f")
        decided, decisive = ("bool_or", "true") if node.is_any else ("bool_and", "false")
        negation = "" if node.is_any else "NOT "
        scope.joins += (
            f" LEFT JOIN (SELECT {member}.account_id AS id,"  # noqa: S608 -- built from the catalogue only
            f" CASE WHEN {negation}{decided}({where}) THEN {decisive}"
            f" WHEN bool_or(({where}) IS NULL) THEN NULL ELSE NOT {decisive} END AS value"
            f" FROM {source} GROUP BY {member}.account_id) AS {alias} ON {alias}.id = {scope.row}.id"
        )
        if node.is_any:
            return f"(CASE WHEN {alias}.id IS NULL THEN false ELSE {alias}.value END)"
        return f"{alias}.value"

    def _people(self, node: Contacts, *, exact: bool = False) -> tuple[str, str, str]:
        """Return what to select the members of accounts from, their alias, and the condition on them."""
        person, member = self._name("c"), self._name("m")
        inner = _Scope(Entity.CONTACT, person, member=member)
        where = self.node(node.where, inner, exact=exact)
        only = " AND m.account_id = ANY(%(ids)s)" if self.ids is not None else ""
        source = f"({(MEMBERS_NOW if self.moment.is_live else MEMBERS).format(only=only)}) AS {member}"
        if f"{person}." in where:
            source += f" JOIN accounts_contact AS {person} ON {person}.id = {member}.contact_id"
        return source + inner.joins, member, where

    def _add(self, sql: Sql) -> str:
        renamed = sql.renamed(self._name("p"))
        self.params |= renamed.params
        return renamed.text

    def _bind(self, value: Any) -> str:
        name = self._name("v")
        self.params[name] = value
        return f"%({name})s"

    def _name(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}{self.names}_"
