"""Rows for COPY: binary where there are many, because neither side has to write or read text."""

import io
import struct
from collections.abc import Iterable
from datetime import UTC, date, datetime

import msgspec
from django.db import connection

NULL = "\\N"
_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(2000, 1, 1)
_JSONB_VERSION = 1

# Each value follows its length in bytes: i 4, q 8, h 2, ? 1, d 8, 16s 16; -1 is NULL.
_EVENT = "!h ii ii ii ii iq iq iq ii ih i? i16s "
_EVENT_WITH_VALUE = struct.Struct(_EVENT + "id iB")
_EVENT_WITHOUT_VALUE = struct.Struct(_EVENT + "i iB")
EVENT_COLUMNS = (
    "account_id, contact_id, event_type_id, source_id, occurred_at, received_at, recorded_at, shift_ms, clock_note,"
    " is_backfill, message_hash, value, properties"
)
_MESSAGE = struct.Struct("!h i16s ii")
MESSAGE_COLUMNS = "message_hash, seen_on"


class UsageRow(msgspec.Struct, gc=False):
    """One event whose account is known. `contact_id` 0: nobody; `properties`: JSON."""

    account_id: int
    contact_id: int
    event_type_id: int
    source_id: int
    occurred_at: datetime
    received_at: datetime
    value: float | None
    shift_ms: int
    clock_note: int
    is_backfill: bool
    message_hash: bytes
    properties: bytes


def event_row(row: UsageRow, recorded_at: int) -> bytes:
    """Return one row of EVENT_COLUMNS; `recorded_at` as microseconds() gives it."""
    fixed = (
        *(13, 4, row.account_id, 4, row.contact_id, 4, row.event_type_id, 4, row.source_id),
        *(8, microseconds(row.occurred_at), 8, microseconds(row.received_at), 8, recorded_at),
        *(4, row.shift_ms, 2, row.clock_note, 1, row.is_backfill, 16, row.message_hash),
    )
    length = len(row.properties) + 1
    if row.value is None:
        return _EVENT_WITHOUT_VALUE.pack(*fixed, -1, length, _JSONB_VERSION) + row.properties
    return _EVENT_WITH_VALUE.pack(*fixed, 8, row.value, length, _JSONB_VERSION) + row.properties


def message_rows(hashes: Iterable[bytes], day: date) -> list[bytes]:
    """Return rows of MESSAGE_COLUMNS."""
    number = (day - _EPOCH_DAY).days
    return [_MESSAGE.pack(2, 16, message_hash, 4, number) for message_hash in hashes]


def microseconds(moment: datetime) -> int:
    """Return a time as PostgreSQL keeps it."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def copy_binary(table: str, columns: str, rows: list[bytes]) -> None:
    data = b"".join([_HEADER, *rows, _TRAILER])
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN (FORMAT binary)", io.BytesIO(data))


def copy_text(table: str, columns: str, lines: Iterable[str]) -> None:
    """COPY lines of tab-separated text, each ending in a newline."""
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", io.StringIO("".join(lines)))


def escape_json(text: str) -> str:
    r"""Return JSON text as COPY wants it: it has no raw tabs or newlines, so only \ is left."""
    return text.replace("\\", "\\\\")


def as_array(values: Iterable[object]) -> str:
    """Return numbers, dates or booleans as an array literal, which PostgreSQL reads much faster than ARRAY[…]."""
    return f"{{{','.join(map(str, values))}}}"
