from datetime import date, timedelta
from decimal import Decimal

import pytest

from accounts.models import Account
from health.portfolio import arr_at_risk, band_shares, needs_attention, score_histogram
from health.scorecards import Band
from tests.factories import AccountFactory, CurrentScoreFactory

TODAY = date(2026, 6, 15)
pytestmark = pytest.mark.django_db


def scored(score, *, previous=None, arr=1000, renews_in=90, name=None):
    band = Band.RED if score < 40 else Band.YELLOW if score < 70 else Band.GREEN
    account = AccountFactory(
        arr=arr,
        renews_on=None if renews_in is None else TODAY + timedelta(days=renews_in),
        **({"name": name} if name else {}),
    )
    return CurrentScoreFactory(account=account, score=Decimal(score), previous_score=previous, band=band)


def test_band_shares_count_accounts_without_score_as_unknown():
    scored(20, arr=100)
    scored(30, arr=None)
    scored(80, arr=7)
    AccountFactory(arr=5)
    shares = band_shares(Account.objects.all())
    assert [(share.band, share.count, share.arr) for share in shares] == [
        (Band.RED, 2, Decimal(100)),
        (Band.YELLOW, 0, Decimal(0)),
        (Band.GREEN, 1, Decimal(7)),
        (Band.UNKNOWN, 1, Decimal(5)),
    ]
    assert arr_at_risk(shares) == Decimal(100)


def test_score_histogram_puts_100_into_the_last_bin():
    for score in ("0", "9.99", "10", "95", "100"):
        scored(Decimal(score))
    AccountFactory()
    assert score_histogram(Account.objects.all()) == [2, 1, 0, 0, 0, 0, 0, 0, 0, 2]


def test_needs_attention_ranks_by_risk_revenue_and_renewal():
    scored(30, name="base")
    scored(30, arr=3000, name="rich")
    scored(30, renews_in=0, name="renews today")
    scored(10, name="worse")
    scored(30, renews_in=None, name="renewal unknown")
    scored(30, arr=None, name="arr unknown")
    scored(30, previous=50, name="fell")
    scored(95, name="fine")
    scored(85, previous=96, name="fine but falling")
    ranked = [score.account.name for score in needs_attention(Account.objects.all(), today=TODAY, limit=20)]
    assert ranked == [
        "rich",
        "renews today",
        "worse",
        "fell",
        "base",
        "renewal unknown",
        "fine but falling",
        "arr unknown",
    ]


def test_needs_attention_stays_inside_the_book_and_the_limit(django_assert_num_queries):
    mine = scored(10)
    scored(5)
    book = Account.objects.filter(pk=mine.account_id)
    with django_assert_num_queries(1):
        found = needs_attention(book, today=TODAY, limit=1)
        assert [score.account.name for score in found] == [mine.account.name]
