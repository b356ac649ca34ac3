"""A section's files as records, in the order in which they are to be written."""

import difflib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from integrations.imports.errors import BadValue, ImportFailed
from integrations.imports.grouping import Groups, Maker, Place, Record
from integrations.imports.mapping import Section
from integrations.imports.readers import Problem, Source
from integrations.imports.report import Log, Outcome, SectionReport


class SectionReader:
    """Yields what single rows make while reading, and what groups make when all is read.

    Whatever a rule after a grouped one makes waits too, because it may refer to the groups' records.
    """

    def __init__(
        self,
        section: Section,
        sources: Sequence[Source],
        report: SectionReport,
        log: Log,
    ) -> None:
        self.section = section
        self.sources = sources
        self.report = report
        self.log = log
        self.outcomes = {rule.path: Outcome(rule.path, rule.target.name) for rule in section.rules}
        report.outcomes = list(self.outcomes.values())
        grouped = [n for n, rule in enumerate(section.rules) if rule.is_grouped]
        self.first_grouped = grouped[0] if grouped else len(section.rules)
        self.groups = {n: Groups(section.rules[n]) for n in grouped}
        self.waiting: dict[int, list[Record]] = {
            n: [] for n in range(self.first_grouped, len(section.rules)) if n not in self.groups
        }

    def records(self, tick: Callable[[int], object]) -> Iterator[Record]:
        """Yield records; `tick` is told how many rows have been read since it last was."""
        makers: list[Maker] = []
        for source in self.sources:
            index = column_index(self.section, source)
            makers = [Maker(rule, index, self.section.style) for rule in self.section.rules]
            yield from self._read(source, index, makers, tick)
        for n in range(self.first_grouped, len(self.section.rules)):
            if n in self.waiting:
                yield from self.waiting.pop(n)
            else:
                yield from self._group_records(self.groups.pop(n), makers[n])

    def _read(
        self,
        source: Source,
        index: Mapping[str, int],
        makers: list[Maker],
        tick: Callable[[int], object],
    ) -> Iterator[Record]:
        name = source.path.name
        tidy = _tidier(self.section, index)
        skips = [(skip.when.bind(index), skip.reason) for skip in self.section.skips]
        skipped = self.report.skipped
        for number, values, problem in source.rows():
            self.report.rows += 1
            tick(1)
            place = Place(name, number)
            row = tidy(values)
            if problem is not None and not self._note(place, row, problem, makers):
                continue
            reason = next((reason for test, reason in skips if test(row)), None)
            if reason is not None:
                skipped[reason] += 1
                continue
            yield from self._make(makers, row, place)

    def _make(self, makers: list[Maker], row: list[str], place: Place) -> Iterator[Record]:
        for n, maker in enumerate(makers):
            if maker.applies is not None and not maker.applies(row):
                continue
            try:
                if n in self.groups:
                    self.groups[n].add(maker, row, place)
                elif n in self.waiting:
                    self.waiting[n].append(maker.record(row, place))
                else:
                    yield maker.record(row, place)
            except BadValue as error:
                if n not in self.groups:
                    self.outcomes[maker.rule.path].failed += 1
                self.log.fail(place, error.code, error.message, error.column, row)

    def _note(self, place: Place, row: list[str], problem: Problem, makers: list[Maker]) -> bool:
        """Log what is odd about a row; returns whether it can be used."""
        if problem.is_notice:
            self.log.notice(place, problem.code, problem.message, "", row)
            return True
        self.log.fail(place, problem.code, problem.message, "", row)
        # A group must not be written without a row that seems to be its own.
        for n, groups in self.groups.items():
            try:
                groups.spoil(makers[n].id_of(row), place)
            except (BadValue, IndexError):
                continue
        return False

    def _group_records(self, groups: Groups, maker: Maker) -> Iterator[Record]:
        for made in groups.records(maker):
            if isinstance(made, Record):
                yield made
                continue
            group, error = made
            self.outcomes[groups.rule.path].failed += 1
            self.log.fail(group.place, error.code, error.message, error.column, group.first)


def column_index(section: Section, source: Source) -> dict[str, int]:
    """Return where each column stands. Raises ImportFailed for columns that are not there, or there twice."""
    used = section.columns()
    counts = Counter(source.header)
    twice = sorted(name for name in used if counts[name] > 1)
    if twice:
        places = [n for n, name in enumerate(source.header, start=1) if name == twice[0]]
        msg = (
            f"{source.path}: {len(places)} columns are called {twice[0]!r}"
            f" (columns {' and '.join(map(str, places))}); rename all but the one that is meant."
        )
        raise ImportFailed(msg)
    missing = sorted(used - counts.keys())
    if missing:
        raise ImportFailed(_missing(section, source, missing))
    return {name: n for n, name in enumerate(source.header)}


def _missing(section: Section, source: Source, missing: list[str]) -> str:
    rule = next(
        (rule.path for rule in section.rules if missing[0] in rule.columns()),
        f"sections.{section.name}",
    )
    close = difflib.get_close_matches(missing[0], source.header, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    if len(source.header) == 1 and any(mark in source.header[0] for mark in ";\t|"):
        hint = " The file seems to be divided by another character: set `delimiter` in the section."
    return (
        f"{source.path}: {rule} reads the column{'s' if len(missing) > 1 else ''}"
        f" {', '.join(map(repr, missing))}, which the file does not have.{hint}"
        f" Its columns are {', '.join(source.header)}."
    )


def _tidier(section: Section, index: Mapping[str, int]) -> Callable[[list[str]], list[str]]:
    """Return the function that strips a row, empties what means nothing, and cleans columns."""
    nulls = section.null_values
    steps = [(index[column], clean) for column, clean in section.clean]

    def tidy(values: list[str]) -> list[str]:
        row = [value.strip() for value in values]
        if nulls:
            row = ["" if value in nulls else value for value in row]
        for position, clean in steps:
            # A ragged row may be too short; its group is to be found all the same.
            if position < len(row):
                row[position] = clean(row[position])
        return row

    return tidy


def same_columns(sources: Sequence[Source]) -> None:
    """Raise ImportFailed unless all files have the same columns: groups may reach over several files."""
    first = sources[0]
    for other in sources[1:]:
        if other.header != first.header:
            msg = (
                f"{other.path}: its columns differ from those of {first.path}. Files whose rows are grouped"
                " must have the same columns in the same order."
            )
            raise ImportFailed(msg)


def total_rows(sources: Sequence[Source]) -> int | None:
    """Return how many rows are to be read, None when an Excel file keeps it to itself."""
    counts = [source.row_count for source in sources]
    return None if None in counts else sum(count or 0 for count in counts)
