"""Why one account or contact matches a condition or does not, leaf by leaf.

Nothing here uses the compiled query: each field's value is read from its dated rows and the tree
is judged in Python by three-valued logic. A property test holds both to the same answer.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from accounts.conditions.catalogue import Catalogue, FieldType
from accounts.conditions.compiler import MEMBERS
from accounts.conditions.describe import leaf_words, node_words, value_words
from accounts.conditions.moment import Moment, Sql
from accounts.conditions.operators import Operand
from accounts.conditions.parse import All, AnyOf, Contacts, InSegment, Leaf, Node, Not, parse
from accounts.enums import Entity
from accounts.models import Contact

ANSWERS = {True: "yes", False: "no", None: "unknown"}
SHOWN_CONTACTS = 20

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Explanation:
    """A part of the condition in words, what came of it, and why. `verdict` None: unknown.

    `contact_id` is set on the answer of one contact, whose name is in `text`: what is kept keeps the id.
    """

    verdict: bool | None
    text: str
    children: tuple["Explanation", ...] = ()
    contact_id: int | None = None

    @property
    def answer(self) -> str:
        return ANSWERS[self.verdict]


@dataclass(frozen=True)
class Found:
    """The value of a field for one row, since when where that is known; text also as PostgreSQL folds it."""

    value: Any
    since: datetime | None = None
    folded: Any = None


def explain(
    tree: object,
    pk: int,
    moment: Moment,
    *,
    entity: Entity = Entity.ACCOUNT,
    catalogue: Catalogue | None = None,
) -> Explanation:
    """Return the explanation for one account (or contact). Raises a ConditionError."""
    return explain_many(tree, [pk], moment, entity=entity, catalogue=catalogue)[pk]


def explain_many(
    tree: object,
    pks: Collection[int],
    moment: Moment,
    *,
    entity: Entity = Entity.ACCOUNT,
    catalogue: Catalogue | None = None,
    is_quick: bool = False,
) -> dict[int, Explanation]:
    """Return the explanation by account (or contact); the queries do not grow with them. Raises a ConditionError.

    Quick ones take the sources that the compiled query takes, where these are cheaper at a live moment.
    """
    catalogue = catalogue or Catalogue()
    node = parse(tree, catalogue, entity)
    facts = _Facts(moment, catalogue, is_quick=is_quick)
    facts.read(_leaves(node), list(pks))
    if any(isinstance(part, Contacts) for part in _parts(node)):
        facts.read_members(list(pks), node)
    return {pk: facts.explained(node, pk) for pk in pks}


class _Facts:
    """The values that one explanation needs, and the judgement over them."""

    def __init__(self, moment: Moment, catalogue: Catalogue, *, is_quick: bool) -> None:
        self.moment = moment
        self.is_quick = is_quick
        self.catalogue = catalogue
        self.values: dict[Key, dict[int, Found]] = {}
        self.folds: dict[str, str] = {}
        self.members: dict[int, dict[int, list[str]]] = {}
        self.roles: dict[int, list[str]] = {}
        self.names: dict[int, str] = {}

    def read(self, leaves: Iterable[Leaf], ids: list[int]) -> None:
        leaves = list(leaves)
        for leaf in {leaf.key: leaf for leaf in leaves}.values():
            self.values[leaf.key] = self._read_field(leaf, ids)
        texts = {
            word
            for leaf in leaves
            if leaf.operator.operand in {Operand.TEXT, Operand.TEXTS}
            for word in ([leaf.operand] if isinstance(leaf.operand, str) else leaf.operand)
        }
        if texts:
            with connection.cursor() as cursor:
                cursor.execute("SELECT word, lower(word) FROM unnest(%s::text[]) AS word", [list(texts)])
                self.folds |= dict(cursor.fetchall())

    def _read_field(self, leaf: Leaf, ids: list[int]) -> dict[int, Found]:
        field = leaf.field
        read = field.sql if self.is_quick and not field.has_since else field.dated_sql
        source = read(dict(leaf.params), self.moment)
        since = "s.since" if field.has_since else "NULL::timestamptz"
        folded = "lower(s.value)" if field.type == FieldType.TEXT else "NULL"
        text, params = Sql(
            f"SELECT s.id, s.value, {since}, {folded} FROM ({source.text}) AS s WHERE s.id = ANY(%(row_ids)s)",  # noqa: S608
            self.moment.params() | source.params | {"row_ids": ids},
        ).positional()
        with connection.cursor() as cursor:
            cursor.execute(text, params)
            return {pk: Found(value, at, fold) for pk, value, at, fold in cursor.fetchall()}

    def read_members(self, account_pks: list[int], node: Node) -> None:
        """Read the accounts' contacts and what the tree asks about them."""
        text, params = Sql(
            MEMBERS.format(only=" AND m.account_id = ANY(%(accounts)s)") + " ORDER BY m.contact_id",
            self.moment.params() | {"accounts": account_pks},
        ).positional()
        with connection.cursor() as cursor:
            cursor.execute(text, params)
            for account, contact, roles in cursor.fetchall():
                self.members.setdefault(account, {})[contact] = roles
        contacts = list({contact for roles in self.members.values() for contact in roles})
        self.names = {row.pk: str(row) for row in Contact.all_objects.filter(pk__in=contacts)}
        for part in _parts(node):
            if isinstance(part, Contacts):
                self.read(_leaves(part.where), contacts)

    def explained(self, node: Node, pk: int) -> Explanation:
        self.roles = self.members.get(pk, {})
        return self.judge(node, pk)

    def judge(self, node: Node, pk: int, *, is_member: bool = False) -> Explanation:
        match node:
            case Leaf():
                return self._leaf(node, pk, is_member=is_member)
            case Contacts():
                return self._contacts(node)
            case InSegment():
                return self._in_segment(node, pk)
            case Not(item):
                child = self.judge(item, pk, is_member=is_member)
                return Explanation(negate(child.verdict), "Not so", (child,))
            case All(items):
                children = tuple(self.judge(item, pk, is_member=is_member) for item in items)
                return Explanation(conjunction(child.verdict for child in children), "All of these", children)
            case AnyOf(items):
                children = tuple(self.judge(item, pk, is_member=is_member) for item in items)
                return Explanation(disjunction(child.verdict for child in children), "Any of these", children)

    def _leaf(self, leaf: Leaf, pk: int, *, is_member: bool) -> Explanation:
        found = self._found(leaf, pk, is_member=is_member)
        verdict = self._test(leaf, found)
        said = "nothing is known" if found.value is None else f"it is {self._words(leaf, found)}"
        return Explanation(verdict, f"{leaf_words(leaf, self.catalogue)} — {ANSWERS[verdict]}: {said}")

    def _found(self, leaf: Leaf, pk: int, *, is_member: bool) -> Found:
        if is_member and leaf.field.key == "role" and leaf.field.member_column:
            return Found(self.roles[pk])
        found = self.values[leaf.key].get(pk, Found(None))
        if found.value is not None:
            return found
        if leaf.field.type == FieldType.SET:
            return Found([])
        return Found(_literal(leaf.field.default)) if leaf.field.default else found

    def _test(self, leaf: Leaf, found: Found) -> bool | None:
        operator, value, operand = leaf.operator, found.value, leaf.operand
        if operator.key in {"unknown", "known"}:
            return operator.test(value, None, self.moment.today)
        if value is None:
            return None
        if operator.operand == Operand.TEXT:
            value, operand = found.folded, self.folds[operand]
        elif operator.operand == Operand.TEXTS:
            value, operand = found.folded, {self.folds[word] for word in operand}
        return operator.test(value, operand, self.moment.today)

    def _words(self, leaf: Leaf, found: Found) -> str:
        words = value_words(leaf.field, found.value, self.catalogue)
        if found.since is None:
            return words
        day = found.since.astimezone(UTC).date()
        return f"{words} since {day.day} {day:%b %Y}"

    def _in_segment(self, node: InSegment, pk: int) -> Explanation:
        children = []
        for name, member in node.members:
            why = self.judge(member, pk)
            children.append(
                Explanation(why.verdict is True, f"Segment {name} — {'in it' if why.verdict else 'not in it'}", (why,))
            )
        inside = any(child.verdict for child in children)
        verdict = not inside if node.operator.key == "none_of" else inside
        return Explanation(verdict, f"{node_words(node, self.catalogue)} — {ANSWERS[verdict]}", tuple(children))

    def _contacts(self, node: Contacts) -> Explanation:
        judged = [(pk, self.judge(node.where, pk, is_member=True)) for pk in self.roles]
        verdicts = [why.verdict for _, why in judged]
        verdict = disjunction(verdicts) if node.is_any else conjunction(verdicts) if verdicts else None
        # Those who decide it come first.
        judged.sort(key=lambda pair: pair[1].verdict is not verdict)
        children = tuple(
            Explanation(why.verdict, f"{self.names.get(pk, f'Contact {pk}')} — {why.answer}", (why,), contact_id=pk)
            for pk, why in judged[:SHOWN_CONTACTS]
        )
        if len(judged) > SHOWN_CONTACTS:
            children += (Explanation(None, f"and {len(judged) - SHOWN_CONTACTS} more contacts"),)
        text = f"{node_words(node, self.catalogue)} — {ANSWERS[verdict]}"
        return Explanation(verdict, text if judged else f"{text}: it has no contacts", children)


def _literal(text: str) -> int | str:
    """Return the value of a field's default, an SQL literal."""
    return text.strip("'") if text.startswith("'") else int(text)


def negate(verdict: bool | None) -> bool | None:  # noqa: FBT001 -- a three-valued truth
    return None if verdict is None else not verdict


def conjunction(verdicts: Iterable[bool | None]) -> bool | None:
    """Return false when one is false, else unknown when one is unknown, else true."""
    found = list(verdicts)
    return False if False in found else None if None in found else True


def disjunction(verdicts: Iterable[bool | None]) -> bool | None:
    """Return true when one is true, else unknown when one is unknown, else false."""
    found = list(verdicts)
    return True if True in found else None if None in found else False


def _parts(node: Node) -> Iterator[Node]:
    """Yield the parts that speak of the same row: not inside `where`."""
    yield node
    match node:
        case All(items) | AnyOf(items):
            for item in items:
                yield from _parts(item)
        case Not(item):
            yield from _parts(item)
        case InSegment(members=members):
            for _, member in members:
                yield from _parts(member)


def _leaves(node: Node) -> list[Leaf]:
    return [part for part in _parts(node) if isinstance(part, Leaf)]
