"""What an import did, or would do: counts, sums, and the rows it could not take."""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from integrations.imports.errors import ImportFailed
from integrations.imports.grouping import Place

ERROR_COLUMNS = ["file", "row", "level", "column", "code", "message", "raw"]
SHOWN_PER_CODE = 3
SHOWN_KINDS = 10


@dataclass
class Outcome:
    """What became of the records of one rule."""

    path: str
    target: str
    new: int = 0
    changed: int = 0
    # Written by an earlier import, and the file still says the same.
    unchanged: int = 0
    # The same record twice in these files.
    repeated: int = 0
    failed: int = 0
    # Events by name: how many are in the platform now, and the sum of their values.
    counts: Counter[str] = field(default_factory=Counter)
    sums: dict[str, Decimal] = field(default_factory=dict)

    def count_event(self, name: str, value: object) -> None:
        self.counts[name] += 1
        if isinstance(value, Decimal):
            self.sums[name] = self.sums.get(name, Decimal(0)) + value


@dataclass
class SectionReport:
    name: str
    files: list[str] = field(default_factory=list)
    rows: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    outcomes: list[Outcome] = field(default_factory=list)


@dataclass
class Issue:
    level: str
    code: str
    message: str
    column: str
    place: Place


@dataclass
class Report:
    mapping: str
    is_dry_run: bool
    sections: list[SectionReport] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    notices: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[Issue]] = field(default_factory=dict)
    seconds: float = 0.0

    def as_json(self) -> dict[str, object]:
        """Return what is kept of it with the run; no values of rows."""
        return {
            "sections": {
                section.name: {
                    "files": section.files,
                    "rows": section.rows,
                    "skipped": dict(section.skipped),
                    "outcomes": [_outcome_json(outcome) for outcome in section.outcomes],
                }
                for section in self.sections
            },
            "errors": dict(self.errors),
            "notices": dict(self.notices),
            "seconds": round(self.seconds, 1),
        }

    def lines(self) -> list[str]:
        """Return the report as a person reads it."""
        title = f"{self.mapping}: dry run, nothing was changed" if self.is_dry_run else self.mapping
        lines = [f"{title} ({self.seconds:.1f} s)"]
        for section in self.sections:
            lines += _section_lines(section)
        for level, counts in (
            ("Errors (not written)", self.errors),
            ("Notices (written all the same)", self.notices),
        ):
            if counts:
                lines.append(f"{level}:")
                lines += self._issue_lines(counts)
        return lines

    def _issue_lines(self, counts: Counter[str]) -> list[str]:
        lines = []
        for code, count in counts.most_common():
            lines.append(f"  {code:<20} {count:>10,}")
            lines += [f"    {issue.place.file} row {issue.place.row}: {issue.message}" for issue in self.examples[code]]
        return lines


class Log(AbstractContextManager["Log"]):
    """Counts issues in the report and, given a path, writes each to a CSV file as it comes.

    The raw row is a JSON list there, so that nothing of it is lost and no spreadsheet takes it for a formula.
    """

    def __init__(self, report: Report, path: Path | None) -> None:
        self.report = report
        self.path = path
        self.file: IO[str] | None = None

    def __enter__(self) -> Self:
        if self.path is not None:
            try:
                self.path.touch(mode=0o600)
                self.file = self.path.open("w", newline="", encoding="utf-8")
            except OSError as error:
                msg = f"{self.path}: the error file cannot be written ({error.strerror})."
                raise ImportFailed(msg) from error
            self.writer = csv.writer(self.file)
            self.writer.writerow(ERROR_COLUMNS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.file is not None:
            self.file.close()

    def written(self, limit: int) -> bytes:
        """Return the file so far, whole lines of at most `limit` bytes."""
        if self.file is None or self.path is None:
            return b""
        self.file.flush()
        with self.path.open("rb") as file:
            content = file.read(limit + 1)
        return content if len(content) <= limit else content[: content.rindex(b"\n", 0, limit) + 1]

    def fail(self, place: Place, code: str, message: str, column: str, raw: Sequence[str]) -> None:
        """Record a row, or a whole group, that was not written."""
        self.report.errors[code] += 1
        self._add(Issue("error", code, message, column, place), raw)

    def notice(self, place: Place, code: str, message: str, column: str, raw: Sequence[str]) -> None:
        """Record something odd about a row that was written all the same."""
        self.report.notices[code] += 1
        self._add(Issue("notice", code, message, column, place), raw)

    def _add(self, issue: Issue, raw: Sequence[str]) -> None:
        examples = self.report.examples.setdefault(issue.code, [])
        if len(examples) < SHOWN_PER_CODE:
            examples.append(issue)
        if self.file is not None:
            self.writer.writerow(
                [
                    issue.place.file,
                    issue.place.row,
                    issue.level,
                    issue.column,
                    issue.code,
                    issue.message,
                    json.dumps(list(raw), ensure_ascii=False),
                ]
            )


def _outcome_json(outcome: Outcome) -> dict[str, object]:
    return {
        "target": outcome.target,
        "new": outcome.new,
        "changed": outcome.changed,
        "unchanged": outcome.unchanged,
        "repeated": outcome.repeated,
        "failed": outcome.failed,
        "events": {
            name: {
                "count": count,
                "sum": str(outcome.sums[name]) if name in outcome.sums else None,
            }
            for name, count in outcome.counts.items()
        },
    }


def _section_lines(section: SectionReport) -> list[str]:
    lines = [f"{section.name}: {section.rows:,} rows of {', '.join(section.files)}"]
    lines += [f"  skipped {count:>12,}  {reason}" for reason, count in section.skipped.most_common()]
    for outcome in section.outcomes:
        parts = [
            f"{getattr(outcome, name):,} {word}"
            for name, word in (
                ("new", "new"),
                ("changed", "changed"),
                ("unchanged", "there already"),
                ("repeated", "repeated"),
                ("failed", "with errors"),
            )
            if getattr(outcome, name) or name == "new"
        ]
        lines.append(f"  {outcome.target:<14} {', '.join(parts)}")
    return lines + _event_lines(section.outcomes)


def _event_lines(outcomes: list[Outcome]) -> list[str]:
    """Return the kinds of events with their sums, the most frequent ones, then all together."""
    counts = sum((outcome.counts for outcome in outcomes), Counter[str]())
    sums: dict[str, Decimal] = {}
    for outcome in outcomes:
        for name, value in outcome.sums.items():
            sums[name] = sums.get(name, Decimal(0)) + value
    rows: list[tuple[str, int, Decimal | None]] = [
        (name, count, sums.get(name)) for name, count in counts.most_common(SHOWN_KINDS)
    ]
    if len(counts) > 1:
        total = sum(sums.values(), Decimal(0)) if sums else None
        rows.append((f"all {len(counts)} kinds", counts.total(), total))
    return [
        f"    {name:<24} {count:>10,}" + ("" if total is None else f"  value {total:>18,.2f}")
        for name, count, total in rows
    ]
