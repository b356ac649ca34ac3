"""Imports as pages show them."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from integrations.models import ImportFile, ImportRun

LOOK = {
    ImportRun.State.CHECKED: "yellow",
    ImportRun.State.WAITING: "unknown",
    ImportRun.State.RUNNING: "yellow",
    ImportRun.State.FINISHED: "green",
    ImportRun.State.FAILED: "red",
}
COUNTED = ("new", "changed", "unchanged", "repeated", "failed")


@dataclass(frozen=True)
class Line:
    """What became of the records of one target in one section, or in all."""

    section: str
    target: str
    counts: dict[str, int]


@dataclass(frozen=True)
class ListedRun:
    run: ImportRun
    look: str
    lines: list[Line]
    totals: dict[str, int]
    skipped: list[tuple[str, int]]
    errors: list[tuple[str, int]]
    notices: list[tuple[str, int]]
    events: list[tuple[str, int, Decimal | None]]
    row_count: int

    @property
    def is_busy(self) -> bool:
        return self.run.state in {ImportRun.State.WAITING, ImportRun.State.RUNNING}

    @property
    def problem_count(self) -> int:
        return sum(count for _, count in [*self.errors, *self.notices])


def listed(run: ImportRun) -> ListedRun:
    """Return a run with its report in lines; one that has none yet has no lines."""
    sections = _in_order(run)
    outcomes = [(name, each) for name, section in sections.items() for each in section["outcomes"]]
    lines = [Line(name, each["target"], {key: each[key] for key in COUNTED}) for name, each in outcomes]
    events = [
        (name, found["count"], None if found["sum"] is None else Decimal(found["sum"]))
        for _, outcome in outcomes
        for name, found in outcome["events"].items()
    ]
    skipped = [(reason, count) for section in sections.values() for reason, count in section["skipped"].items()]
    return ListedRun(
        run=run,
        look=LOOK[ImportRun.State(run.state)],
        lines=lines,
        totals={key: sum(line.counts[key] for line in lines) for key in COUNTED},
        skipped=skipped,
        errors=_most_first(run.report.get("errors", {})),
        notices=_most_first(run.report.get("notices", {})),
        events=sorted(events, key=lambda event: -event[1]),
        row_count=sum(section["rows"] for section in sections.values()) or run.rows_read,
    )


def recent_runs(limit: int = 100) -> list[ListedRun]:
    return [listed(run) for run in ImportRun.objects.select_related("started_by")[:limit]]


def has_file(run: ImportRun, role: str) -> bool:
    """Return whether a file of this role is kept."""
    return ImportFile.objects.filter(run=run, role=role).exists()


def _in_order(run: ImportRun) -> dict[str, Any]:
    """Return the sections of the report in the order in which they were imported, which JSON does not keep."""
    place = {name: n for n, name in enumerate(run.files)}
    sections = run.report.get("sections", {}).items()
    return dict(sorted(sections, key=lambda item: min((place.get(file, 0) for file in item[1]["files"]), default=0)))


def _most_first(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: -pair[1])


def words_of(codes: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return reasons as people read them."""
    return [(code.replace("_", " ").capitalize(), count) for code, count in codes]
