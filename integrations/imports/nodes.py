"""YAML nodes of a mapping, checked: each function returns what was expected or names the place. Pure."""

import difflib
import re
from collections.abc import Collection
from typing import Any

import yaml

from integrations.imports.errors import MappingError


def read_yaml(text: str, path: str) -> object:
    """Return what a YAML text holds. Raises MappingError with line and column."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 -- a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise MappingError(f"{where}{error.problem or error}", path) from None
    except yaml.YAMLError as error:
        raise MappingError(f"not YAML: {error}", path) from None


class _Loader(yaml.SafeLoader):
    """YAML without its traps: `no` and `2024-01-02` stay text, a repeated key is an error."""

    yaml_implicit_resolvers = {
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag not in {"tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp"}
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 -- PyYAML's
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float | bool):
                problem = "a key must be a text"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            if key in seen:
                problem = f"the key {key!r} is here twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"true|false"), list("tf"))


def as_mapping(node: object, path: str) -> dict[str, Any]:
    if not isinstance(node, dict) or not node:
        found = "nothing" if node in (None, {}) else f"{type(node).__name__} {node!r}"[:80]
        raise MappingError(f"expected keys and values here, found {found}", path)
    return node


def as_list(node: object, path: str) -> list[object]:
    if not isinstance(node, list):
        raise MappingError("expected a list (lines that start with `-`)", path)
    return node


def as_texts(node: object, path: str) -> list[str]:
    """One text or a list of them."""
    items = node if isinstance(node, list) else [node]
    return [as_word(item, path) for item in items]


def as_word(node: object, path: str) -> str:
    if isinstance(node, bool) or not isinstance(node, str | int | float) or node == "":
        raise MappingError("expected a text here", path)
    return str(node)


def as_flag(node: dict[str, Any], key: str) -> bool:
    value = node.get(key, False)
    if not isinstance(value, bool):
        raise MappingError("true or false", key)
    return value


def needed(node: dict[str, Any], key: str, path: str) -> Any:
    if key not in node:
        raise MappingError(f"`{key}` is missing", path)
    return node[key]


def refuse_unknown(node: dict[str, Any], known: Collection[str], path: str) -> None:
    for key in node:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"the keys are {', '.join(sorted(known))}"
            raise MappingError(f"unknown key {key!r}; {hint}", path)
