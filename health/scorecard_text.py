"""Scorecards as YAML: to keep in version control, to carry to another installation, to edit by hand.

What is written reads back exactly. Personas and products stand by name, because their ids differ from
installation to installation. health/starters/health.yaml explains the format in its comments.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from accounts.errors import InvalidInput
from accounts.models import Persona, Product
from health.enums import ScoreKind
from team.api.fields import is_storable

HEAD_KEYS = ("name", "kind", "note")
ORDER = ("bands", "minimum_confidence", "applies_to", "rollup", "children", "limits")
FLOW_KEYS = {"bands", "params", "scope", "curve"}
NAMED: dict[str, type[Persona | Product]] = {"persona": Persona, "product": Product}
MAX_TEXT = 500_000


@dataclass(frozen=True)
class ScorecardText:
    """A scorecard as read from YAML. `config` may be invalid; a name that is not given is empty."""

    name: str
    kind: str
    note: str
    config: dict[str, Any]


def write_text(*, name: str, kind: str, config: dict[str, Any], note: str = "") -> str:
    """Return a configuration as YAML."""
    head = {"name": name, "kind": kind} | ({"note": note} if note else {})
    rest = {key: config[key] for key in ORDER if key in config} | config
    data = _converted(head | rest, _name_of)
    return yaml.dump(_laid_out(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def read_text(text: str) -> ScorecardText:
    """Read YAML. Raises InvalidInput: not YAML (with the line), no set of names, or a persona or product not here."""
    if len(text) > MAX_TEXT:
        raise InvalidInput(f"The text is longer than {MAX_TEXT} characters.", "text")
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 -- a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        raise InvalidInput(
            f"This is no YAML that can be read: {error.problem or error.context}{line}.", "text"
        ) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidInput(f"This is no YAML that can be read: {error}.", "text") from None
    except (AttributeError, LookupError):
        # What the reader meets where a tag does not fit its value, such as “!!bool maybe”.
        raise InvalidInput("This is no YAML that can be read: a !!tag does not fit its value.", "text") from None
    if not isinstance(data, dict):
        raise InvalidInput("A scorecard is a set of names and values, such as “children:”.", "text")
    head = {key: data.pop(key, "") for key in HEAD_KEYS}
    kind = head["kind"] or ScoreKind.HEALTH
    if kind not in ScoreKind.values:
        raise InvalidInput(f"The kind is one of {', '.join(ScoreKind.values)}, not {kind!r}.", "text")
    name, note = str(head["name"] or ""), str(head["note"] or "")
    if not is_storable(name + note):
        raise InvalidInput("The name or note holds a NUL character or half of a character; remove it.", "text")
    return ScorecardText(name, str(kind), note, _converted(data, _id_of))


def _converted(data: Any, convert: Callable[[str, Any], Any]) -> Any:
    """Return a copy with the personas and products of all scopes converted."""
    if isinstance(data, list):
        return [_converted(each, convert) for each in data]
    if not isinstance(data, dict):
        return data
    copy = {key: _converted(value, convert) for key, value in data.items()}
    scope = copy.get("scope")
    if isinstance(scope, dict):
        copy["scope"] = {word: convert(word, value) if word in NAMED else value for word, value in scope.items()}
    return copy


def _name_of(word: str, key: Any) -> Any:
    """Return the name of a persona or product; the id where it is gone."""
    row = NAMED[word].objects.filter(pk=key).first() if isinstance(key, int) else None
    return row.name if row else key


def _id_of(word: str, name: Any) -> Any:
    """Return the id of a persona or product. Raises InvalidInput for a name that is not here."""
    if not isinstance(name, str):
        return name
    keys = list(NAMED[word].objects.filter(name=name).values_list("pk", flat=True)[:1]) if is_storable(name) else []
    if not keys:
        raise InvalidInput(f"There is no {word} “{name}” here; create it first, or remove the limit.", "text")
    return keys[0]


class _Flow(dict[str, Any]):
    """Written on one line."""


class _FlowList(list[Any]):
    """Written on one line."""


def _laid_out(data: Any, key: str = "") -> Any:
    """Return the same data with what is short marked to stand on one line."""
    if isinstance(data, dict):
        kind = _Flow if key in FLOW_KEYS else dict
        return kind((name, _laid_out(value, name)) for name, value in data.items())
    if isinstance(data, list):
        rows = [_laid_out(each, key if key in FLOW_KEYS else "") for each in data]
        return _FlowList(rows) if key in FLOW_KEYS else rows
    return data


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(_Flow, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, True))
_Dumper.add_representer(_FlowList, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, True))


class _Loader(yaml.SafeLoader):
    """Refuses references (a short text could grow without end), and the same name twice (one would be lost)."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="references with * are not taken", problem_mark=event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 -- as the base
        seen = set()
        for name in _names(node):
            if name.value in seen:
                problem = f"the name {name.value!r} stands twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=name.start_mark)
            seen.add(name.value)
        return super().construct_mapping(node, deep)


def _names(node: Any) -> Iterator[Any]:
    for name, _ in node.value if isinstance(node, yaml.MappingNode) else []:
        if isinstance(name, yaml.ScalarNode):
            yield name
