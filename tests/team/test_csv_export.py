import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from team.csv_export import FORMULA_STARTS, csv_lines, safe_cell


def test_csv_lines_quote_and_keep_numbers():
    lines = list(csv_lines(["a", "b"], [['x,"y"\n', -1.5], [None, "z"]]))
    assert lines == ["a,b\r\n", '"x,""y""\n",-1.5\r\n', ",z\r\n"]


@given(st.text(max_size=3), st.sampled_from(FORMULA_STARTS), st.text(max_size=5))
def test_no_cell_starts_a_formula(before, start, after):
    text = before.strip(" '\"") + start + after
    safe = safe_cell(text)
    assert not safe.lstrip(' "').startswith(FORMULA_STARTS)
    assert safe in {text, f"'{text}"}


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)))
def test_a_reader_gets_back_what_was_written(cells):
    (line,) = list(csv_lines(["x"], [["start", *cells]]))[1:]
    (row,) = csv.reader(io.StringIO(line, newline=""))
    assert [cell.removeprefix("'") for cell in row[1:]] == [safe_cell(cell).removeprefix("'") for cell in cells]
