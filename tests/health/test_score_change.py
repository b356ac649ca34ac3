"""Why a stored score changed: late data, versions and overrides from the database, on the page and in the API."""

from copy import deepcopy
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from health.account_health import account_health
from health.changes import Cause
from health.models import ScoreSnapshot
from health.score_change import score_change
from health.services import publish_version, score_accounts, set_override
from tests.factories import AccountFactory, UserFactory
from tests.health.cards import CONFIG, make_scorecard
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db


@pytest.fixture
def today():
    return timezone.now().date()


@pytest.fixture
def account(today):
    """60 events a week ago, 20 of yesterday; scored as of the day before yesterday and now, by one version."""
    account = AccountFactory(name="Northwind")
    use(account, today - timedelta(days=6), 60)
    use(account, today - timedelta(days=1), 20)
    return account


def at(account, card, as_of=None):
    score_accounts(scorecard=card, now=timezone.now(), as_of=as_of)
    return ScoreSnapshot.objects.filter(account_id=account.pk).latest("as_of", "revision")


def causes(change):
    return {step.cause: [(part.key, part.points) for part in step.parts] for step in change.split.steps if step.parts}


def test_score_change_by_behaviour_alone(account, today):
    card = make_scorecard()
    at(account, card, today - timedelta(days=1))
    at(account, card)
    change = score_change(account, scorecard_id=card.pk, first=today - timedelta(days=2), last=today)
    assert (change.old_points, change.new_points, change.points) == (60.0, 80.0, 20.0)
    assert causes(change) == {Cause.BEHAVIOUR: [("events", 20.0)]}


def test_score_change_tells_late_data_from_behaviour(account, today):
    card = make_scorecard()
    day = today - timedelta(days=1)
    shown = at(account, card, day)
    ScoreSnapshot.objects.filter(account_id=account.pk, revision=shown.revision).update(
        recorded_by=timezone.now() - timedelta(days=2)
    )
    use(account, today - timedelta(days=5), 10, recorded_at=timezone.now(), backfill=True)
    revised = at(account, card, day)
    assert (revised.revision, revised.score) == (2, 7000)
    at(account, card)
    change = score_change(account, scorecard_id=card.pk, first=day - timedelta(days=1), last=today)
    assert (change.old_points, change.new_points) == (60.0, 90.0)
    assert causes(change) == {Cause.LATE_DATA: [("events", 10.0)], Cause.BEHAVIOUR: [("events", 20.0)]}
    health = account_health(account, day=day - timedelta(days=1))
    assert (health.revision.old, health.revision.new) == (60.0, 70.0)
    assert health.markers == [(day - timedelta(days=1), "revised")]


def test_score_change_by_configuration_reads_new_measures_as_they_were_known(account, today):
    card = make_scorecard()
    at(account, card, today - timedelta(days=1))
    config = deepcopy(CONFIG)
    config["children"].append(
        {"key": "days", "label": "Active days", "weight": 3, "metric": "active_days", "curve": [[0, 0], [10, 100]]}
    )
    publish_version(scorecard=card, config=config, now=timezone.now(), note="Days too")
    at(account, card)
    change = score_change(account, scorecard_id=card.pk, first=today - timedelta(days=2), last=today)
    # As of then one active day: (60 + 10) / 2; now two, of 80 events.
    assert (change.old_points, change.new_points) == (60.0, 50.0)
    assert causes(change) == {
        Cause.CONFIGURATION: [("days", -20.0), ("events", -5.0)],
        Cause.BEHAVIOUR: [("events", 10.0), ("days", 5.0)],
    }
    assert [text for _, name, text in change.lines if name == "Configuration"] == [
        "Version 1 gave way to version 2 of the scorecard."
    ]


def test_score_change_by_an_override(account, today):
    card = make_scorecard()
    at(account, card, today - timedelta(days=1))
    set_override(
        account=account, scorecard=card, score=Decimal(30), reason="They leave.", now=timezone.now(), actor=None,
        expires_at=timezone.now() + timedelta(days=3),
    )  # fmt: skip
    change = score_change(account, scorecard_id=card.pk, first=today - timedelta(days=2), last=today)
    assert change.points == -30.0
    assert causes(change) == {Cause.OVERRIDE: [("override", -50.0)], Cause.BEHAVIOUR: [("events", 20.0)]}
    assert account_health(account).markers == [(today, "by hand")]


def test_score_change_without_stored_scores(account, today):
    card = make_scorecard()
    assert score_change(account, scorecard_id=card.pk, first=today, last=today) is None


def test_health_page_answers_why_since_when_how_sure_and_what_would_help(client, account, today):
    card = make_scorecard()
    at(account, card, today - timedelta(days=1))
    use(account, today, 1)
    config = deepcopy(CONFIG) | {"bands": {"green": 90, "yellow": 40}}
    publish_version(scorecard=card, config=config, now=timezone.now())
    at(account, card)
    client.force_login(UserFactory(access_level="viewer"))
    page = client.get(f"/accounts/{account.pk}/health/", {"from": today - timedelta(days=2), "to": today})
    text = " ".join(page.content.decode().split())
    for part in (
        "Why watch?",
        "Since when",
        "75 % of the weight has fresh data; missing or too old: CSM sentiment.",
        "It lacks 9.0 points. Any one of these is enough:",
        "from 81 to 90",
        "Why did it change?",
        "What the customer, and we, did meanwhile.",
    ):
        assert part in text, part


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "yesterday"])
def test_health_page_takes_days_at_the_ends_of_the_calendar_for_none(client, account, today, day):
    at(account, make_scorecard())
    client.force_login(UserFactory(access_level="viewer"))
    page = client.get(f"/accounts/{account.pk}/health/", {"day": day, "from": day, "to": day})
    assert (page.status_code, page.context["last_day"]) == (200, today)
