"""What a mapping makes of the first rows of files, before anything is written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from itertools import islice
from pathlib import Path

from integrations.imports.errors import ImportFailed
from integrations.imports.grouping import Record
from integrations.imports.mapping import Mapping
from integrations.imports.readers import Line, Source
from integrations.imports.reading import SectionReader
from integrations.imports.report import Issue, Log, Report, SectionReport
from integrations.imports.services import plan_import

READ_ROWS = 200
SHOWN_RECORDS = 5
UNKNOWN = "–"


@dataclass(frozen=True)
class Sample:
    """The first records of one rule: a row of texts each, the id first."""

    target: str
    columns: list[str]
    rows: list[list[str]]


@dataclass
class SectionPreview:
    name: str
    files: list[str]
    row_count: int | None
    samples: list[Sample]
    skipped: dict[str, int]
    issues: list[Issue] = field(default_factory=list)


class _Head(Source):
    """The beginning of a file."""

    def rows(self) -> Iterator[Line]:
        yield from islice(super().rows(), READ_ROWS)


def preview(mapping: Mapping, paths: Sequence[Path]) -> list[SectionPreview]:
    """Return what becomes of the first READ_ROWS rows of each file. Raises ImportFailed."""
    previews = []
    for section, sources in plan_import(mapping, paths):
        report, head = Report(mapping.name, is_dry_run=True), SectionReport(section.name)
        heads = [_Head(**{each.name: getattr(source, each.name) for each in fields(source)}) for source in sources]
        with Log(report, None) as log:
            records = list(SectionReader(section, heads, head, log).records(int))
        counts = [source.row_count for source in sources]
        previews.append(
            SectionPreview(
                name=section.name,
                files=[source.path.name for source in sources],
                row_count=None if None in counts else sum(count or 0 for count in counts),
                samples=_samples(records),
                skipped=dict(head.skipped),
                issues=[issue for issues in report.examples.values() for issue in issues],
            )
        )
    if not previews:
        raise ImportFailed("There is no file to look at.")
    return previews


def _samples(records: Sequence[Record]) -> list[Sample]:
    of_rule: dict[str, list[Record]] = {}
    for record in records:
        shown = of_rule.setdefault(record.rule.path, [])
        if len(shown) < SHOWN_RECORDS:
            shown.append(record)
    return [_sample(shown) for shown in of_rule.values()]


def _sample(records: Sequence[Record]) -> Sample:
    said = [record.values | record.extras for record in records]
    columns = list(dict.fromkeys(name for values in said for name in values))
    rows = [
        [record.id, *(UNKNOWN if values.get(name) is None else str(values[name]) for name in columns)]
        for record, values in zip(records, said, strict=True)
    ]
    return Sample(records[0].rule.target.name, ["id", *columns], rows)
