"""Configurations being edited: find parts, add, move and remove them, balance weights. Pure.

A draft is a version's plain form (scorecards.py) in which every group, measure and limit has an `id`
that stays while it is moved, renamed or given another key. Any value may be wrong; only the shape
(sets, lists, no more parts than a page can show) is certain, by `check_shape`.
"""

import copy
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from health.scorecards import MAX_DEPTH, MAX_LABEL_LENGTH, MAX_NUMBER, WHOLE, InvalidScorecard

Config = dict[str, Any]
Node = dict[str, Any]

ROOT = "root"
MAX_PARTS = 400
MAX_TEXT = 2_000
SMALLEST = 0.01
NOT_KEY = re.compile(r"[^a-z0-9]+")
NEW_CURVE = [[0, 0], [1, 100]]
MAX_NESTING = 60


@dataclass(frozen=True)
class Place:
    """Where a part stands: its siblings (itself among them), its index there, and the group's id (ROOT: no group)."""

    siblings: list[Node]
    index: int
    group: str
    depth: int

    @property
    def node(self) -> Node:
        return self.siblings[self.index]


def new_config() -> Config:
    """Return a draft with nothing in it."""
    return {"bands": {"green": 70, "yellow": 40}, "minimum_confidence": 40, "children": []}


def to_draft(config: object) -> Config:
    """Return a copy with an id in every part. Raises InvalidScorecard when it cannot be edited at all."""
    draft = check_shape(config)
    for number, node in enumerate(_nodes(draft), start=1):
        node["id"] = f"p{number}"
    return draft


def from_draft(draft: Config) -> Config:
    """Return a copy without the ids: what is validated, published and exported."""
    config = copy.deepcopy(draft)
    for node in _nodes(config):
        node.pop("id", None)
    return config


def check_shape(config: object) -> Config:
    """Return a copy of something that has the shape of a draft. Raises InvalidScorecard."""
    try:
        text = json.dumps(config, allow_nan=False, ensure_ascii=False)
        text.encode()  # half of a surrogate pair cannot be stored
    except (TypeError, ValueError, RecursionError):
        raise InvalidScorecard([], "this holds values that are no text, number, list or set of names.") from None
    if "\\u0000" in text:
        raise InvalidScorecard([], "there is a NUL character in it; remove it.")
    draft = json.loads(text)
    if not _is_within(draft, MAX_NESTING):
        raise InvalidScorecard([], f"values are nested more than {MAX_NESTING} deep.")
    if not isinstance(draft, dict):
        raise InvalidScorecard([], f"this must be a set of names and values, not {type(config).__name__}.")
    draft.setdefault("children", [])
    count = 0
    for name in ("children", "limits"):
        count += _check_list(draft.get(name, []), [name], 1)
    if count > MAX_PARTS:
        raise InvalidScorecard([], f"more than {MAX_PARTS} parts; split the scorecard.")
    return draft


def _is_within(value: object, depth: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth > 0 and all(_is_within(each, depth - 1) for each in inner)


def _check_list(nodes: object, path: list[str], depth: int) -> int:
    if not isinstance(nodes, list):
        raise InvalidScorecard(path, "this must be a list.")
    if depth > 2 * MAX_DEPTH:
        raise InvalidScorecard(path[:MAX_DEPTH], f"groups are nested deeper than {MAX_DEPTH}.")
    count = len(nodes)
    for node in nodes:
        if not isinstance(node, dict):
            raise InvalidScorecard(path, "every part must be a set of names and values.")
        if "children" in node:
            count += _check_list(node["children"], [*path, str(node.get("label", "?"))[:MAX_LABEL_LENGTH]], depth + 1)
    return count


def places(draft: Config) -> Iterator[Place]:
    """Yield the groups and measures, in the order of the page."""
    yield from _places(draft["children"], ROOT, 0)


def find(draft: Config, part: str) -> Place | None:
    """Return where a group, measure or limit stands; None when it is gone."""
    limits = draft.get("limits", [])
    found = [place for place in places(draft) if place.node.get("id") == part]
    found += [Place(limits, n, "", 0) for n, limit in enumerate(limits) if limit.get("id") == part]
    return found[0] if found else None


def children_of(draft: Config, group: str) -> list[Node] | None:
    """Return the parts of a group, or of the whole (ROOT); None when there is no such group."""
    if group == ROOT:
        children: list[Node] = draft["children"]
        return children
    place = find(draft, group)
    return place.node.get("children") if place else None


def add_group(draft: Config, group: str) -> str | None:
    """Add an empty group inside a group; return its id, None when that is gone."""
    return _add(draft, children_of(draft, group), {"key": "", "label": "", "children": []})


def add_measure(draft: Config, group: str) -> str | None:
    """Add a measure without a metric inside a group; return its id, None when that is gone."""
    return _add(draft, children_of(draft, group), {"key": "", "label": "", "metric": "", "curve": NEW_CURVE})


def add_limit(draft: Config) -> str | None:
    """Add a limit without a metric; return its id."""
    limit = {"key": "", "label": "", "metric": "", "is": "at_least", "value": 1, "then": "veto"}
    return _add(draft, draft.setdefault("limits", []), limit)


def remove(draft: Config, part: str) -> None:
    """Remove a part and what is inside; one that is gone already stays gone."""
    if place := find(draft, part):
        del place.siblings[place.index]
    if not draft.get("limits", [True]):
        del draft["limits"]


def move(draft: Config, part: str, step: int) -> None:
    """Move a part up (−1) or down (1); past the first or last of its group, out of the group."""
    place = find(draft, part)
    if place is None:
        return
    wanted = place.index + step
    if 0 <= wanted < len(place.siblings):
        place.siblings.insert(wanted, place.siblings.pop(place.index))
    elif outside := find(draft, place.group) if place.group else None:
        outside.siblings.insert(outside.index + (step > 0), place.siblings.pop(place.index))


def move_into(draft: Config, part: str, group: str) -> None:
    """Move a part to the end of a group (ROOT: the top level), but never into itself."""
    place, target = find(draft, part), children_of(draft, group)
    if place is None or target is None or place.group == group or not place.group:
        return
    if any(node.get("id") == group for node in _nodes({"children": [place.node]})):
        return
    target.append(place.siblings.pop(place.index))


def balance(draft: Config, group: str) -> None:
    """Give the parts of a group that are not locked what the locked ones leave of 100. Raises InvalidScorecard."""
    children = children_of(draft, group) or []
    if children:
        weights = balanced([(weight_of(child), child.get("locked") is True) for child in children])
        for child, weight in zip(children, weights, strict=True):
            if child.get("locked") is not True:
                child["weight"] = weight


def balanced(weights: Sequence[tuple[float, bool]]) -> list[float]:
    """Return weights (weight, is it locked) that sum to 100: locked ones stay, the others keep their proportions.

    Whole numbers where the locked ones leave a whole number large enough, else hundredths. Raises
    InvalidScorecard when the locked ones leave nothing, or there is no other.
    """
    free = [index for index, (_, is_locked) in enumerate(weights) if not is_locked]
    rest = WHOLE - math.fsum(weight for weight, is_locked in weights if is_locked)
    if not free and abs(rest) <= SMALLEST:
        return [weight for weight, _ in weights]
    if not free:
        raise InvalidScorecard([], f"all weights are locked, and they sum to {WHOLE - rest:g}, not 100; unlock one.")
    if rest < SMALLEST * len(free):
        message = f"the locked weights sum to {WHOLE - rest:g} and leave too little of 100; lower or unlock one."
        raise InvalidScorecard([], message)
    unit = 1.0 if rest == int(rest) and rest >= len(free) else SMALLEST
    shares = _whole_shares([max(weights[index][0], 0.0) for index in free], int(rest / unit + unit / 2))
    result = [weight for weight, _ in weights]
    for index, share in zip(free, shares, strict=True):
        result[index] = _tidy(share * unit)
    # What the locked ones leave beyond hundredths goes to the largest, which feels it least.
    largest = max(free, key=lambda index: result[index])
    missing = WHOLE - math.fsum(result)
    if missing:
        result[largest] = _tidy(result[largest] + missing)
    return result


def weight_of(node: Node) -> float:
    """Return a part's weight as a number; 0 for what is none, or beyond what a measure may have."""
    weight = node.get("weight", 1)
    is_number = isinstance(weight, int | float) and not isinstance(weight, bool) and abs(weight) <= MAX_NUMBER
    return float(weight) if is_number else 0.0


def shares(draft: Config) -> dict[str, float]:
    """Return what each part has of the whole by its id, 0 to 1, as far as its weights are numbers."""
    return dict(_shares(draft["children"], 1.0))


def give_keys(draft: Config) -> None:
    """Give every part without a key one made of its label, or of its metric, that no other has."""
    taken = {str(node.get("key")) for node in _nodes(draft)}
    for node in _nodes(draft):
        if not node.get("key") and (node.get("label") or node.get("metric")):
            node["key"] = _free_key(str(node.get("label") or node.get("metric")), taken)
            taken.add(node["key"])


def _free_key(label: str, taken: set[str]) -> str:
    word = NOT_KEY.sub("_", label.lower()).strip("_")[:40].strip("_") or "part"
    word = word if word[0].isalpha() else f"m_{word}"
    number = 1
    key = word
    while key in taken:
        number += 1
        key = f"{word}_{number}"
    return key


def _add(draft: Config, siblings: list[Node] | None, node: Node) -> str | None:
    if siblings is None or len(list(_nodes(draft))) >= MAX_PARTS:
        return None
    numbers = [int(str(each.get("id"))[1:]) for each in _nodes(draft)]
    made = {"id": f"p{max(numbers, default=0) + 1}", **copy.deepcopy(node)}
    if "then" not in made:
        made["weight"] = _usual_weight(siblings)
    siblings.append(made)
    return str(made["id"])


def _usual_weight(siblings: list[Node]) -> float:
    """Return the mean weight of the siblings, so that a new one counts as much as they do; 1 for the first."""
    known = [weight for node in siblings if (weight := weight_of(node)) > 0]
    return _tidy(round(math.fsum(known) / len(known), 1) or 1) if known else 1


def _nodes(draft: Config) -> Iterator[Node]:
    for node in draft.get("children", []):
        yield node
        yield from _nodes({"children": node.get("children", [])})
    yield from draft.get("limits", [])


def _places(siblings: list[Node], group: str, depth: int) -> Iterator[Place]:
    for index, node in enumerate(siblings):
        yield Place(siblings, index, group, depth)
        if "children" in node:
            yield from _places(node["children"], str(node.get("id", "")), depth + 1)


def _shares(children: list[Node], share: float) -> Iterator[tuple[str, float]]:
    total = math.fsum(max(weight_of(child), 0.0) for child in children)
    for child in children:
        part = share * max(weight_of(child), 0.0) / total if total else 0.0
        yield str(child.get("id", "")), part
        yield from _shares(child.get("children", []), part)


def _whole_shares(weights: list[float], total: int) -> list[int]:
    """Share out a whole number in proportion, at least 1 to each: the largest remainders are rounded up."""
    whole = math.fsum(weights)
    exact = [total * (weight / whole if whole else 1 / len(weights)) for weight in weights]
    counts = [math.floor(each) for each in exact]
    order = sorted(range(len(weights)), key=lambda index: (counts[index] - exact[index], index))
    for index in order[: total - sum(counts)]:
        counts[index] += 1
    while 0 in counts:
        # Of the largest the one that has least claim to it gives way, so that the order stays.
        giver = min(range(len(counts)), key=lambda index: (-counts[index], exact[index]))
        counts[giver] -= 1
        counts[counts.index(0)] += 1
    return counts


def _tidy(number: float) -> float:
    """Return the number without binary noise; whole ones as int, so that texts are short."""
    rounded = round(number, 6)
    return int(rounded) if rounded == int(rounded) else rounded
