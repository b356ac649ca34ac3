"""Conditions over metrics and scores: the same numbers as in a scorecard, live and as of any day."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.conditions import Catalogue, Moment, describe, explain, matching_ids
from accounts.enums import Entity
from accounts.services import join_account
from health.metrics.registry import all_metrics
from health.models import CurrentScore
from health.services import score_accounts
from health.services.scores import live_as_of, midnight
from tests.factories import AccountFactory, ContactFactory, ProductFactory
from tests.health.cards import make_scorecard
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


def matching(field, op, value=None, moment=None, **params):
    leaf = {"field": field, "op": op, "params": params}
    if value is not None:
        leaf["value"] = value
    return matching_ids(leaf, moment or Moment.live(timezone.now()))


def test_every_metric_is_a_field_or_has_one_in_accounts():
    keys = {key for entity, key in Catalogue().fields if entity == Entity.ACCOUNT}
    for metric in all_metrics():
        assert f"metric.{metric.key}" in keys or metric.key in keys | {"contacts", "attribute"}


def test_every_field_of_health_can_be_asked_live_and_as_of_a_day(now):
    AccountFactory()
    fields = [f for (_, key), f in Catalogue().fields.items() if key.startswith(("metric.", "health_"))]
    for field in fields:
        for moment in (Moment.live(now), Moment(as_of=midnight(now.date()), recorded_by=now)):
            known, unknown = matching(field.key, "known", moment=moment), matching(field.key, "unknown", moment=moment)
            assert len(known) + len(unknown) == 1, field.key


def test_a_metric_in_a_condition_counts_the_running_day_as_the_live_score_does(now):
    account, quiet = AccountFactory(), AccountFactory()
    use(account, now.date(), 5)
    use(quiet, now.date() - timedelta(days=40), 5)
    assert matching("metric.event_count", "gte", 5) == {account.pk}
    assert matching("metric.event_count", "lt", 5) == {quiet.pk}
    assert matching("metric.event_count", "gte", 5, days=90) == {account.pk, quiet.pk}
    yesterday = Moment(as_of=midnight(now.date()), recorded_by=now)
    assert matching("metric.event_count", "known", moment=yesterday) == {quiet.pk}


def test_a_metric_in_a_condition_takes_events_and_scope(now):
    account, champion, product = AccountFactory(), ContactFactory(), ProductFactory()
    join_account(contact=champion, account=account, role="champion", occurred_at=now - timedelta(days=9), now=now)
    use(account, now.date(), 2, contact=champion, name="exported", product=product)
    use(account, now.date(), 5)
    for params in ({"events": ["exported"]}, {"role": "champion"}, {"product": str(product.pk)}):
        assert matching("metric.event_count", "eq", 2, **params) == {account.pk}
    leaf = {"field": "metric.event_count", "op": "gte", "value": 2, "params": {"events": ["exported"], "days": 7}}
    assert describe(leaf) == "Events (7 days, exported) is at least 2 events"
    assert explain(leaf, account.pk, Moment.live(now)).verdict is True


def test_score_fields_are_the_main_score_live_and_as_of_then(now):
    card = make_scorecard()
    account, unknown = AccountFactory(), AccountFactory()
    use(account, now.date() - timedelta(days=3), 80)
    score_accounts(scorecard=card, now=now)
    use(account, now.date() - timedelta(days=3), 10)
    score_accounts(scorecard=card, now=now)
    assert CurrentScore.objects.get(account=account).score == 90
    for moment in (Moment.live(now), Moment(as_of=midnight(live_as_of(now)), recorded_by=timezone.now())):
        assert matching("health_score", "eq", 90, moment) == {account.pk}
        assert matching("health_band", "any_of", ["green"], moment) == {account.pk}
        assert matching("health_band", "any_of", ["unknown"], moment) == {unknown.pk}
        assert matching("health_score", "unknown", None, moment) == {unknown.pk}
        assert matching("health_confidence", "eq", 75, moment) == {account.pk}
        assert matching("health_change", "unknown", None, moment) == {account.pk, unknown.pk}
    before = Moment(as_of=midnight(now.date() - timedelta(days=30)), recorded_by=now)
    assert matching("health_score", "known", None, before) == set()


def test_score_change_is_against_thirty_days_before(now):
    card = make_scorecard()
    account = AccountFactory()
    use(account, now.date() - timedelta(days=33), 30)
    use(account, now.date() - timedelta(days=3), 80)
    score_accounts(scorecard=card, now=now, as_of=live_as_of(now) - timedelta(days=30))
    score_accounts(scorecard=card, now=now)
    for moment in (Moment.live(now), Moment(as_of=midnight(live_as_of(now)), recorded_by=timezone.now())):
        assert matching("health_change", "eq", 50, moment) == {account.pk}
