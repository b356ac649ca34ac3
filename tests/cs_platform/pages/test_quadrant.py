"""The page of success and happiness."""

from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import Account
from health.corners import Corner
from health.quadrant import Precedent, judge
from health.scorecards import Band
from tests.factories import NOW, AccountFactory, CurrentScoreFactory, TeamFactory, UserFactory
from tests.health.cards import make_scorecard

pytestmark = pytest.mark.django_db
QUERIES = 11


@pytest.fixture
def cards():
    return {kind: make_scorecard(kind.title(), kind=kind) for kind in ("success", "happiness")}


def stand(name, cards, success, happiness, **fields):
    account = AccountFactory(name=name, **fields)
    for kind, score in (("success", success), ("happiness", happiness)):
        CurrentScoreFactory(
            account=account, scorecard=cards[kind], version=cards[kind].version, main_of=kind, score=Decimal(score),
            band=Band.GREEN,
        )  # fmt: skip
    return account


def test_page_shows_corners_queue_and_owners(client, cards, django_assert_num_queries):
    csm = UserFactory(access_level="viewer")
    client.force_login(csm)
    stand("Failing GmbH", cards, 20, 90, csm=csm, arr=1200)
    client.get(reverse("quadrant"))
    for count in (1, 3):
        while Account.objects.filter(name__startswith="Good").count() < count:
            stand("Good & Sons", cards, 90, 90, csm=csm, arr=100)
            stand("Grumpy", cards, 90, 20, csm=csm, arr=100)
        with django_assert_num_queries(QUERIES):
            page = client.get(reverse("quadrant")).content.decode()
    assert page.count("Happy but failing") >= 2
    assert page.index("Failing GmbH") < page.index("Grumpy")
    assert "no owner yet" in page


def test_page_shows_only_what_one_may_see(client, cards):
    client.force_login(UserFactory(access_level="contributor"))
    stand("Secret", cards, 20, 90, team=TeamFactory())
    for book in ("mine", "team", "all"):
        page = client.get(reverse("quadrant"), {"book": book}).content.decode()
        assert "Secret" not in page
    assert "No account has both scores yet" in page


def test_verdict_says_when_there_is_nothing_or_too_little(client, cards, monkeypatch):
    client.force_login(UserFactory())
    assert "Nothing to judge yet" in client.get(reverse("quadrant_verdict")).content.decode()
    case = Precedent(1, NOW.date(), Corner.FAILING, 5, churned=True)
    monkeypatch.setattr("cs_platform.pages.quadrant.who_was_right", lambda *_args, **_options: judge([case], []))
    assert "1 account with a known end: too few to tell" in client.get(reverse("quadrant_verdict")).content.decode()


def test_pages_refuse_posts_and_strangers(client):
    for name in ("quadrant", "quadrant_verdict"):
        assert client.get(reverse(name)).status_code == 302
        client.force_login(UserFactory())
        assert client.post(reverse(name)).status_code == 405
        client.logout()
