"""While data has stopped nobody turns red, nothing decays, and what was computed then can be replayed."""

import json
from copy import deepcopy
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.conditions import Moment, matching_ids
from accounts.models import AccountEvent
from accounts.services import record_survey_response
from health import frozen_values
from health.enums import FeedKind, Opening
from health.feeds import Feed
from health.freezes import freeze_of, freezes_at, freezes_of
from health.models import Alert, CurrentScore, IncidentAccount, ScoreSnapshot
from health.proof import replay, verify
from health.receipts import build_receipt
from health.scorecards import Band
from health.services import incidents as service
from health.services import score_accounts, score_changed_accounts
from health.services.alert_rules import create_rule
from team.enums import AccessLevel
from tests.factories import AccountFactory, ProductFactory, SourceFactory, UserFactory
from tests.health.cards import CONFIG, make_scorecard
from tests.health.feed_rows import tells_about
from tests.health.metrics.reading import use_of
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db
FRESH = deepcopy(CONFIG)
FRESH["children"][0]["children"][0]["fresh_days"] = 10
STOPPED_DAYS = 20


def today():
    return timezone.now().date()


def ago(days):
    return timezone.now() - timedelta(days=days)


def open_incident(source, days=STOPPED_DAYS):
    """Open an incident as the detection does."""
    feed = Feed(FeedKind.USAGE, str(source.pk), source.name, source)
    return service._open(feed, ago(days), how=Opening.DETECTED, finding="nothing")


def user_of(source, count=80, *, last_day=STOPPED_DAYS + 1, product=None):
    """Return an account with `count` events in the week before a source stopped."""
    account = AccountFactory()
    use(account, today() - timedelta(days=last_day), count, product=product)
    tells_about(source, account, days_ago=last_day)
    return account


def score_of(account):
    return CurrentScore.objects.get(account=account)


def newest(account):
    return ScoreSnapshot.objects.filter(account_id=account.pk).latest("as_of", "revision")


def test_without_an_incident_the_score_decays_and_with_one_it_stands(source):
    card = make_scorecard(config=FRESH)
    account = user_of(source)
    score_accounts(scorecard=card, now=timezone.now())
    assert score_of(account).band == Band.UNKNOWN  # nothing fresh is known
    open_incident(source)
    score_changed_accounts(now=timezone.now())
    score = score_of(account)
    assert (score.score, score.band, score.confidence) == (80, Band.GREEN, 75)
    snapshot = newest(account)
    assert snapshot.value[0] == 80
    assert snapshot.fresh[0] == int((ago(STOPPED_DAYS).date() - ago(0).date()).days * 1440 + _minute(today()))


def _minute(day):
    return (day.toordinal() - 719163) * 1440


def test_an_account_whose_usage_comes_from_elsewhere_is_not_frozen(source):
    card = make_scorecard()
    other = SourceFactory(name="Other")
    mine, theirs = user_of(source), user_of(other)
    use(theirs, today(), 10)
    open_incident(source)
    score_accounts(scorecard=card, now=timezone.now())
    assert (score_of(mine).score, score_of(theirs).score) == (80, 10)


def test_nobody_turns_red_and_no_event_is_written_while_it_lasts(source):
    """A feed stops; days and weeks later the bands are what they were."""
    card = make_scorecard()
    account = user_of(source, last_day=2)
    score_accounts(scorecard=card, now=timezone.now())
    assert score_of(account).band == Band.GREEN
    open_incident(source, days=1)
    for days in range(0, 40, 9):
        score_accounts(scorecard=card, now=timezone.now() + timedelta(days=days))
        assert score_of(account).band == Band.GREEN
    assert AccountEvent.objects.filter(kind="band.changed").count() == 1


def test_other_measures_go_on(source):
    config = deepcopy(CONFIG)
    config["children"].append(
        {"key": "nps", "label": "NPS", "weight": 4, "metric": "nps", "curve": [[-100, 0], [100, 100]]}
    )
    card = make_scorecard(config=config)
    account = user_of(source)
    open_incident(source)
    record_survey_response(account=account, kind="nps", score=10, occurred_at=ago(1), now=ago(1))
    score_accounts(scorecard=card, now=timezone.now())
    assert newest(account).value[0] == 80
    assert newest(account).value[2] == 100


def test_a_measure_of_another_product_is_not_frozen():
    core, extra = ProductFactory(name="Core"), ProductFactory(name="Extra")
    source = SourceFactory(name="Core app", product=core)
    open_incident(source)
    (freeze,) = freezes_at(as_of=timezone.now() + timedelta(days=1), recorded_by=timezone.now())
    assert freeze.words == "because the source “Core app” stopped sending usage events"
    assert freeze.holds(use_of("event_count"))
    assert freeze.holds(use_of("event_count", {"product": core.pk}))
    assert not freeze.holds(use_of("event_count", {"product": extra.pk}))
    assert not freeze.holds(use_of("nps"))
    assert not freeze.holds(use_of("open_tickets"))


def test_the_earliest_of_two_collapses_counts(source):
    other = SourceFactory(name="Other")
    account = user_of(source, 30, last_day=31)
    use(account, today() - timedelta(days=22), 50)
    tells_about(other, account, days_ago=22)
    open_incident(other, days=21)
    open_incident(source, days=30)
    freezes = freezes_of(account.pk, as_of=timezone.now() + timedelta(days=1), recorded_by=timezone.now())
    assert [freeze.name for freeze in freezes] == ["Other", "App"]
    assert freeze_of(use_of("event_count"), freezes).name == "App"
    score_accounts(scorecard=make_scorecard(), now=timezone.now())
    assert newest(account).value[0] == 30


def test_a_closed_incident_holds_nothing_and_confidence_falls_by_the_freshness_rule_only(source):
    card = make_scorecard(config=FRESH)
    account = user_of(source)
    incident = open_incident(source)
    score_accounts(scorecard=card, now=timezone.now())
    assert score_of(account).confidence == 75
    service._close(incident, how="person", reason="Turned off on purpose")
    score_accounts(scorecard=card, now=timezone.now())
    assert (score_of(account).confidence, score_of(account).band) == (0, Band.UNKNOWN)


def test_past_days_are_frozen_as_was_known_then(source):
    """An incident that was opened today changes no score as of yesterday."""
    card = make_scorecard()
    account = user_of(source)
    open_incident(source)
    score_accounts(scorecard=card, now=timezone.now(), as_of=today() - timedelta(days=2))
    assert newest(account).value[0] == 0
    score_accounts(scorecard=card, now=timezone.now())
    assert newest(account).value[0] == 80


def test_accounts_beyond_a_few_are_read_as_part_of_the_set(source, monkeypatch):
    monkeypatch.setattr("health.frozen_values.FEW_ACCOUNTS", 1)
    accounts = [user_of(source, count) for count in (10, 20, 30)]
    free = AccountFactory()
    use(free, today(), 5)
    open_incident(source)
    score_accounts(scorecard=make_scorecard(), now=timezone.now())
    assert [newest(account).value[0] for account in [*accounts, free]] == [10, 20, 30, 5]
    assert IncidentAccount.objects.count() == 3


def test_conditions_read_frozen_metrics_too(source):
    """So that no alert and no segment fires from it."""
    held, other = user_of(source), user_of(SourceFactory(name="Other"))
    idle = {"field": "metric.event_count", "op": "lt", "value": 5, "params": {"days": 28}}
    quiet = {"field": "metric.days_since_event", "op": "gte", "value": 14}
    busy = {"field": "metric.event_count", "op": "eq", "value": 80, "params": {"days": 7}}
    moment = Moment.live(timezone.now())
    assert matching_ids(quiet, moment) == {held.pk, other.pk}
    open_incident(source)
    moment = Moment.live(timezone.now())
    assert matching_ids(quiet, moment) == {other.pk}
    assert matching_ids(busy, moment) == {held.pk}
    assert matching_ids(idle, moment) == set()
    assert matching_ids({"all": [{"not": quiet}, busy]}, moment) == {held.pk}


# --- The receipt and the replay ------------------------------------------------------------------


def test_a_receipt_during_an_incident_says_so_and_proves_itself(source):
    card = make_scorecard(config=FRESH)
    account = user_of(source)
    open_incident(source)
    score_accounts(scorecard=card, now=timezone.now())
    receipt = build_receipt(newest(account))
    events, sentiment = receipt.lines
    assert (events.freeze.frozen_on, events.age_days, events.state) == (ago(STOPPED_DAYS).date(), 0, "known")
    assert sentiment.freeze is None
    assert [freeze.name for freeze in receipt.freezes] == ["App"]
    plain = json.loads(json.dumps(receipt.as_dict()))
    assert plain["measures"][0]["frozen_as_of"] == str(ago(STOPPED_DAYS).date())
    assert plain["measures"][0]["frozen_because"] == "because the source “App” stopped sending usage events"
    assert plain["measures"][1]["frozen_as_of"] is None
    assert verify(plain) == []
    plain["measures"][0]["frozen_as_of"] = None
    assert verify(plain) != []


def test_the_health_tab_says_so(client, source):
    account = user_of(source)
    open_incident(source)
    score_accounts(scorecard=make_scorecard(), now=timezone.now())
    client.force_login(UserFactory())
    page = client.get(f"/accounts/{account.pk}/health/").content.decode()
    assert "because the source “App” stopped sending usage events" in page
    assert page.count(">Frozen<") == 1
    assert "See the incident" not in page
    client.force_login(UserFactory(access_level=AccessLevel.EDITOR))
    assert "See the incident" in client.get(f"/accounts/{account.pk}/health/").content.decode()


def test_a_replay_of_a_snapshot_taken_during_an_incident_is_identical_whatever_came_later(source):
    card = make_scorecard(config=FRESH)
    account = user_of(source)
    score_accounts(scorecard=card, now=timezone.now())
    before = newest(account)
    incident = open_incident(source)
    score_accounts(scorecard=card, now=timezone.now())
    during = newest(account)
    # The data come late, the incident ends, another one begins: the past stays what it was.
    use(account, ago(5).date(), 40, recorded_at=timezone.now())
    service._close(incident, how="volume")
    score_accounts(scorecard=card, now=timezone.now())
    after = newest(account)
    open_incident(source, days=3)
    assert len({bytes(before.hash), bytes(during.hash), bytes(after.hash)}) == 3
    for snapshot in (before, during, after):
        assert replay(snapshot).hashes[0].tobytes() == bytes(snapshot.hash)
        assert verify(build_receipt(snapshot).as_dict()) == []


def test_a_collapse_during_a_running_scoring_is_seen_whole_or_not_at_all(source, monkeypatch):
    """An incident opened between the snapshot of the database and the reading of it does not count."""
    card = make_scorecard(config=FRESH)
    account = user_of(source)
    moments = []
    real = frozen_values.freezes_at

    def late(*, as_of, recorded_by):
        moments.append(open_incident(source) if not moments else None)
        return real(as_of=as_of, recorded_by=recorded_by)

    monkeypatch.setattr(frozen_values, "freezes_at", late)
    score_accounts(scorecard=card, now=timezone.now())
    snapshot = newest(account)
    monkeypatch.undo()
    assert snapshot.recorded_by < moments[0].opened_at
    assert snapshot.score == -1
    assert replay(snapshot).hashes[0].tobytes() == bytes(snapshot.hash)
    # Opening it made it due to score them again.
    score_changed_accounts(now=timezone.now())
    assert newest(account).score == 8000


def test_no_alert_fires_from_a_collapse(source):
    """The account that lives on the source raises none, the one that really went quiet does."""
    held, quiet = user_of(source), user_of(SourceFactory(name="Other"))
    for account in (held, quiet):
        use(account, today() - timedelta(days=STOPPED_DAYS + 1), 1)
    idle = {"field": "metric.days_since_event", "op": "gte", "value": 14}
    open_incident(source)
    create_rule(fields={"name": "Gone quiet", "kind": "risk", "enter": idle}, now=timezone.now(), raise_standing=True)
    assert [alert.account for alert in Alert.objects.all()] == [quiet]
