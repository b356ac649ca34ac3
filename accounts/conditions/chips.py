"""Conditions in addresses, and the chips that show a list's filter."""

import json
from dataclasses import dataclass
from typing import Any

from accounts.conditions.catalogue import Catalogue
from accounts.conditions.describe import describe
from accounts.conditions.errors import WrongShape
from accounts.enums import Entity

MAX_LENGTH = 8_000


@dataclass(frozen=True)
class Chip:
    """A part of the filter in words, and the filter without it; "" when nothing remains."""

    text: str
    rest: str


def read_filter(text: str) -> Any:
    """Return the condition in an address; None for none. Raises ConditionError for what is not JSON."""
    if not text:
        return None
    if len(text) > MAX_LENGTH:
        msg = "The filter is too long. Save it as a segment."
        raise WrongShape(msg)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        msg = "The filter in the address is not valid JSON. Remove the filter and build it again."
        raise WrongShape(msg) from None


def write_filter(tree: Any) -> str:
    """Return a condition as it stands in an address; "" when it matches everything."""
    return "" if tree is None or tree == {"all": []} else json.dumps(tree, separators=(",", ":"), ensure_ascii=False)


def chips(tree: Any, catalogue: Catalogue) -> list[Chip]:
    """Return a chip for each part that must hold, or one for the whole. Raises ConditionError."""
    if tree is None:
        return []
    parts = tree.get("all") if isinstance(tree, dict) else None
    if not isinstance(parts, list):
        return [Chip(_sentence(tree, catalogue), "")]
    return [
        Chip(_sentence(part, catalogue), write_filter({"all": [other for other in parts if other is not part]}))
        for part in parts
    ]


def _sentence(tree: Any, catalogue: Catalogue) -> str:
    return describe(tree, Entity.ACCOUNT, catalogue)
