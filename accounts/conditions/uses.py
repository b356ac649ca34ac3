"""Where conditions are kept, so that one can be warned before a field or segment they use goes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from accounts.enums import Entity
from accounts.models import Persona, Segment


@dataclass(frozen=True)
class Use:
    """A stored condition: what keeps it ("Segment Big"), over which entity."""

    holder: str
    entity: Entity
    tree: Any


_holders: list[Callable[[], Iterable[Use]]] = []


def register_holder(holder: Callable[[], Iterable[Use]]) -> None:
    """Add conditions that an app keeps; upper apps call this in ready()."""
    _holders.append(holder)


def uses_of_field(entity: Entity, key: str) -> list[str]:
    """Return what keeps a condition that asks about a field, sorted."""
    return sorted({use.holder for use in _all_uses() if (entity, key) in set(_fields(use.tree, use.entity))})


def uses_of_segment(pk: int) -> list[str]:
    """Return what keeps a condition that asks about a segment, sorted."""
    return sorted({use.holder for use in _all_uses() if str(pk) in set(_segments(use.tree))})


def _all_uses() -> Iterator[Use]:
    for holder in _holders:
        yield from holder()


def _fields(tree: Any, entity: Entity) -> Iterator[tuple[Entity, str]]:
    for part, of in _parts(tree, entity):
        if isinstance(part.get("field"), str):
            yield of, part["field"]


def _segments(tree: Any) -> Iterator[str]:
    for part, _ in _parts(tree, Entity.ACCOUNT):
        if part.get("field") == "segment" and isinstance(part.get("value"), list):
            yield from map(str, part["value"])


def _parts(tree: Any, entity: Entity) -> Iterator[tuple[dict[str, Any], Entity]]:
    """Yield every part of a tree, also of one that is no longer valid."""
    if not isinstance(tree, dict):
        return
    yield tree, entity
    for key in ("all", "any"):
        items = tree.get(key)
        for item in items if isinstance(items, list) else []:
            yield from _parts(item, entity)
    yield from _parts(tree.get("not"), entity)
    yield from _parts(tree.get("where"), Entity.CONTACT)


def _own_uses() -> Iterator[Use]:
    for segment in Segment.objects.all():
        yield Use(f"Segment {segment.name}", Entity.ACCOUNT, segment.condition)
    for persona in Persona.objects.exclude(condition=None):
        yield Use(f"Persona {persona.name}", Entity.CONTACT, persona.condition)


register_holder(_own_uses)
