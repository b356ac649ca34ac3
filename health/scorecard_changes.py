"""What differs between two configurations, in words. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from health.metrics.registry import MetricUse, get_metric
from health.scorecards import Card, Group, Measure

MISSING_WORDS = {
    "redistribute": "weight goes to the others",
    "neutral": "counts 50",
    "zero": "counts 0",
    "unknown": "no score at all",
}


@dataclass(frozen=True)
class Change:
    """`kind`: added, removed or changed; `what` names the part; `before` and `after` are words, where there are any."""

    kind: str
    what: str
    before: str = ""
    after: str = ""


def changes_between(
    before: Card | None, after: Card, describe: Callable[[Any], str], names: dict[str, str] | None = None
) -> list[Change]:
    """Return how `after` differs; None: all is added. `describe` says a condition, `names` personas and products."""
    old, new = _parts(before, names or {}), _parts(after, names or {})
    changes = [*_card_changes(before, after, describe)]
    for key, part in new.items():
        if key not in old:
            changes.append(Change("added", part.title, after=part.summary))
            continue
        for name, value in part.facts.items():
            if old[key].facts.get(name) != value:
                changes.append(Change("changed", f"{part.title}: {name}", old[key].facts.get(name, ""), value))
    changes += [Change("removed", part.title, before=part.summary) for key, part in old.items() if key not in new]
    if before is not None and not changes and before.hash != after.hash:
        changes.append(Change("changed", "The order of the parts"))
    return changes


@dataclass(frozen=True)
class _Part:
    title: str
    facts: dict[str, str]

    @property
    def summary(self) -> str:
        return " · ".join(f"{name} {value}" for name, value in self.facts.items() if value and name != "name")


def _card_changes(before: Card | None, after: Card, describe: Callable[[Any], str]) -> Iterator[Change]:
    if before is None:
        return
    facts: list[tuple[str, Callable[[Card], str]]] = [
        ("Healthy from", lambda card: f"{card.green_from:g}"),
        ("Watch from", lambda card: f"{card.yellow_from:g}"),
        ("Minimum confidence", lambda card: f"{card.minimum_confidence} %"),
        ("Accounts with others below", lambda card: card.rollup.label),
        ("Applies to", lambda card: describe(card.applies_to)),
    ]
    for name, read in facts:
        was, now = read(before), read(after)
        if was != now:
            yield Change("changed", name, was, now)


def _parts(card: Card | None, names: dict[str, str]) -> dict[str, _Part]:
    if card is None:
        return {}
    found = dict(_of_group(card.root, "", names))
    for limit in card.limits:
        facts = {"name": limit.label} | _facts_of_use(limit.use, names)
        facts["rule"] = f"{limit.test.replace('_', ' ')} {limit.value:g}: {limit.effect} {card.held_at(limit):g}"
        found[limit.key] = _Part(f"Limit “{limit.label}”", facts)
    return found


def _of_group(group: Group, inside: str, names: dict[str, str]) -> Iterator[tuple[str, _Part]]:
    for child in group.children:
        facts = {"name": child.label, "weight": f"{child.weight:g}{' (locked)' if child.locked else ''}"}
        facts["group"] = inside or "none"
        if isinstance(child, Measure):
            yield child.key, _Part(child.label, facts | _facts(child, names))
        else:
            yield child.key, _Part(f"Group “{child.label}”", facts)
            yield from _of_group(child, child.label, names)


def _facts(measure: Measure, names: dict[str, str]) -> dict[str, str]:
    return _facts_of_use(measure.use, names) | {
        "curve": " · ".join(f"{value:g} → {points:g}" for value, points in measure.curve),
        "without data": MISSING_WORDS[measure.missing],
        "too old after": f"{measure.fresh_days} days" if measure.fresh_days else "never",
    }


def _facts_of_use(use: MetricUse, names: dict[str, str]) -> dict[str, str]:
    params, scope = use.as_dict()["params"], use.scope.as_dict()
    return {
        "metric": get_metric(use.metric).label,
        "parameters": _plain(params) if params else "",
        "limited to": ", ".join(names.get(f"{key} {value}", f"{key} {value}") for key, value in scope.items()),
    }


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
