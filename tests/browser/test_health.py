"""The pages of health, in a real browser."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.services import join_account, record_activity, record_sentiment, record_survey_response
from health.services import ensure_starter_scorecards, score_accounts
from team.enums import AccessLevel
from tests.browser.checks import check_page
from tests.factories import AccountFactory, ContactFactory, SubscriptionFactory, TicketFactory, UserFactory
from tests.health.usage_rows import use

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def account():
    """An account with usage, people and a month of scores by the starter scorecard."""
    now = timezone.now()
    account = AccountFactory(name="Northwind Logistics")
    start = now - timedelta(days=60)
    SubscriptionFactory(account=account, seats=12, renews_on=now.date() + timedelta(days=80))
    people = [ContactFactory(name=name) for name in ("Priya Nair", "Luis Romero", "Ken Abe")]
    for i, contact in enumerate(people):
        join_account(
            contact=contact, account=account, role="champion" if i == 0 else None, occurred_at=start, now=start
        )
    for back in range(80):
        day = now.date() - timedelta(days=back)
        if day.weekday() < 5:
            use(account, day, 4 + back % 7, contact=people[back % 3], name=("Route planned", "Board opened")[back % 2])
    TicketFactory(account=account, occurred_at=start, is_escalated=True)
    record_sentiment(account=account, user=UserFactory(), level=2, now=now - timedelta(days=20))
    record_survey_response(account=account, kind="nps", score=9, occurred_at=start, now=start)
    record_activity(account=account, kind="call", occurred_at=start, now=start)
    card = ensure_starter_scorecards(now=now)[0]
    for back in range(30, 0, -1):
        score_accounts(scorecard=card, now=now, as_of=now.date() - timedelta(days=back - 1))
    score_accounts(scorecard=card, now=now)
    return account


@pytest.mark.parametrize("path", ["health/", "health/?replay=1", "usage/"])
def test_health_and_usage_tabs_bear_every_check(signed_in, account, path):
    check_page(signed_in(AccessLevel.VIEWER), f"/accounts/{account.pk}/{path}")


@pytest.mark.parametrize("path", ["", "1/"])
def test_scorecard_pages_bear_every_check(signed_in, account, path):
    check_page(
        signed_in(AccessLevel.EDITOR), f"/settings/scorecards/{path and f'{account.scores.get().scorecard_id}/'}"
    )
