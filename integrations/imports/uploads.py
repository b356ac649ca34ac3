"""Imports from the browser: files are kept, looked at, and imported by a worker when somebody says so."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from django.db import transaction

from integrations.imports.errors import ImportFailed
from integrations.imports.mapping import MAPPINGS, Mapping, load_mapping
from integrations.imports.reading import total_rows
from integrations.imports.services import plan_import, run_import
from integrations.models import ImportFile, ImportRun
from team import work
from team.models import User

KIND = "integrations.import"
LEASE_SECONDS = 240
SECONDS_BETWEEN_NEWS = 1.0
MAX_BYTES = 100_000_000
MAX_NAME_BYTES = 255
State = ImportRun.State


def known_mappings() -> list[Mapping]:
    """Return the mappings that came along, by name."""
    return [load_mapping(path.stem) for path in sorted(MAPPINGS.glob("*.yaml"))]


def check_size(size: int) -> None:
    """Raise ImportFailed for more bytes than can be uploaded."""
    if size > MAX_BYTES:
        raise ImportFailed(f"The files have more than {MAX_BYTES:,} bytes; import them with manage.py import_data.")


@transaction.atomic
def keep_upload(
    *, mapping: Mapping, files: Sequence[tuple[str, bytes]], now: datetime, actor: User | None
) -> ImportRun:
    """Keep files, each (name, content), that the mapping understands; nothing is imported yet.

    Raises ImportFailed naming what is wrong with a file.
    """
    check_size(sum(len(content) for _, content in files))
    names = [Path(name).name for name, _ in files]
    if too_long := [name for name in names if len(name.encode()) > MAX_NAME_BYTES]:
        raise ImportFailed(f"The name {too_long[0][:40]}… is too long; rename the file.")
    if len(set(names)) < len(names):
        raise ImportFailed("Two of the files have the same name; rename one.")
    run = ImportRun.objects.create(
        mapping=mapping.name, system=mapping.system, files=names, state=State.CHECKED, started_at=now, started_by=actor
    )
    ImportFile.objects.bulk_create(
        [
            ImportFile(run=run, role=ImportFile.Role.INPUT, name=name, content=content, created_at=now)
            for name, (_, content) in zip(names, files, strict=True)
        ]
    )
    with input_files(run) as paths, plain_errors(paths):
        plan = plan_import(mapping, paths)
        run.row_count = total_rows([source for _, sources in plan for source in sources])
    run.save(update_fields=["row_count"])
    return run


@transaction.atomic
def start_upload(*, run: ImportRun) -> bool:
    """Have a worker import an upload; again, when it failed. False when it has started, or its files are gone."""
    if not run.kept_files.filter(role=ImportFile.Role.INPUT).exists():
        return False
    startable = ImportRun.objects.filter(pk=run.pk, state__in=[State.CHECKED, State.FAILED])
    if not startable.update(state=State.WAITING, error=""):
        return False
    work.enqueue(kind=KIND, key=str(run.pk), payload={"run_id": run.pk})
    return True


@transaction.atomic
def discard_upload(*, run: ImportRun) -> bool:
    """Forget an upload that was not imported. False when it was, or is about to be."""
    deleted, _ = ImportRun.objects.filter(pk=run.pk, state=State.CHECKED).delete()
    return bool(deleted)


def carry_out(run_id: int) -> None:
    """Import an upload that waits, or that a worker left unfinished. A failure is kept with the run."""
    run = ImportRun.objects.filter(pk=run_id, state__in=[State.WAITING, State.RUNNING]).first()
    if run is None:
        return
    try:
        with input_files(run) as paths, plain_errors(paths):
            mapping = load_mapping(run.mapping)
            run_import(mapping, plan_import(mapping, paths), tick=_Progress(run), run=run)
    except ImportFailed as error:
        ImportRun.objects.filter(pk=run.pk).update(state=State.FAILED, error=str(error))
    else:
        run.kept_files.filter(role=ImportFile.Role.INPUT).delete()


@contextmanager
def input_files(run: ImportRun) -> Iterator[list[Path]]:
    """Yield the files of an upload in a folder of their own."""
    with TemporaryDirectory() as folder:
        paths = []
        for kept in run.kept_files.filter(role=ImportFile.Role.INPUT).order_by("pk"):
            path = Path(folder).resolve() / kept.name
            path.write_bytes(kept.content)
            paths.append(path)
        yield paths


@contextmanager
def plain_errors(paths: Sequence[Path]) -> Iterator[None]:
    """Let errors name files as whoever uploaded them does."""
    try:
        yield
    except ImportFailed as error:
        message = str(error)
        for path in paths:
            message = message.replace(str(path), path.name)
        raise ImportFailed(message) from error


class _Progress:
    """Tells the run how far it is, and keeps the lease."""

    def __init__(self, run: ImportRun) -> None:
        self.run_id = run.pk
        self.rows = 0
        self.told_at = monotonic()

    def __call__(self, rows: int) -> None:
        self.rows += rows
        if monotonic() - self.told_at >= SECONDS_BETWEEN_NEWS:
            self.told_at = monotonic()
            ImportRun.objects.filter(pk=self.run_id).update(rows_read=self.rows)
            work.renew_lease(LEASE_SECONDS)
