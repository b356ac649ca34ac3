"""Rows of fixed width to and from PostgreSQL's binary COPY: a hundred thousand rows are one array.

No column may be NULL: a statement says what stands for unknown (NaN, −1).
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
# How the format writes a type: dates in days and instants in microseconds since 2000-01-01.
TYPES = {
    "bool": "?",
    "int2": ">i2",
    "int4": ">i4",
    "int8": ">i8",
    "float4": ">f4",
    "float8": ">f8",
    "date": ">i4",
    "timestamptz": ">i8",
    "sha256": "V32",
}
ELEMENT_OIDS = {"int2": 21, "int4": 23, "float4": 700}
ARRAY_HEAD = ("dimensions", "nulls", "oid", "size", "bound")

Rows = npt.NDArray[Any]


def read_rows(sql: str, params: Mapping[str, Any], columns: Sequence[tuple[str, str]]) -> Rows:
    """Run a query; return a structured array with its columns under the given (name, type)s."""
    fields = [("#", ">i2")]
    for name, kind in columns:
        fields += [(f"{name} length", ">i4"), (name, TYPES[kind])]
    layout = np.dtype(fields)
    buffer = io.BytesIO()
    with connection.cursor() as cursor:
        statement = cursor.cursor.mogrify(sql, params).decode()
        cursor.copy_expert(f"COPY ({statement}) TO STDOUT (FORMAT binary)", buffer)
    size = buffer.tell() - len(HEADER) - len(TRAILER)
    if size % layout.itemsize:
        raise ValueError("The rows are not as wide as their types say. Is a column NULL?")
    return np.frombuffer(buffer.getbuffer(), layout, size // layout.itemsize, len(HEADER))


def write_rows(
    table: str, columns: Mapping[str, tuple[str, Any]], arrays: Mapping[str, tuple[str, npt.NDArray[Any]]]
) -> None:
    """COPY rows into a table. `columns`: name → (type, values or one value for all); `arrays`: name →
    (type of the elements, matrix with a row for each row).
    """
    length = next(iter(arrays.values()))[1].shape
    rows = np.zeros(length[0], _row_layout(columns, arrays, length[1]))
    rows["#"] = len(columns) + len(arrays)
    _fill_columns(rows, columns)
    for name, (kind, values) in arrays.items():
        element = np.dtype(TYPES[kind]).itemsize
        rows[f"{name} length"] = len(ARRAY_HEAD) * 4 + length[1] * (4 + element)
        for field, value in zip(ARRAY_HEAD, (1, 0, ELEMENT_OIDS[kind], length[1], 1), strict=True):
            rows[f"{name} head"][field] = value
        rows[name]["length"] = element
        rows[name]["value"] = values
    stream = io.BytesIO(HEADER + rows.tobytes() + TRAILER)
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} ({', '.join([*columns, *arrays])}) FROM STDIN (FORMAT binary)", stream)


def pack_rows(columns: Mapping[str, tuple[str, Any]]) -> bytes:
    """Return rows as COPY reads them, without header and trailer.

    `columns`: as in write_rows; the first is an array.
    """
    rows = np.zeros(len(next(iter(columns.values()))[1]), _row_layout(columns, {}, 0))
    rows["#"] = len(columns)
    _fill_columns(rows, columns)
    return rows.tobytes()


def _fill_columns(rows: Rows, columns: Mapping[str, tuple[str, Any]]) -> None:
    for name, (kind, values) in columns.items():
        rows[f"{name} length"] = np.dtype(TYPES[kind]).itemsize
        rows[name] = values


def _row_layout(columns: Mapping[str, Any], arrays: Mapping[str, Any], length: int) -> np.dtype[Any]:
    fields: list[Any] = [("#", ">i2")]
    for name, (kind, _) in columns.items():
        fields += [(f"{name} length", ">i4"), (name, TYPES[kind])]
    head = [(field, ">i4") for field in ARRAY_HEAD]
    for name, (kind, _) in arrays.items():
        element = [("length", ">i4"), ("value", TYPES[kind])]
        fields += [(f"{name} length", ">i4"), (f"{name} head", head), (name, element, (length,))]
    return np.dtype(fields)
