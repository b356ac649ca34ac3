"""Facts that arrive late make a recorded revision of the days that are over, never a silent change."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.services import record_sentiment
from health.account_health import account_health
from health.models import CurrentScore, ScoreSnapshot
from health.proof import replay
from health.services import publish_version, score_accounts
from health.services.revisions import late_accounts, revise_day, revise_late_days
from team.models import Work
from tests.factories import AccountFactory, UserFactory
from tests.health.cards import CONFIG, make_scorecard
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def day(now):
    """A day that is over: it counts up to the day before yesterday."""
    return now.date() - timedelta(days=1)


@pytest.fixture
def card():
    return make_scorecard()


def scored(card, now, day):
    account = AccountFactory()
    use(account, day - timedelta(days=3), 60)
    score_accounts(scorecard=card, now=now, as_of=day)
    # It was scored on that day.
    at = now - timedelta(days=2)
    ScoreSnapshot.objects.filter(account_id=account.pk, revision=1).update(recorded_by=at)
    return account


def revisions(account):
    rows = ScoreSnapshot.objects.filter(account_id=account.pk).order_by("as_of", "revision")
    return [(row.revision, row.score, row.version_id) for row in rows]


def test_late_usage_revises_the_day_by_the_version_of_then(card, now, day):
    account, other = scored(card, now, day), scored(card, now, day)
    old = card.version_id
    publish_version(scorecard=card, config=CONFIG | {"minimum_confidence": 10}, now=now)
    use(account, day - timedelta(days=2), 10, recorded_at=now, backfill=True)
    use(other, day - timedelta(days=2), 10, recorded_at=now)
    assert late_accounts(now=now) == [account.pk]
    assert revise_day(scorecard=card, as_of=day, now=timezone.now()).written == 1
    assert revisions(account) == [(1, 6000, old), (2, 7000, old)]
    assert revisions(other) == [(1, 6000, old)]
    assert not CurrentScore.objects.exists()
    # Again there is nothing new, and what was shown can still be replayed.
    assert revise_day(scorecard=card, as_of=day, now=timezone.now()).written == 0
    for snapshot in ScoreSnapshot.objects.filter(account_id=account.pk).order_by("-revision")[:1]:
        assert replay(snapshot).hashes[0].tobytes() == bytes(snapshot.hash)


def test_a_late_judgement_revises_and_the_page_says_so(client, card, now, day):
    account = scored(card, now, day)
    record_sentiment(
        account=account, user=UserFactory(), level=1, now=now, occurred_at=now - timedelta(days=5), backfill=True
    )
    assert revise_day(scorecard=card, as_of=day, now=timezone.now()).written == 1
    assert [score for _, score, _ in revisions(account)] == [6000, 4500]
    score_accounts(scorecard=card, now=now)
    shown = account_health(account, day=day - timedelta(days=1))
    assert (shown.revision.old, shown.revision.new) == (60.0, 45.0)
    assert (day - timedelta(days=1), "revised") in account_health(account).markers
    client.force_login(UserFactory(access_level="viewer"))
    page = client.get(f"/accounts/{account.pk}/health/", {"day": day - timedelta(days=1)}).content.decode()
    assert "because late data arrived: 60.0 → 45.0" in " ".join(page.split())


def test_every_night_the_last_days_are_due_only_if_something_came_late(card, now, day):
    account = scored(card, now, day)
    Work.objects.all().delete()
    assert revise_late_days(now=now) == 0
    use(account, day - timedelta(days=2), 10, recorded_at=now, backfill=True)
    assert revise_late_days(now=now) == 7
    days = sorted(work.payload["as_of"] for work in Work.objects.filter(kind="health.revise_day"))
    assert days == [(now.date() - timedelta(days=back)).isoformat() for back in reversed(range(7))]
    # An account without a score of that day gets none: there is nothing to revise.
    assert revise_day(scorecard=card, as_of=day - timedelta(days=1), now=now).scored == 0
