"""The conditions of an alert rule: what raises it, what ends it, what it reads, and the evidence of a match."""

from collections.abc import Iterator
from typing import Any

from accounts.conditions import Catalogue, Explanation
from accounts.conditions.parse import All, AnyOf, Contacts, InSegment, Leaf, Node, Not, parse
from accounts.conditions.uses import Use, register_holder
from accounts.enums import Entity
from health.models import AlertRule


def enter_tree(rule: AlertRule) -> dict[str, Any]:
    """Return the whole condition that raises a rule: its own, and enough confidence where it asks for that."""
    if not rule.minimum_confidence:
        return dict(rule.enter)
    enough = {"field": "health_confidence", "op": "gte", "value": rule.minimum_confidence}
    return {"all": [rule.enter, enough]}


def leave_tree(rule: AlertRule) -> dict[str, Any]:
    """Return the condition that ends it. While it is unknown, an alert stays."""
    return dict(rule.leave) if rule.leave else {"not": rule.enter}


def fields_of(tree: object, catalogue: Catalogue | None = None) -> set[str]:
    """Return the keys of all fields that a condition reads, through segments too. Raises a ConditionError."""
    return set(_fields(parse(tree, catalogue or Catalogue(), Entity.ACCOUNT)))


def _fields(node: Node) -> list[str]:
    match node:
        case Leaf(field=field):
            return [field.key]
        case All(items) | AnyOf(items):
            return [key for item in items for key in _fields(item)]
        case Not(item) | Contacts(where=item):
            return _fields(item)
        case InSegment(members=members):
            return [key for _, member in members for key in _fields(member)]


def evidence_lines(why: Explanation) -> list[dict[str, Any]]:
    """Return what makes a condition true, a line for each fact: {"text", "contacts": [ids]}.

    Nobody's name is in it: people are kept by their ids, so that they can be erased.
    """
    if any(child.contact_id is not None for child in why.children):
        contacts = [child.contact_id for child in why.children if child.verdict is True]
        return [{"text": _said(why), "contacts": contacts}]
    if not why.children:
        return [] if why.verdict is None else [{"text": _said(why), "contacts": []}]
    if why.text == "Not so":
        return [{"text": f"Not so: {_said(child)}", "contacts": []} for child in why.children]
    return [line for child in why.children if child.verdict is True for line in evidence_lines(child)]


def _said(why: Explanation) -> str:
    """Return the words with the fact alone: what it came to is known."""
    text, answer = why.text, f" — {why.answer}"
    return text.replace(f"{answer}: ", ": ", 1) if f"{answer}: " in text else text.replace(answer, "", 1)


def _uses() -> Iterator[Use]:
    for rule in AlertRule.objects.all():
        for tree in (rule.enter, rule.leave):
            if tree:
                yield Use(f"Alert rule {rule.name}", Entity.ACCOUNT, tree)


register_holder(_uses)
