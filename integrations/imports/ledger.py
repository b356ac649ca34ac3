"""Which records have been written before: what makes an import safe to run again, and to go on after a stop."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

from integrations.imports.grouping import Record
from integrations.models import ImportedRecord, ImportRun

SERIES = {"accounts", "contacts", "subscriptions"}


@dataclass(frozen=True, slots=True)
class Entry:
    key: UUID
    content: UUID


@dataclass(frozen=True, slots=True)
class Prior:
    """How a record was written before. `row` is where the file of that run had it."""

    content: UUID
    run_id: int
    row: int


def entry_of(record: Record, system: str) -> Entry:
    """Return a record's digests.

    An event is named by system and id alone, wherever the mapping has it. Rows of one account, contact
    or subscription that say from when on they hold are a series, each a record of its own.
    """
    target = record.rule.target.name
    where = "" if target == "events" else record.rule.path
    if target in SERIES:
        where += f" {record.values.get('at', '')}"
    content = sorted(record.values.items()), sorted(record.extras.items())
    return Entry(_digest(system, target, where, record.id), _digest(repr(content)))


def find_entries(entries: Iterable[Entry]) -> dict[UUID, Prior]:
    rows = ImportedRecord.objects.filter(key__in=[entry.key for entry in entries])
    return {
        key: Prior(content, run_id, row)
        for key, content, run_id, row in rows.values_list("key", "content", "run_id", "row")
    }


def note_entries(written: dict[UUID, tuple[Entry, Record]], run: ImportRun) -> None:
    """Note records in the transaction that wrote them."""
    ImportedRecord.objects.bulk_create(
        [
            ImportedRecord(key=entry.key, content=entry.content, run=run, row=record.place.row)
            for entry, record in written.values()
        ],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["content", "run", "row"],
        batch_size=5000,
    )


def _digest(*parts: str) -> UUID:
    return UUID(bytes=blake2b("\x1f".join(parts).encode(), digest_size=16).digest())
