"""Rows for COPY: binary where there are many, because neither side has to write or read text."""

import io
import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

import msgspec
import numpy as np
from django.db import connection

NULL = "\\N"
_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(2000, 1, 1)
_JSONB_VERSION = 1

# Each value follows its length in bytes: i 4, q 8, h 2, ? 1, d 8, 16s 16; -1 is NULL.
EVENT_COLUMNS = (
    "account_id, contact_id, event_type_id, recorded_at, source_id, occurred_at, received_at, shift_ms, clock_note,"
    " is_backfill, message_hash, value, properties"
)
_EVENT_HEAD = np.dtype(
    [("columns", ">i2")]
    + [field for name in ("account", "contact", "type") for field in ((f"{name} length", ">i4"), (name, ">i4"))]
    + [("recorded length", ">i4"), ("recorded", ">i8")]
)
_TOLD = "!ii iq iq ii ih i? i16s "
_PACK_VALUE = struct.Struct(_TOLD + "id iB").pack
_PACK_NO_VALUE = struct.Struct(_TOLD + "i iB").pack
MESSAGE_COLUMNS = "message_hash, seen_on"
_MESSAGE = np.dtype(
    [("columns", ">i2"), ("hash length", ">i4"), ("hash", "S16"), ("day length", ">i4"), ("day", ">i4")]
)
_READ_BYTES = 1 << 20


class Told(msgspec.Struct, gc=False):
    """What an event says by itself, before its account is looked up.

    `day` and `value` are for the roll-up: days since 2000-01-01, and 0 where there is no value. `columns`: the
    columns from source_id on, as COPY takes them.
    """

    source_id: int
    day: int
    value: float
    is_backfill: bool
    columns: bytes


class UsageRow(msgspec.Struct, gc=False):
    """One event whose account is known. `contact_id` 0: nobody."""

    account_id: int
    contact_id: int
    event_type_id: int
    told: Told


def told(  # noqa: PLR0917 -- called for every event, and names cost time
    source_id: int,
    occurred_at: datetime,
    received: int,
    message_hash: bytes,
    value: float | None,
    shift_ms: int,
    clock_note: int,
    is_backfill: bool,  # noqa: FBT001
    properties: bytes,
) -> Told:
    """Return an event as its row needs it. `received`: as microseconds() gives it; `properties`: JSON."""
    since = occurred_at - _EPOCH
    occurred = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    pack, present = (_PACK_NO_VALUE, (-1,)) if value is None else (_PACK_VALUE, (8, value))
    columns = pack(
        *(4, source_id, 8, occurred, 8, received, 4, shift_ms, 2, clock_note, 1, is_backfill, 16, message_hash),
        *present,
        len(properties) + 1,
        _JSONB_VERSION,
    )
    return Told(source_id, since.days, value or 0.0, is_backfill, columns + properties)


def event_rows(rows: Sequence[UsageRow], recorded_at: datetime) -> list[bytes]:
    """Return rows of EVENT_COLUMNS, in pieces."""
    heads = np.zeros(len(rows), _EVENT_HEAD)
    heads["columns"] = EVENT_COLUMNS.count(",") + 1
    heads["account"] = [row.account_id for row in rows]
    heads["contact"] = [row.contact_id for row in rows]
    heads["type"] = [row.event_type_id for row in rows]
    for name in ("account", "contact", "type"):
        heads[f"{name} length"] = 4
    heads["recorded length"] = 8
    heads["recorded"] = microseconds(recorded_at)
    pieces = [b""] * (2 * len(rows))
    pieces[::2] = heads.view(f"V{_EVENT_HEAD.itemsize}").tolist()
    pieces[1::2] = [row.told.columns for row in rows]
    return pieces


def message_rows(hashes: Sequence[bytes], day: date) -> list[bytes]:
    """Return rows of MESSAGE_COLUMNS, sorted, so that neighbours in the index come together."""
    rows = np.zeros(len(hashes), _MESSAGE)
    rows["columns"] = 2
    rows["hash length"] = 16
    rows["hash"] = np.sort(np.array(hashes, "S16"))
    rows["day length"] = 4
    rows["day"] = (day - _EPOCH_DAY).days
    return [rows.tobytes()]


def microseconds(moment: datetime) -> int:
    """Return a time as PostgreSQL keeps it."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def copy_binary(table: str, columns: str, rows: list[bytes]) -> None:
    data = b"".join([_HEADER, *rows, _TRAILER])
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN (FORMAT binary)", io.BytesIO(data), _READ_BYTES)


def copy_text(table: str, columns: str, lines: Iterable[str]) -> None:
    """COPY lines of tab-separated text, each ending in a newline."""
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", io.StringIO("".join(lines)), _READ_BYTES)


def escape_json(text: str) -> str:
    r"""Return JSON text as COPY wants it: it has no raw tabs or newlines, so only \ is left."""
    return text.replace("\\", "\\\\")


def as_array(values: Iterable[object]) -> str:
    """Return numbers, dates or booleans as an array literal, which PostgreSQL reads much faster than ARRAY[…]."""
    return f"{{{','.join(map(str, values))}}}"
