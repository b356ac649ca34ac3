import gzip
import zipfile
from datetime import datetime

import openpyxl
import pytest

from integrations.imports import readers
from integrations.imports.errors import ImportFailed
from integrations.imports.readers import Layout, Problem, open_source


def read(path, **layout):
    source = open_source(path, Layout(**layout))
    return source.header, list(source.rows())


@pytest.fixture
def csv_file(tmp_path):
    def write(content: bytes, name="file.csv"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def test_rows_are_numbered_as_in_a_spreadsheet(csv_file):
    path = csv_file(b'id,name\r\n1,"Smith, J."\r\n2,"two\nlines"\r\n\r\n3,x\r\n')
    header, rows = read(path)
    assert header == ("id", "name")
    assert rows == [(2, ["1", "Smith, J."], None), (3, ["2", "two\nlines"], None), (5, ["3", "x"], None)]


def test_row_count_is_known_before_rows_are_read(csv_file):
    assert open_source(csv_file(b"id\n1\n2\n"), Layout()).row_count == 2


def test_gzip_is_known_by_its_content(csv_file):
    assert read(csv_file(gzip.compress(b"id\n1\n"), "file.csv")) == (("id",), [(2, ["1"], None)])


def test_byte_order_mark_is_no_part_of_the_first_name(csv_file):
    assert read(csv_file(b"\xef\xbb\xbfid\n1\n"))[0] == ("id",)


def test_utf_16_is_known_by_its_mark(csv_file):
    assert read(csv_file("id,name\n1,Zoë\n".encode("utf-16"))) == (("id", "name"), [(2, ["1", "Zoë"], None)])


def test_mixed_encodings_are_read_row_by_row_and_noted(csv_file):
    content = "id,name\n1,Zoë\n".encode() + "2,Zoë\n".encode("cp1252") + b"3,plain\n" + b"4,\x81\n"
    odd = Problem("encoding", "not UTF-8; read as Windows-1252", is_notice=True)
    assert read(csv_file(content))[1] == [
        (2, ["1", "Zoë"], None),
        (3, ["2", "Zoë"], odd),
        (4, ["3", "plain"], None),
        (5, ["4", "\x81"], odd),
    ]


def test_named_encoding_is_kept_to(csv_file):
    path = csv_file("id,name\n1,Zoë\n".encode("cp1252"))
    assert read(path, encoding="cp1252")[1] == [(2, ["1", "Zoë"], None)]
    with pytest.raises(ImportFailed, match=r"line 2 is not utf-8 .* leave it out to read row by row"):
        read(path, encoding="utf-8")


def test_delimiter_and_columns_can_be_given(csv_file):
    path = csv_file(b"1;a\n2;b\n")
    assert read(path, delimiter=";", columns=("id", "name")) == (
        ("id", "name"),
        [(1, ["1", "a"], None), (2, ["2", "b"], None)],
    )


def test_tab_separated_is_known_by_the_name(csv_file):
    assert read(csv_file(b"id\tname\n1\ta\n", "file.tsv"))[1] == [(2, ["1", "a"], None)]


def test_ragged_rows_come_with_a_problem(csv_file):
    _, rows = read(csv_file(b"id,name\n1\n2,b,c\n3,d\n"))
    assert [(number, problem.code if problem else None) for number, _, problem in rows] == [
        (2, "ragged_row"),
        (3, "ragged_row"),
        (4, None),
    ]
    assert rows[1][2].message == (
        "the row has 3 values, the header 2 columns; a value with a comma may lack its quotation marks"
    )


def test_nul_comes_with_a_problem_that_names_the_column(csv_file):
    _, rows = read(csv_file(b"id,name\n1,a\x00b\n"))
    assert rows == [(2, ["1", "a\0b"], Problem("nul_character", "NUL characters in name"))]


def test_bad_quotes_spoil_one_row_only(csv_file):
    _, rows = read(csv_file(b'id,name\n1,"a"b\n2,c\n'))
    assert [(number, problem.code if problem else None) for number, _, problem in rows] == [
        (2, "bad_quotes"),
        (3, None),
    ]


@pytest.mark.parametrize("tail", [b"2,b\n", b"2,b\n" * 60_000])
def test_quotation_mark_that_never_closes_names_its_line(csv_file, tail):
    with pytest.raises(ImportFailed, match="a quotation mark opened in the row at line 2 is never closed"):
        read(csv_file(b'id,name\n1,"a\n' + tail))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty; its first row should name the columns"),
        (gzip.compress(b"id\n" + b"1\n" * 10_000)[:-20], "the gzip file is damaged or cut off"),
        (b"\x1f\x8bnot gzip", "the gzip file is damaged"),
        (b"PK\x03\x04 not a workbook", "not an Excel workbook"),
        (b"\xd0\xcf\x11\xe0 old", "an Excel file of before 2007; save it as .xlsx or CSV"),
        (b"id\r1\r2\r", "lines end with CR alone"),
        (b"id\n" + b"x" * (5 * 1024 * 1024), "line 2 is longer than 4 MiB"),
        (b"\xff\xfei\x00d\x00\n\x00\x00\xd8", "starts like UTF-16 but is not"),
    ],
)
def test_broken_file_says_what_is_wrong(csv_file, content, message):
    with pytest.raises(ImportFailed, match=message):
        read(csv_file(content))


@pytest.fixture
def workbook(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Customers"
    sheet.append(["id", "name", "since", "paid", None])
    sheet.append([17850.0, "Zoë", datetime(2024, 1, 2, 3, 4), True, None])  # noqa: DTZ001 -- Excel knows no zones
    sheet.append([None, None, None, None])
    sheet.append([2.5, "x", None, False])
    book.create_sheet("Other").append(["nothing"])
    path = tmp_path / "book.xlsx"
    book.save(path)
    return path


def test_excel_cells_become_text(workbook):
    header, rows = read(workbook)
    assert header == ("id", "name", "since", "paid")
    assert rows == [
        (2, ["17850", "Zoë", "2024-01-02T03:04:00", "true"], None),
        (4, ["2.5", "x", "", "false"], None),
    ]


def test_excel_sheet_can_be_chosen(workbook):
    assert read(workbook, sheet="Other") == (("nothing",), [])
    with pytest.raises(ImportFailed, match="there is no sheet 'Invoices'; the sheets are Customers, Other"):
        read(workbook, sheet="Invoices")


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "[Content_Types].xml"])
@pytest.mark.parametrize("content", [b"", b"<x"])
def test_a_damaged_part_of_a_workbook_is_told(workbook, part, content):
    with zipfile.ZipFile(workbook) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(workbook, "w") as archive:
        for name, kept in parts.items():
            archive.writestr(name, content if name == part else kept)
    with pytest.raises(ImportFailed, match=r"book\.xlsx: not an Excel workbook"):
        read(workbook)


def test_a_workbook_that_unpacks_to_far_more_is_refused(workbook, monkeypatch):
    monkeypatch.setattr(readers, "MAX_WORKBOOK_BYTES", 1_000)
    with pytest.raises(ImportFailed, match="more than 1,000; save it as CSV"):
        read(workbook)


def test_excel_refuses_what_belongs_to_csv(workbook):
    with pytest.raises(ImportFailed, match="encoding and delimiter belong to CSV files"):
        read(workbook, delimiter=";")
