"""The pages of backtests, in a real browser."""

from datetime import timedelta

import pytest
from django.utils import timezone

from health.outcomes import ChurnRule
from health.services.backtests import Candidate, create_backtest, run_backtest
from team.enums import AccessLevel
from tests.browser.checks import check_page
from tests.factories import AccountFactory
from tests.health.cards import make_scorecard
from tests.health.usage_rows import use

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def scorecard():
    return make_scorecard()


def ask(scorecard):
    day = timezone.now().date() - timedelta(days=60)
    for count in (1, 60, 400):
        account = AccountFactory()
        use(account, day - timedelta(days=1), count)
        if count == 60:
            use(account, day + timedelta(days=3))
    use(AccountFactory(), timezone.now().date() - timedelta(days=1))
    return create_backtest(
        candidates=[Candidate.of_version(scorecard.version)], rule=ChurnRule("lapse", 30, active_days=60),
        dates=[day, day - timedelta(days=1)], now=timezone.now(), capacity=1, scorecard=scorecard, learns=True,
    )  # fmt: skip


def test_form_and_list_bear_every_check(signed_in, scorecard):
    page = signed_in(AccessLevel.EDITOR)
    for path in ("", "new/"):
        check_page(page, f"/settings/scorecards/{scorecard.pk}/backtests/{path}")


def test_progress_and_result_bear_every_check(signed_in, scorecard):
    page, backtest = signed_in(AccessLevel.EDITOR), ask(scorecard)
    address = f"/settings/scorecards/{scorecard.pk}/backtests/{backtest.pk}/"
    check_page(page, address)
    run_backtest(backtest=backtest)
    page.open(address)
    page.click("summary >> nth=0")
    check_page(page, address)
