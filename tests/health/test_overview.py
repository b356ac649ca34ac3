"""What an account's overview shows of its use."""

from datetime import date

import pytest

from health.overview import weekly_use
from tests.factories import AccountFactory, ContactFactory
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db
TODAY = date(2026, 6, 17)  # a Wednesday
MONDAYS = [date(2026, 6, 1), date(2026, 6, 8), date(2026, 6, 15)]


def test_people_of_each_week_are_counted_once_and_weeks_before_the_first_use_are_unknown():
    account, one, two = AccountFactory(), ContactFactory(), ContactFactory()
    use(account, date(2026, 6, 9), 2, contact=one)
    use(account, date(2026, 6, 10), contact=one)
    use(account, date(2026, 6, 10), contact=two)
    found = weekly_use(account, today=TODAY, weeks=3)
    assert found.points == list(zip(MONDAYS, [None, 2.0, 0.0], strict=True))
    assert (found.unit, found.label, found.until, found.is_known, found.is_past) == (
        "people", "Active people by week", TODAY, True, False,
    )  # fmt: skip


def test_where_nobody_is_known_the_events_are_shown():
    account = AccountFactory()
    use(account, date(2026, 6, 1), 3)
    use(account, date(2026, 6, 15), 4)
    found = weekly_use(account, today=TODAY, weeks=3)
    assert (found.unit, found.points) == ("events", list(zip(MONDAYS, [3.0, 0.0, 4.0], strict=True)))


def test_account_that_is_silent_shows_its_last_weeks():
    account = AccountFactory()
    use(account, date(2025, 12, 3), 5)
    found = weekly_use(account, today=TODAY, weeks=2)
    assert (found.until, found.is_past) == (date(2025, 12, 3), True)
    assert found.points == [(date(2025, 11, 24), None), (date(2025, 12, 1), 5.0)]


def test_account_without_use_is_not_known():
    found = weekly_use(AccountFactory(), today=TODAY, weeks=2)
    assert (found.is_known, found.is_past, found.unit) == (False, False, "people")
    assert {value for _, value in found.points} == {None}
