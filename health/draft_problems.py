"""What is wrong with a draft, each problem at its place: all at once, so that a page can show them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from health.drafts import ROOT, Config, Node, Place, from_draft, places, weight_of
from health.metrics.registry import InvalidUse, clean_use
from health.references import broken_condition, broken_reference
from health.scorecards import MAX_DEPTH, MAX_MEASURES, InvalidScorecard, locked_weights_problem, read_card

CARD = "card"
APPLIES = "applies"
# What stands in for what is wrong, so that the next fault of the same part is found too.
FINE = {
    "key": "fine",
    "label": "Fine",
    "weight": 1,
    "locked": False,
    "metric": "tenure_days",
    "params": {},
    "scope": {},
    "curve": [[0, 0], [1, 100]],
    "missing": "redistribute",
    "fresh_days": None,
}
FINE_MEASURE = {name: FINE[name] for name in ("key", "label", "metric", "curve")}


@dataclass(frozen=True)
class Problem:
    """`part`: an id, ROOT, CARD or APPLIES. `field`: which of its inputs, where one is to blame."""

    part: str
    field: str
    message: str
    label: str = ""


def problems_of(draft: Config) -> list[Problem]:
    """Return what keeps a draft from being published, in the order of the page; empty: nothing."""
    found = list(_problems(draft))
    if not found:
        try:
            read_card(from_draft(draft))
        except InvalidScorecard as error:
            found = [Problem(CARD, error.field, str(error))]
    return found


def _problems(draft: Config) -> Iterator[Problem]:
    yield from _problems_of_card(draft)
    all_places = list(places(draft))
    if not draft["children"]:
        yield Problem(ROOT, "children", "There is nothing to measure yet: add a measure, or a group of them.")
    yield from _problems_of_weights(ROOT, "All", draft["children"])
    if sum("children" not in place.node for place in all_places) > MAX_MEASURES:
        yield Problem(ROOT, "children", f"There are more than {MAX_MEASURES} measures; split the scorecard.")
    taken = Counter(str(node.get("key")) for node in (place.node for place in all_places))
    taken.update(str(limit.get("key")) for limit in draft.get("limits", []))
    for place in all_places:
        yield from _problems_of_part(place)
        yield from _problems_of_key(place.node, taken)
    for limit in draft.get("limits", []):
        yield from _problems_of_limit(limit)
        yield from _problems_of_key(limit, taken)


def _problems_of_card(draft: Config) -> Iterator[Problem]:
    data: Node = {key: value for key, value in draft.items() if key not in {"children", "limits", "applies_to"}}
    for name, fine in (("bands", {"green": 70, "yellow": 40}), ("minimum_confidence", 40), ("rollup", "own")):
        try:
            read_card({name: data.pop(name, fine), "children": [FINE_MEASURE]})
        except InvalidScorecard as error:
            yield Problem(CARD, name, str(error), "Bands and confidence")
    try:
        read_card({**data, "applies_to": draft.get("applies_to"), "children": [FINE_MEASURE]})
    except InvalidScorecard as error:
        part = APPLIES if error.path else CARD
        yield Problem(part, "", str(error), "Applies to" if error.path else "Scorecard")
    else:
        if message := broken_condition(draft.get("applies_to")):
            yield Problem(APPLIES, "", message, "Applies to")


def _problems_of_part(place: Place) -> Iterator[Problem]:
    node, part, label = place.node, str(place.node.get("id")), _label(place.node)
    if place.depth + 1 > MAX_DEPTH:
        yield Problem(part, "", f"Groups are nested deeper than {MAX_DEPTH}; move it further out.", label)
    if "children" in node:
        yield from _faults({**node, "children": [FINE_MEASURE]}, node)
        if not node["children"]:
            yield Problem(part, "children", "There is nothing inside: add a measure, or remove the group.", label)
        yield from _problems_of_weights(part, label, node["children"])
        return
    if not node.get("metric"):
        yield Problem(part, "metric", "Choose what to measure.", label)
        node = {**node, **{name: FINE[name] for name in ("metric", "params", "scope")}}
    yield from _faults(node, place.node)
    yield from _broken(node, place.node)


def _problems_of_limit(limit: Node) -> Iterator[Problem]:
    part, label = str(limit.get("id")), _label(limit)
    if not limit.get("metric"):
        yield Problem(part, "metric", "Choose what to look at.", label)
        return
    config = {"children": [FINE_MEASURE], "limits": [_without_id(limit)]}
    try:
        read_card(config)
    except InvalidScorecard as error:
        yield Problem(part, error.field, _sentence(error.reason), label)
    else:
        yield from _broken(limit, limit)


def _faults(node: Node, original: Node) -> Iterator[Problem]:
    """Yield one problem for each faulty input of a group or measure: each is mended before the next is looked for."""
    data = _without_id(node)
    data["key"] = data.get("key") or FINE["key"]
    if data.get("locked") is True:
        # Its weight is looked at together with those beside it.
        data["locked"] = False
    for _ in range(len(FINE)):
        try:
            read_card({"children": [data]})
            return
        except InvalidScorecard as error:
            yield Problem(str(original.get("id")), error.field, _sentence(error.reason), _label(original))
            if error.field not in FINE:
                return
            mended = ("metric", "params", "scope") if error.field == "metric" else (error.field,)
            data |= {name: FINE[name] for name in mended}


def _broken(node: Node, original: Node) -> Iterator[Problem]:
    try:
        message = broken_reference(clean_use({name: node.get(name) for name in ("metric", "params", "scope")}))
    except InvalidUse:
        return
    if message:
        yield Problem(str(original.get("id")), "metric", _sentence(message), _label(original))


def _problems_of_weights(part: str, label: str, children: list[Node]) -> Iterator[Problem]:
    weights = [(weight_of(child), child.get("locked") is True) for child in children]
    if all(weight > 0 for weight, _ in weights) and (message := locked_weights_problem(weights)):
        yield Problem(part, "weights", _sentence(message), label)


def _problems_of_key(node: Node, taken: Counter[str]) -> Iterator[Problem]:
    key = node.get("key")
    if key and taken[str(key)] > 1:
        message = f"Two parts have the key {key!r}; give one of them another."
        yield Problem(str(node.get("id")), "key", message, _label(node))


def _without_id(node: Node) -> dict[str, Any]:
    return {name: value for name, value in node.items() if name != "id"}


def _label(node: Node) -> str:
    return str(node.get("label") or node.get("key") or ("New group" if "children" in node else "New measure"))[:80]


def _sentence(message: str) -> str:
    return message[:1].upper() + message[1:]
