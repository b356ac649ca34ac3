"""The rows an import could not take, kept for whoever mends them."""

import gzip
from datetime import datetime, timedelta

from integrations.imports.report import Log
from integrations.models import ImportFile, ImportRun

MAX_BYTES = 50_000_000
KEPT_FOR = timedelta(days=30)


def keep_problems(run: ImportRun, log: Log, *, now: datetime) -> None:
    """Keep what the log of a run says in place of an earlier attempt's; what is old is forgotten."""
    ImportFile.objects.filter(role=ImportFile.Role.PROBLEMS, created_at__lt=now - KEPT_FOR).delete()
    run.kept_files.filter(role=ImportFile.Role.PROBLEMS).delete()
    if log.report.errors or log.report.notices:
        ImportFile.objects.create(
            run=run,
            role=ImportFile.Role.PROBLEMS,
            name=f"{run.mapping}-{now:%Y-%m-%d}-problems.csv",
            content=gzip.compress(log.written(MAX_BYTES)),
            created_at=now,
        )


def problems_of(run: ImportRun) -> tuple[str, bytes] | None:
    """Return name and CSV of the rows with problems; None when there are none, or they are forgotten."""
    kept = run.kept_files.filter(role=ImportFile.Role.PROBLEMS).first()
    return None if kept is None else (kept.name, gzip.decompress(kept.content))
