"""CSV that leaves the product: RFC 4180, and no cell that a spreadsheet would run as a formula."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\0")


class _Line:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(head: list[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Yield the head and each row as one line. None is an empty cell; numbers stay numbers."""
    writer = csv.writer(_Line())
    yield writer.writerow(head)
    for row in rows:
        yield writer.writerow([safe_cell(value) for value in row])


def safe_cell(value: Any) -> Any:
    """Put an apostrophe before text that a spreadsheet would take for a formula, behind spaces too."""
    if isinstance(value, str) and value.lstrip(" '\"").startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
