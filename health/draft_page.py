"""What the editor shows of a draft: the outline of its parts, and the panel of the chosen one."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.cache import cache

from accounts.conditions.editor import Editor, Option
from accounts.enums import ContactRole, Entity
from accounts.models import AttributeDefinition, Persona, Product
from health import drafts
from health.draft_problems import APPLIES, CARD, Problem, problems_of
from health.drafts import ROOT, Config, Node
from health.metrics.registry import InvalidUse, Metric, Parameter, all_metrics, clean_use, get_metric
from health.models import ScorecardDraft
from health.presets import Spread, read_spread
from health.scorecards import InvalidScorecard, read_card

SPREAD_SECONDS = 600
MISSING = [
    ("redistribute", "Give its weight to the others"),
    ("neutral", "Count 50 points"),
    ("zero", "Count 0 points"),
    ("unknown", "Give no score at all"),
]
SIDES = [("at_least", "is at least"), ("at_most", "is at most")]
THENS = [
    ("veto", "Keep it from Healthy"),
    ("cap", "Let the score be at most"),
    ("floor", "Let the score be at least"),
]


@dataclass(frozen=True)
class OutlineRow:
    """A part in the outline. `share`: percent of the whole; `total`: the sum of the weights inside a group."""

    part: str
    label: str
    depth: int
    weight: str
    locked: bool
    share: float
    is_open: bool
    problem_count: int
    is_group: bool
    total: str
    children: "list[OutlineRow]"


@dataclass(frozen=True)
class ParamControl:
    name: str
    label: str
    kind: str
    value: str
    unit: str
    help: str
    options: list[Option]


@dataclass(frozen=True)
class Panel:
    """The chosen part. `kind`: card, applies, root, group, measure or limit; `errors` by field, "" for the whole."""

    part: str
    kind: str
    label: str
    node: Node
    errors: dict[str, str]
    metrics: list[tuple[str, list[Option]]] = field(default_factory=list)
    metric: Metric | None = None
    params: list[ParamControl] = field(default_factory=list)
    scopes: list[ParamControl] = field(default_factory=list)
    points: list[tuple[int, str, str]] = field(default_factory=list)
    drawn: list[tuple[float, float]] = field(default_factory=list)
    spread: Spread | None = None
    missing: list[Option] = field(default_factory=list)
    sides: list[Option] = field(default_factory=list)
    thens: list[Option] = field(default_factory=list)
    targets: list[Option] = field(default_factory=list)
    editor: Editor | None = None


def draft_context(draft: ScorecardDraft, part: str, *, now: datetime, editor: Editor) -> dict[str, Any]:
    """Return what the editor's templates need. `editor`: of the condition by which it applies."""
    problems = problems_of(draft.config)
    panel = _panel(draft.config, part, problems, now, editor)
    limits = draft.config.get("limits", [])
    counts = _counted(problems)
    shares = drafts.shares(draft.config)
    return {
        "draft": draft,
        "problems": problems,
        "panel": panel,
        "rows": _rows(draft.config["children"], 0, shares, panel.part, counts),
        "total": _total(draft.config["children"]),
        "limits": [_row(limit, 0, {}, panel.part, counts) for limit in limits],
        "heads": [
            (ROOT, "All measures", panel.part == ROOT, counts.get(ROOT, 0)),
            (CARD, "Bands and confidence", panel.part == CARD, counts.get(CARD, 0)),
            (APPLIES, "Applies to", panel.part == APPLIES, counts.get(APPLIES, 0)),
        ],
    }


def spread_of(node: Node, *, now: datetime) -> Spread | None:
    """Return how the metric of a measure lies over the book, kept for ten minutes; None while it cannot be read."""
    try:
        use = clean_use({name: node.get(name) for name in ("metric", "params", "scope")})
    except InvalidUse:
        return None
    key = f"spread:{now.date()}:{hash(use)}"
    found: Spread | None = cache.get(key)
    if found is None:
        found = read_spread(use, now=now)
        cache.set(key, found, SPREAD_SECONDS)
    return found


def _counted(problems: Iterable[Problem]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for problem in problems:
        counts[problem.part] = counts.get(problem.part, 0) + 1
    return counts


def _rows(
    children: list[Node], depth: int, shares: dict[str, float], chosen: str, counts: dict[str, int]
) -> list[OutlineRow]:
    return [_row(child, depth, shares, chosen, counts) for child in children]


def _row(node: Node, depth: int, shares: dict[str, float], chosen: str, counts: dict[str, int]) -> OutlineRow:
    part, inside = str(node.get("id")), node.get("children")
    return OutlineRow(
        part=part,
        label=label_of(node),
        depth=depth,
        weight=_text(node.get("weight", 1)),
        locked=node.get("locked") is True,
        share=100 * shares.get(part, 0.0),
        is_open=part == chosen,
        problem_count=counts.get(part, 0),
        is_group=inside is not None,
        total=_total(inside or []),
        children=_rows(inside or [], depth + 1, shares, chosen, counts),
    )


def label_of(node: Node) -> str:
    """Return what a part is called on the page, also before it has a name."""
    new = "New group" if "children" in node else "New limit" if "then" in node else "New measure"
    return str(node.get("label") or new)


def _total(children: list[Node]) -> str:
    return f"{sum(drafts.weight_of(child) for child in children):g}"


def _panel(draft: Config, part: str, problems: list[Problem], now: datetime, editor: Editor) -> Panel:
    place = drafts.find(draft, part)
    known = part if place or part in {CARD, APPLIES} else ROOT
    errors: dict[str, str] = {}
    for problem in problems:
        if problem.part == known:
            errors[problem.field] = " ".join(filter(None, [errors.get(problem.field), problem.message]))
    if place is None:
        label = {CARD: "Bands and confidence", APPLIES: "Applies to"}.get(known, "All measures")
        return Panel(known, known, label, draft, errors, editor=editor if known == APPLIES else None)
    node = place.node
    if "children" in node:
        return Panel(part, "group", label_of(node), node, errors, targets=_targets(draft, part, place.group))
    targets = _targets(draft, part, place.group) if place.group else []
    return _metric_panel(node, errors, targets, now)


def _metric_panel(node: Node, errors: dict[str, str], targets: list[Option], now: datetime) -> Panel:
    metric = _metric(node.get("metric"))
    curve = node.get("curve")
    rows = curve if isinstance(curve, list) else []
    pairs = [row if isinstance(row, list) and len(row) == 2 else [row, ""] for row in rows]
    return Panel(
        part=str(node["id"]),
        kind="limit" if "then" in node else "measure",
        label=label_of(node),
        node=node,
        errors=errors,
        metrics=_metric_options(str(node.get("metric") or "")),
        metric=metric,
        params=[_param(each, node) for each in (metric.parameters if metric else ())],
        scopes=[_scope(word, node) for word in ("persona", "role", "product") if metric and word in metric.scopes],
        points=[(n, _text(x), _text(y)) for n, (x, y) in enumerate(pairs)],
        drawn=_drawn(node) if "curve" not in errors else [],
        spread=spread_of(node, now=now) if metric and "metric" not in errors else None,
        missing=_options(MISSING, str(node.get("missing", "redistribute"))),
        sides=_options(SIDES, str(node.get("is"))),
        thens=_options(THENS, str(node.get("then"))),
        targets=targets,
    )


def _drawn(node: Node) -> list[tuple[float, float]]:
    """Return the curve to draw; empty while it cannot be read."""
    fine = {"key": "a", "label": "A", "metric": "tenure_days", "curve": node.get("curve")}
    try:
        return list(read_card({"children": [fine]}).measures[0].curve)
    except InvalidScorecard:
        return []


def _metric(key: object) -> Metric | None:
    try:
        return get_metric(key)
    except InvalidUse:
        return None


def _metric_options(chosen: str) -> list[tuple[str, list[Option]]]:
    families: dict[str, list[Option]] = {}
    for metric in all_metrics():
        families.setdefault(metric.family, []).append(Option(metric.key, metric.label, metric.key == chosen))
    if chosen and _metric(chosen) is None:
        families["No longer there"] = [Option(chosen, chosen, is_chosen=True)]
    return list(families.items())


def _param(parameter: Parameter, node: Node) -> ParamControl:
    params = node.get("params")
    value = params.get(parameter.key) if isinstance(params, dict) else None
    shown = "\n".join(map(str, value)) if isinstance(value, list) else _text(value)
    options: list[Option] = []
    if parameter.kind == "choice":
        options = _options([("", "Any"), *parameter.choices.items()], shown)
    elif parameter.kind == "key":
        rows = AttributeDefinition.objects.filter(entity=Entity.ACCOUNT).values_list("key", "label")
        options = _options([("", "Choose…"), *rows], shown)
    if not shown and parameter.kind == "integer" and parameter.default is not None:
        shown = _text(parameter.default)
    kind = "choice" if options else parameter.kind
    return ParamControl(f"param-{parameter.key}", parameter.label, kind, shown, parameter.unit, parameter.help, options)


def _scope(word: str, node: Node) -> ParamControl:
    scope = node.get("scope")
    value = _text(scope.get(word)) if isinstance(scope, dict) else ""
    pairs: Iterable[tuple[Any, str]] = ContactRole.choices
    if word != "role":
        pairs = (Persona if word == "persona" else Product).objects.values_list("pk", "name")
    label = {"persona": "Persona", "role": "Role", "product": "Product"}[word]
    everything = "All products" if word == "product" else "Everybody"
    options = _options([("", everything), *((str(key), str(name)) for key, name in pairs)], value)
    if value and not any(option.is_chosen for option in options):
        options.append(Option(value, f"{value} (no longer there)", is_chosen=True))
    return ParamControl(f"scope-{word}", label, "choice", value, "", "", options)


def _targets(draft: Config, part: str, group: str) -> list[Option]:
    """Return the groups that a part can be moved into."""
    place = drafts.find(draft, part)
    inside = {part}
    if place and "children" in place.node:
        inside |= {str(each.node.get("id")) for each in drafts.places({"children": place.node["children"]})}
    groups = [(ROOT, "The top level")] + [
        (str(each.node["id"]), f"{'– ' * each.depth}{label_of(each.node)}")
        for each in drafts.places(draft)
        if "children" in each.node
    ]
    return [Option(key, label) for key, label in groups if key not in inside and key != group]


def _options(pairs: Iterable[tuple[str, str]], chosen: str) -> list[Option]:
    return [Option(value, label, value == chosen) for value, label in pairs]


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.12g}" if isinstance(value, float) else str(value)
