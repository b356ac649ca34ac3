"""Rows of CSV (plain or gzip) and Excel files, one at a time.

The encoding is found row by row, because exports pasted together mix them: UTF-8 where the bytes are,
else Windows-1252. A row that cannot be read comes with a problem instead of ending the file.
"""

import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Any

from integrations.imports.errors import ImportFailed

GZIP, ZIP, OLD_EXCEL = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
UTF8_MARK = b"\xef\xbb\xbf"
MAX_WORKBOOK_BYTES = 1_000_000_000
MAX_LINE_BYTES = 4 * 1024 * 1024
PEEK_BYTES = 64 * 1024
FALLBACK = "Windows-1252"


@dataclass(frozen=True)
class Layout:
    """How to read the files of a section; None: found out."""

    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """What is odd about a row; one that is only a notice leaves the row usable."""

    code: str
    message: str
    is_notice: bool = False


# Row number as a spreadsheet counts (the header is 1), values, and what is odd about them.
Line = tuple[int, list[str], Problem | None]


@dataclass(frozen=True)
class Source:
    """A file that has been looked through: its header and the number of rows below it."""

    path: Path
    layout: Layout
    header: tuple[str, ...]
    row_count: int | None

    def rows(self) -> Iterator[Line]:
        """Yield the rows below the header. Raises ImportFailed when the file cannot be read on."""
        with _readable(self.path):
            lines = _lines(self.path, self.layout)
            if self.layout.columns is None:
                next(lines)
            width = len(self.header)
            for number, values, oddity in lines:
                problem = oddity
                if problem is None or problem.is_notice:
                    if len(values) != width:
                        problem = _ragged(values, width)
                    elif any("\0" in value for value in values):
                        problem = _nul(values, self.header)
                yield number, values, problem


def open_source(path: Path, layout: Layout) -> Source:
    """Look through a file before anything is written. Raises ImportFailed naming what to mend."""
    with _readable(path):
        lines = _lines(path, layout)
        header: tuple[str, ...]
        if layout.columns is None:
            first = next(lines, None)
            if first is None:
                msg = f"{path}: the file is empty; its first row should name the columns."
                raise ImportFailed(msg)
            if first[2] is not None and not first[2].is_notice:
                msg = f"{path}: the row of column names cannot be read: {first[2].message}."
                raise ImportFailed(msg)
            header = tuple(name.strip() for name in first[1])
        else:
            header = layout.columns
        # Excel files are slow to read; CSV is read to its end once, so that a broken one stops here.
        count = None if is_excel(path) else sum(1 for _ in lines)
    return Source(path, layout, header, count)


def is_excel(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == ZIP


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what the libraries raise about broken files into ImportFailed."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        msg = f"{path}: the gzip file is damaged or cut off ({error}); fetch it again."
        raise ImportFailed(msg) from error
    # What openpyxl meets in a workbook that is none: parts are missing, or are no XML (a SyntaxError).
    except (zipfile.BadZipFile, KeyError, IndexError, SyntaxError) as error:
        msg = f"{path}: not an Excel workbook ({error}); save it again as .xlsx or CSV."
        raise ImportFailed(msg) from error
    except UnicodeError as error:
        msg = f"{path}: starts like UTF-16 but is not ({error}); save it again as UTF-8."
        raise ImportFailed(msg) from error
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror or error})."
        raise ImportFailed(msg) from error


def _lines(path: Path, layout: Layout) -> Iterator[Line]:
    return _excel(path, layout) if is_excel(path) else _csv(path, layout)


def _ragged(values: list[str], width: int) -> Problem:
    hint = (
        "a value with a comma may lack its quotation marks"
        if len(values) > width
        else "a line break inside a value may lack its quotation marks"
    )
    return Problem(
        "ragged_row",
        f"the row has {len(values)} values, the header {width} columns; {hint}",
    )


def _nul(values: list[str], header: tuple[str, ...]) -> Problem:
    where = [name for name, value in zip(header, values, strict=True) if "\0" in value]
    return Problem("nul_character", f"NUL characters in {', '.join(where)}")


class _Decoder:
    """Turns a file's bytes into lines and remembers which ones were not UTF-8."""

    def __init__(self, path: Path, encoding: str | None) -> None:
        self.path = path
        self.encoding = encoding
        self.odd_lines: list[int] = []

    def __iter__(self) -> Iterator[str]:
        with self.path.open("rb") as raw, _inflated(self.path, raw) as file:
            head = file.peek(PEEK_BYTES)[:PEEK_BYTES]
            if b"\r" in head and b"\n" not in head:
                msg = f"{self.path}: lines end with CR alone (old Mac files); save it with LF or CRLF."
                raise ImportFailed(msg)
            if self.encoding is None and head[:2] in UTF16:
                with io.TextIOWrapper(file, encoding="utf-16", newline="") as text:
                    yield from text
            else:
                yield from self._decoded(file)

    def _decoded(self, file: io.BufferedReader | gzip.GzipFile) -> Iterator[str]:
        number = 0
        while line := file.readline(MAX_LINE_BYTES):
            number += 1
            if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                msg = f"{self.path}: line {number} is longer than 4 MiB; this is no CSV file."
                raise ImportFailed(msg)
            if number == 1 and line.startswith(UTF8_MARK):
                line = line[3:]
            yield self._decode(line, number)

    def _decode(self, line: bytes, number: int) -> str:
        if self.encoding is not None:
            try:
                return line.decode(self.encoding)
            except UnicodeDecodeError as error:
                msg = (
                    f"{self.path}: line {number} is not {self.encoding} ({error.reason}); correct `encoding`,"
                    f" or leave it out to read row by row as UTF-8, else {FALLBACK}."
                )
                raise ImportFailed(msg) from error
        try:
            return line.decode()
        except UnicodeDecodeError:
            self.odd_lines.append(number)
        try:
            return line.decode("cp1252")
        except UnicodeDecodeError:
            return line.decode("latin-1")


def _inflated(path: Path, raw: io.BufferedReader) -> io.BufferedReader | gzip.GzipFile:
    magic = raw.peek(4)
    if magic.startswith(OLD_EXCEL):
        msg = f"{path}: an Excel file of before 2007; save it as .xlsx or CSV."
        raise ImportFailed(msg)
    return gzip.GzipFile(fileobj=raw, mode="rb") if magic.startswith(GZIP) else raw


def _csv(path: Path, layout: Layout) -> Iterator[Line]:
    decoder = _Decoder(path, layout.encoding)
    delimiter = layout.delimiter or ("\t" if ".tsv" in path.suffixes else ",")
    reader = csv.reader(iter(decoder), delimiter=delimiter, strict=True)
    number, line_before = 0, 0
    while True:
        problem = None
        number += 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            values, problem = [], _broken(path, error, line_before + 1)
        if decoder.odd_lines:
            if decoder.odd_lines[-1] > line_before and problem is None:
                problem = Problem("encoding", f"not UTF-8; read as {FALLBACK}", is_notice=True)
            decoder.odd_lines.clear()
        line_before = reader.line_num
        if values or problem is not None:
            yield number, values, problem


def _broken(path: Path, error: csv.Error, line: int) -> Problem:
    """Return the problem of one row, or raise when a quotation mark has swallowed the rest of the file."""
    if "unexpected end of data" in str(error) or "field larger" in str(error):
        msg = (
            f"{path}: a quotation mark opened in the row at line {line} is never closed; close it there,"
            " or double it if it belongs to the value."
        )
        raise ImportFailed(msg) from error
    return Problem("bad_quotes", f"the row cannot be split into values ({error})")


def _excel(path: Path, layout: Layout) -> Iterator[Line]:
    import openpyxl

    if layout.encoding or layout.delimiter:
        msg = f"{path}: encoding and delimiter belong to CSV files, this is an Excel file."
        raise ImportFailed(msg)
    _refuse_large_workbook(path)
    # From an open file, because openpyxl refuses a path by its ending.
    with path.open("rb") as file, closing(openpyxl.load_workbook(file, read_only=True, data_only=True)) as book:
        if layout.sheet is not None and layout.sheet not in book.sheetnames:
            msg = f"{path}: there is no sheet {layout.sheet!r}; the sheets are {', '.join(book.sheetnames)}."
            raise ImportFailed(msg)
        sheet = book[layout.sheet or book.sheetnames[0]]
        width = len(layout.columns) if layout.columns is not None else None
        for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            values = [_cell(cell) for cell in cells]
            if not any(values):
                continue
            width = width or _width(values)
            # Excel keeps formatted empty cells beyond the table.
            while len(values) > width and not values[-1]:
                values.pop()
            values += [""] * (width - len(values))
            yield number, values, None


def _refuse_large_workbook(path: Path) -> None:
    """Raise ImportFailed for a workbook whose parts, some of which are held in memory, are far larger than it is."""
    with zipfile.ZipFile(path) as archive:
        size = sum(part.file_size for part in archive.infolist())
    if size > MAX_WORKBOOK_BYTES:
        msg = f"{path}: unpacked it has {size:,} bytes, more than {MAX_WORKBOOK_BYTES:,}; save it as CSV."
        raise ImportFailed(msg)


def _width(header: list[str]) -> int:
    return max(n for n, name in enumerate(header, start=1) if name)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | time):
        return value.isoformat()
    return str(value)
