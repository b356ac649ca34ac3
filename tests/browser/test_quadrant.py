"""Success against happiness, in a real browser."""

from decimal import Decimal

import pytest

from health.scorecards import Band
from team.enums import AccessLevel
from tests.browser.checks import check_page
from tests.factories import AccountFactory, CurrentScoreFactory
from tests.health.cards import make_scorecard

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_quadrant_and_verdict(signed_in):
    cards = {kind: make_scorecard(kind.title(), kind=kind) for kind in ("success", "happiness")}
    for name, success, happiness in (("Low AG", 12, 91), ("High Ltd", 88, 20), ("Good Inc", 90, 95)):
        account = AccountFactory(name=name, arr=1000)
        for kind, score in (("success", success), ("happiness", happiness)):
            CurrentScoreFactory(
                account=account, scorecard=cards[kind], version=cards[kind].version, main_of=kind,
                score=Decimal(score), band=Band.GREEN,
            )  # fmt: skip
    page = signed_in(AccessLevel.VIEWER)
    for path in ("/quadrant/?book=all", "/quadrant/verdict/"):
        check_page(page, path)
