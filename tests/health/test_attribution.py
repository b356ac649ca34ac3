from datetime import UTC, datetime, timedelta

import pytest

from health.usage.attribution import Stay, Visit, account_at

START = datetime(2026, 6, 1, tzinfo=UTC)


def day(number):
    return START + timedelta(days=number)


ONE = [Stay(1, day(5), None)]
LEFT = [Stay(1, day(5), day(10))]
MOVED = [Stay(1, day(5), day(10)), Stay(2, day(10), None)]
BOTH = [Stay(1, day(5), None), Stay(2, day(8), None)]
VISITS = [Visit(1, day(9)), Visit(2, day(12)), Visit(3, day(11))]


@pytest.mark.parametrize(
    ("moment", "stays", "visits", "expected"),
    [
        (day(6), [], [], None),
        (day(5), ONE, [], 1),
        (day(4), ONE, [], 1),  # before they were announced
        (day(9), LEFT, [], 1),
        (day(10), LEFT, [], None),  # nobody knows where they went
        (day(10), LEFT, [Visit(1, day(9))], 1),
        (day(9), MOVED, [], 1),
        (day(10), MOVED, [], 2),
        (day(7), BOTH, [], 1),
        (day(9), BOTH, [], None),
        (day(9), BOTH, VISITS, 1),
        (day(11), BOTH, VISITS, 1),  # 3 is no account of theirs
        (day(12), BOTH, VISITS, 2),
        (day(9), [Stay(1, day(5), None), Stay(1, day(6), None)], [], 1),  # two roles
        (day(12), [], VISITS, 2),
    ],
)
def test_account_at(moment, stays, visits, expected):
    assert account_at(moment, stays, visits) == expected
