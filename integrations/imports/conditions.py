"""Conditions on a row: `{InvoiceNo: {starts_with: C}, Country: [France, Spain]}`. Pure.

All columns named must pass. A test is a text (equal), true or false (the words for yes and
no), a list (one of them), or a mapping of OPERATORS, all of which must hold.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from integrations.imports.errors import BadValue, MappingError
from integrations.imports.types import NO, YES, Style, to_number

Row = Sequence[str]
Predicate = Callable[[Row], bool]
Test = Callable[[str], bool]

OPERATORS = (
    "empty",
    "starts_with",
    "ends_with",
    "contains",
    "matches",
    "not",
    "above",
    "below",
)


@dataclass(frozen=True)
class Condition:
    tests: tuple[tuple[str, Test], ...]

    def columns(self) -> set[str]:
        return {column for column, _ in self.tests}

    def bind(self, index: Mapping[str, int]) -> Predicate:
        """Return the predicate for rows whose columns stand at `index`."""
        bound = [(index[column], test) for column, test in self.tests]
        if len(bound) == 1:
            position, only = bound[0]
            return lambda row: only(row[position])
        return lambda row: all(test(row[position]) for position, test in bound)


def parse_condition(node: object, path: str, style: Style) -> Condition:
    """Return the condition of a `when:`. Raises MappingError."""
    if not isinstance(node, dict) or not node:
        msg = "a condition names columns and what they must be, like `{Status: open}`"
        raise MappingError(msg, path)
    return Condition(tuple((str(column), _test(test, f"{path}.{column}", style)) for column, test in node.items()))


def _test(node: object, path: str, style: Style) -> Test:
    if isinstance(node, dict):
        tests = [_operator(str(name), argument, path, style) for name, argument in node.items()]
        return tests[0] if len(tests) == 1 else lambda text: all(t(text) for t in tests)
    if isinstance(node, list):
        wanted = frozenset(_text(item, path) for item in node)
        return wanted.__contains__
    if isinstance(node, bool):
        words = YES if node else NO
        return lambda text: text.lower() in words
    return _text(node, path).__eq__


def _operator(name: str, argument: object, path: str, style: Style) -> Test:
    if name == "empty":
        if not isinstance(argument, bool):
            raise MappingError("`empty` takes true or false", path)
        return lambda text: (not text) is argument
    if name == "not":
        inner = _test(argument, path, style)
        return lambda text: not inner(text)
    if name in {"above", "below"}:
        return _compare(name, argument, path, style)
    word = _text(argument, path)
    tests: dict[str, Test] = {
        "starts_with": lambda text: text.startswith(word),
        "ends_with": lambda text: text.endswith(word),
        "contains": lambda text: word in text,
    }
    if name == "matches":
        return _pattern(word, path)
    if name not in tests:
        msg = f"there is no test {name!r}; the tests are {', '.join(OPERATORS)}"
        raise MappingError(msg, path)
    return tests[name]


def _pattern(word: str, path: str) -> Test:
    try:
        pattern = re.compile(word)
    except re.error as error:
        msg = f"{word!r} is not a regular expression: {error}"
        raise MappingError(msg, path) from None
    return lambda text: pattern.search(text) is not None


def _compare(name: str, argument: object, path: str, style: Style) -> Test:
    """Return a numeric test; what is no number passes neither."""
    try:
        limit = to_number(str(argument), style)
    except BadValue:
        raise MappingError(f"`{name}` takes a number", path) from None
    is_above = name == "above"

    def test(text: str) -> bool:
        try:
            number = to_number(text, style)
        except BadValue:
            return False
        return number > limit if is_above else number < limit

    return test


def _text(node: object, path: str) -> str:
    if isinstance(node, str | int | float) and not isinstance(node, bool):
        return str(node)
    raise MappingError("expected a text here", path)
