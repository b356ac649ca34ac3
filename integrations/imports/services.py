"""Runs an import: files in, facts through services, a report out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from django.db import connection, transaction
from django.utils import timezone

from integrations.imports.applying import Applier
from integrations.imports.errors import ImportFailed
from integrations.imports.grouping import Record
from integrations.imports.mapping import Mapping, Section
from integrations.imports.problems import keep_problems
from integrations.imports.readers import Source, open_source
from integrations.imports.reading import SectionReader, column_index, same_columns, total_rows
from integrations.imports.report import Log, Report, SectionReport
from integrations.models import ImportRun

CHUNK_SIZE = 1000
Plan = list[tuple[Section, list[Source]]]
Tick = Callable[[int], object]


def plan_import(mapping: Mapping, paths: Sequence[Path]) -> Plan:
    """Look through the files and give each to its section, in the mapping's order. Raises ImportFailed."""
    chosen: dict[str, list[Source]] = {section.name: [] for section in mapping.sections}
    for path in dict.fromkeys(path.resolve() for path in paths):
        if not path.is_file():
            msg = f"{path}: there is no such file."
            raise ImportFailed(msg)
        section = _section_of(mapping, path)
        source = open_source(path, section.layout)
        column_index(section, source)
        chosen[section.name].append(source)
    for section in mapping.sections:
        if chosen[section.name] and any(rule.is_grouped for rule in section.rules):
            same_columns(chosen[section.name])
    return [(section, chosen[section.name]) for section in mapping.sections if chosen[section.name]]


def run_import(
    mapping: Mapping,
    plan: Plan,
    *,
    errors_path: Path | None = None,
    is_dry_run: bool = False,
    tick: Tick = int,
    run: ImportRun | None = None,
) -> Report:
    """Import what `plan_import` planned. A dry run does it all in one transaction and takes it back.

    Runs of one system exclude each other. What a run that was cut off has written stays and is
    skipped the next time. `run` is the row of an import that was uploaded; else it gets a new one.
    `tick` is told how many rows were read since it last was. Raises ImportFailed.
    """
    report = Report(mapping.name, is_dry_run)
    with (
        _only_run(mapping.system),
        TemporaryDirectory() as folder,
        Log(report, errors_path or Path(folder) / "problems.csv") as log,
    ):
        if is_dry_run:
            with transaction.atomic():
                _run(mapping, plan, report, log, tick, uploaded=run)
                transaction.set_rollback(True)
        else:
            _run(mapping, plan, report, log, tick, uploaded=run)
    return report


def _run(mapping: Mapping, plan: Plan, report: Report, log: Log, tick: Tick, *, uploaded: ImportRun | None) -> None:
    started = monotonic()
    run = _start(mapping, plan, uploaded, now=timezone.now())
    applier = Applier(mapping, run, log, is_dry_run=report.is_dry_run)
    try:
        for section, sources in plan:
            section_report = SectionReport(section.name, [source.path.name for source in sources])
            report.sections.append(section_report)
            reader = SectionReader(section, sources, section_report, log)
            for chunk in _chunks(reader.records(tick)):
                applier.apply(chunk, reader.outcomes)
                tick(0)
    except BaseException as error:
        if not report.is_dry_run:
            _finish(
                run,
                ImportRun.State.FAILED,
                report,
                log,
                error=str(error) or type(error).__name__,
            )
        raise
    report.seconds = monotonic() - started
    _finish(run, ImportRun.State.FINISHED, report, log)


def _start(mapping: Mapping, plan: Plan, uploaded: ImportRun | None, *, now: datetime) -> ImportRun:
    """Open the run. Others of the system that seem to run were cut off: we hold the lock."""
    ImportRun.objects.filter(system=mapping.system, state=ImportRun.State.RUNNING).update(
        state=ImportRun.State.FAILED, finished_at=now, error="It was cut off."
    )
    run = uploaded or ImportRun(mapping=mapping.name, system=mapping.system)
    run.files = [source.path.name for _, sources in plan for source in sources]
    run.row_count = total_rows([source for _, sources in plan for source in sources])
    run.state, run.started_at, run.finished_at, run.error, run.rows_read = ImportRun.State.RUNNING, now, None, "", 0
    run.save()
    return run


def _finish(run: ImportRun, state: ImportRun.State, report: Report, log: Log, *, error: str = "") -> None:
    run.state, run.error, run.report = state, error, report.as_json()
    run.finished_at = timezone.now()
    run.rows_read = sum(section.rows for section in report.sections)
    run.save(update_fields=["state", "error", "report", "finished_at", "rows_read"])
    keep_problems(run, log, now=run.finished_at)


def _section_of(mapping: Mapping, path: Path) -> Section:
    found = [
        section for section in mapping.sections if any(fnmatch(path.name, pattern) for pattern in section.patterns)
    ]
    if len(found) == 1:
        return found[0]
    patterns = "; ".join(f"{section.name}: {', '.join(section.patterns)}" for section in mapping.sections)
    several = "several sections" if found else "no section"
    msg = f"{path}: {several} of {mapping.name} may hold a file of this name ({patterns}); rename it or change `files`."
    raise ImportFailed(msg)


def _chunks(records: Iterable[Record]) -> Iterator[list[Record]]:
    chunk: list[Record] = []
    for record in records:
        chunk.append(record)
        if len(chunk) == CHUNK_SIZE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


@contextmanager
def _only_run(system: str) -> Iterator[None]:
    """Hold the system's lock. Raises ImportFailed while another import has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [f"import:{system}"])
        if not cursor.fetchone()[0]:
            msg = f"Another import of {system} is running; wait until it has finished."
            raise ImportFailed(msg)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_unlock(hashtextextended(%s, 0))",
                [f"import:{system}"],
            )
