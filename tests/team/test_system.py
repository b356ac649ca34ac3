import pytest

from team.system import Figure, in_words


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0, "s", "0 s"),
        (59.96, "s", "60 s"),
        (125, "s", "2.1 min"),
        (7200, "s", "2 h"),
        (172_800, "s", "2 days"),
        (5 * 1024**2, "B", "5 MB"),
        (512, "B", "512 B"),
        (12_345, "", "12,345"),
        (3, "rows", "3 rows"),
    ],
)
def test_in_words(value, unit, words):
    assert in_words(value, unit) == words


@pytest.mark.parametrize(
    ("value", "limit", "is_alarming"),
    [(61, 60, True), (60, 60, False), (None, 60, False), (99, None, False), (1, 0, True)],
)
def test_a_figure_is_alarming_above_its_limit(value, limit, is_alarming):
    assert Figure("x", "X", value, limit=limit).is_alarming is is_alarming


def test_an_unknown_figure_says_so():
    assert Figure("x", "X", None, "s").words == "not known"
