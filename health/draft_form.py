"""What the editor's form says, put into a draft; what cannot be read stays as it was typed.

Every part's row has `w-ID` (weight) and `l-ID` (locked). `part` says whose fields the panel shows: an
id, CARD or APPLIES. Buttons named `do` say what to change besides: `up:ID`, `add-measure:ID` and so on.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.http import QueryDict

from accounts.conditions.editor import Editor
from health import drafts
from health.draft_problems import APPLIES, CARD
from health.drafts import ROOT, Config, Node
from health.metrics.registry import InvalidUse, Metric, Parameter, get_metric
from health.scorecards import MAX_CURVE_POINTS

SCOPES = ("persona", "role", "product")
WIDTH_OF_NEW_POINT = 10
_ADDS: dict[str, Callable[[Config, str], str | None]] = {
    "add-measure": drafts.add_measure,
    "add-group": drafts.add_group,
    "add-limit": lambda draft, _: drafts.add_limit(draft),
}


@dataclass(frozen=True)
class Done:
    """What a button did. `part`: what the panel shows now; `undo`: whether it took something away."""

    part: str
    undo: bool = False


def take_inputs(draft: Config, data: QueryDict, editor: Editor | None) -> None:
    """Put the form's inputs into the draft. `editor`: of the condition, where the panel shows it."""
    for place in drafts.places(draft):
        node = place.node
        if f"w-{node['id']}" in data:
            node["weight"] = number(data.get(f"w-{node['id']}", ""))
            node.pop("locked", None)
            if f"l-{node['id']}" in data:
                node["locked"] = True
    part = data.get("part", "")
    if part == CARD:
        _take_card(draft, data)
    elif part == APPLIES and editor is not None:
        tree = editor.tree()
        draft.pop("applies_to", None)
        if tree != {"all": []}:
            draft["applies_to"] = tree
    elif shown := drafts.find(draft, part):
        _take_part(shown.node, data)
    drafts.give_keys(draft)


def do(draft: Config, data: QueryDict) -> Done:
    """Make the change that the pressed button asks for. Raises InvalidScorecard when weights cannot be balanced."""
    verb, _, target = data.get("do", "").partition(":")
    part = data.get("part") or ROOT
    if verb == "open":
        return Done(target)
    if verb in _ADDS:
        return Done(_ADDS[verb](draft, target) or part)
    if verb == "remove":
        drafts.remove(draft, target)
        return Done(ROOT, undo=True)
    if verb == "balance":
        drafts.balance(draft, target)
        return Done(part, undo=True)
    if verb in {"up", "down"}:
        drafts.move(draft, target, -1 if verb == "up" else 1)
    elif verb == "into":
        drafts.move_into(draft, target, data.get("into", ""))
    elif place := drafts.find(draft, part):
        _change_curve(place.node, verb, target)
    return Done(part)


def number(text: str) -> float | str:
    """Return the number in a text ("1,000" and "2.50" too); what is none comes back as it is."""
    plain = text.strip().replace("\N{MINUS SIGN}", "-").replace(",", "").replace(" ", "")
    try:
        value = float(plain)
    except ValueError:
        return text.strip()[: drafts.MAX_TEXT]
    if value != value or abs(value) == float("inf"):  # noqa: PLR0124 -- NaN is not itself
        return text.strip()
    return int(value) if value.is_integer() else value


def _take_card(draft: Config, data: QueryDict) -> None:
    draft["bands"] = {name: number(data.get(name, "")) for name in ("green", "yellow")}
    draft["minimum_confidence"] = number(data.get("minimum_confidence", ""))
    if "rollup" in data:
        draft["rollup"] = data["rollup"][: drafts.MAX_TEXT]


def _take_part(node: Node, data: QueryDict) -> None:
    before = node.get("label")
    node["label"] = data.get("label", "").strip()[: drafts.MAX_TEXT]
    node["key"] = data.get("key", "").strip()[: drafts.MAX_TEXT]
    if "children" in node:
        return
    was, chosen = _metric(node.get("metric")), _metric(data.get("metric"))
    node["metric"] = data.get("metric", "")
    if chosen and (not node["label"] or (was and was.label == before == node["label"])):
        node["label"] = chosen.label
    _take_use(node, chosen, data)
    if "then" in node:
        _take_limit(node, data)
    else:
        _take_measure(node, data)


def _take_use(node: Node, metric: Metric | None, data: QueryDict) -> None:
    """Keep the parameters and scope that the metric knows; those of the metric it replaced go."""
    params = {
        each.key: value
        for each in (metric.parameters if metric else ())
        if (value := _parameter(each, data.get(f"param-{each.key}", "")))
    }
    scope: Node = {}
    for word in SCOPES:
        value = data.get(f"scope-{word}", "")
        if value and metric and word in metric.scopes:
            scope[word] = value if word == "role" else number(value)
    for name, values in (("params", params), ("scope", scope)):
        node.pop(name, None)
        if values:
            node[name] = values


def _parameter(parameter: Parameter, text: str) -> float | str | list[str]:
    if parameter.kind == "integer":
        return number(text) if text.strip() else ""
    if parameter.kind == "texts":
        return [line.strip() for line in text.splitlines() if line.strip()]
    return text.strip()


def _take_measure(node: Node, data: QueryDict) -> None:
    pairs = [(data.get(f"x-{n}", "").strip(), data.get(f"y-{n}", "").strip()) for n in range(MAX_CURVE_POINTS + 1)]
    node["curve"] = [[number(x), number(y)] for x, y in pairs if x or y]
    node["missing"] = data.get("missing", "redistribute")
    node.pop("fresh_days", None)
    if data.get("fresh_days", "").strip():
        node["fresh_days"] = number(data.get("fresh_days", ""))


def _take_limit(node: Node, data: QueryDict) -> None:
    node["is"], node["then"] = data.get("is", "at_least"), data.get("then", "veto")
    node["value"] = number(data.get("value", ""))
    node.pop("score", None)
    if node["then"] != "veto":
        node["score"] = number(data.get("score", ""))


def _change_curve(node: Node, verb: str, target: str) -> None:
    curve = node.get("curve")
    if not isinstance(curve, list):
        return
    if verb == "remove-point" and target.isascii() and target.isdecimal() and int(target) < len(curve):
        del curve[int(target)]
    elif verb == "add-point" and len(curve) < MAX_CURVE_POINTS:
        last = curve[-1] if curve else [-WIDTH_OF_NEW_POINT, 0]
        at, points = (value if isinstance(value, int | float) else 0 for value in last)
        curve.append([at + WIDTH_OF_NEW_POINT, points])


def _metric(key: object) -> Metric | None:
    try:
        return get_metric(key)
    except InvalidUse:
        return None
