"""Scores from facts to rows: what is written, what is left alone, and what is told to others."""

from copy import deepcopy
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.conditions.uses import uses_of_field, uses_of_segment
from accounts.enums import Entity, Origin
from accounts.errors import InvalidInput
from accounts.models import AccountEvent
from accounts.services import create_account, delete_account, record_sentiment, set_attributes, update_account
from health.metrics.query import AccountSet
from health.models import CurrentScore, DirtyAccount, Scorecard, ScorecardVersion, ScoreSnapshot
from health.scorecards import Band
from health.services import (
    create_scorecard,
    ensure_starter_scorecards,
    forget_old_snapshots,
    publish_version,
    score_accounts,
    score_changed_accounts,
    score_everybody,
)
from health.services import scores as service
from team.models import Work
from tests.conftest import NOW
from tests.factories import AccountFactory, SubscriptionFactory, UserFactory
from tests.health.cards import CONFIG, make_scorecard
from tests.health.usage_rows import midnight, use

pytestmark = pytest.mark.django_db

TODAY = NOW.date()
AS_OF = TODAY + timedelta(days=1)


@pytest.fixture
def card():
    return make_scorecard()


@pytest.fixture
def account(card):
    account = AccountFactory()
    use(account, TODAY - timedelta(days=1), 80)
    return account


def run(card, **options):
    return score_accounts(scorecard=card, now=options.pop("now", NOW), **options)


def snapshots(account):
    return list(ScoreSnapshot.objects.filter(account_id=account.pk).order_by("as_of", "revision"))


def band_events(account):
    return list(AccountEvent.objects.filter(account=account, kind="band.changed").order_by("id"))


# --- The live score ------------------------------------------------------------------------------


def test_score_accounts_keeps_a_snapshot_a_current_score_and_an_event(card, account):
    assert run(card) == service.ScoreReport(scored=1, written=1, band_changes=1)
    (snapshot,) = snapshots(account)
    assert (snapshot.as_of, snapshot.revision, snapshot.version_id) == (AS_OF, 1, card.version_id)
    assert (snapshot.score, snapshot.band, snapshot.confidence, snapshot.is_band_change) == (8000, 3, 75, True)
    assert snapshot.value[0] == 80
    assert str(snapshot.value[1]) == "nan"
    assert snapshot.fresh == [int(midnight(TODAY).timestamp() / 60), -1]
    assert snapshot.points == [8000, -1]
    assert snapshot.contribution == [3000, 0]
    current = CurrentScore.objects.get()
    assert (current.account, current.scorecard, current.version) == (account, card, card.version)
    assert (current.score, current.band, current.confidence) == (Decimal("80.00"), Band.GREEN, 75)
    assert (current.as_of, current.revision, current.main_of, current.previous_score) == (AS_OF, 1, "health", None)
    assert current.recorded_by == current.band_changed_at == snapshot.recorded_by
    assert bytes(current.hash) == bytes(snapshot.hash)
    (event,) = band_events(account)
    assert (event.origin, event.occurred_at) == (Origin.FIRST_SCORE, snapshot.recorded_by)
    assert event.payload == {
        "scorecard_id": card.pk,
        "version_id": card.version_id,
        "from": "unknown",
        "to": "green",
        "score": 80,
        "as_of": AS_OF.isoformat(),
        "revision": 1,
    }


def test_score_accounts_again_with_nothing_new_writes_nothing(card, account):
    run(card)
    before = CurrentScore.objects.get()
    assert run(card) == service.ScoreReport(scored=1)
    assert len(snapshots(account)) == 1
    assert CurrentScore.objects.get().recorded_by == before.recorded_by
    assert len(band_events(account)) == 1


def test_score_accounts_replaces_the_revision_of_the_running_day(card, account):
    run(card)
    use(account, TODAY, 5)
    run(card)
    use(account, TODAY, 5)
    run(card)
    # The first stays because the band changed with it, the second gave way to the third.
    assert [(s.revision, s.score) for s in snapshots(account)] == [(1, 8000), (3, 9000)]
    assert CurrentScore.objects.get().revision == 3
    assert len(band_events(account)) == 1


def test_score_accounts_tells_of_a_changed_band_once(card, account):
    run(card)
    since = CurrentScore.objects.get().band_changed_at
    use(account, TODAY, 100)
    run(card)
    assert CurrentScore.objects.get().band_changed_at == since
    run(card, now=NOW + timedelta(days=6))
    current = CurrentScore.objects.get()
    assert (current.score, current.band) == (Decimal("100.00"), Band.GREEN)
    assert run(card, now=NOW + timedelta(days=7)).band_changes == 1
    current = CurrentScore.objects.get()
    assert (current.score, current.band) == (Decimal("0.00"), Band.RED)
    assert current.band_changed_at == current.recorded_by
    event = band_events(account)[-1]
    assert (event.origin, event.payload["from"], event.payload["to"]) == (Origin.LIVE, "green", "red")


def test_score_accounts_of_an_origin_tells_it(card, account):
    run(card)
    use(AccountFactory(), TODAY, 1)
    assert run(card, now=NOW + timedelta(days=30), origin=Origin.BACKFILL).band_changes == 2
    assert [e.origin for e in band_events(account)] == [Origin.FIRST_SCORE, Origin.BACKFILL]


def test_score_accounts_by_a_new_version_is_configuration_not_news(card, account):
    run(card)
    config = deepcopy(CONFIG) | {"bands": {"green": 90, "yellow": 40}}
    publish_version(scorecard=card, config=config, now=NOW, note="Stricter")
    run(card)
    current = CurrentScore.objects.get()
    assert (current.score, current.band, current.version.number) == (Decimal("80.00"), Band.YELLOW, 2)
    event = band_events(account)[-1]
    assert (event.origin, event.payload["to"]) == (Origin.CONFIGURATION, "yellow")


def test_score_accounts_first_known_score_after_unknown_is_a_first_score(card):
    account = AccountFactory()
    run(card)
    current = CurrentScore.objects.get()
    assert (current.score, current.band, current.confidence) == (None, Band.UNKNOWN, 0)
    assert band_events(account) == []
    use(account, TODAY - timedelta(days=390), 50)
    run(card)
    assert [(e.origin, e.payload["to"]) for e in band_events(account)] == [(Origin.FIRST_SCORE, "red")]
    # From known to unknown and back is news.
    run(card, now=NOW + timedelta(days=20))
    use(account, TODAY + timedelta(days=20), 50)
    run(card, now=NOW + timedelta(days=20))
    assert [(e.origin, e.payload["to"]) for e in band_events(account)[1:]] == [
        (Origin.LIVE, "unknown"),
        (Origin.LIVE, "yellow"),
    ]


def test_a_run_that_ends_late_overwrites_no_newer_score(card, account):
    old, old_moment = service.compute(card.version, AccountSet(), as_of=AS_OF, is_live=True)
    use(account, TODAY, 10)
    run(card)
    report = service._keep(
        card.version, old, AccountSet(), as_of=AS_OF, recorded_by=old_moment, origin=Origin.LIVE, is_live=True
    )
    assert report == service.ScoreReport(scored=1)
    assert CurrentScore.objects.get().score == Decimal("90.00")
    assert [s.score for s in snapshots(account)] == [9000]


def test_current_score_is_news_for_others_only_when_it_changes(card, account):
    run(card)
    before = CurrentScore.objects.get()
    record_sentiment(account=account, user=UserFactory(), level=4, now=NOW)
    run(card)
    changed = CurrentScore.objects.get()
    assert changed.row_version == before.row_version + 1
    assert changed.change_seq > before.change_seq
    # The next day computes the same: another as_of, no news.
    run(card, now=NOW + timedelta(days=1))
    same = CurrentScore.objects.get()
    assert same.as_of == AS_OF + timedelta(days=1)
    assert (same.row_version, same.change_seq) == (changed.row_version, changed.change_seq)


def test_previous_score_is_that_of_thirty_days_before(card, account):
    use(account, TODAY - timedelta(days=34), 10)
    run(card, as_of=AS_OF - timedelta(days=30))
    assert snapshots(account)[0].score == 1000
    use(account, TODAY - timedelta(days=31), 20, backfill=True)
    run(card, as_of=AS_OF - timedelta(days=30))
    run(card)
    current = CurrentScore.objects.get()
    assert (current.previous_score, current.delta) == (Decimal("30.00"), 50.0)


def test_score_accounts_of_some_leaves_the_others_alone(card, account):
    other = AccountFactory()
    use(other, TODAY, 10)
    assert run(card, accounts=AccountSet(ids=(other.pk,))).scored == 1
    assert snapshots(account) == []
    run(card)
    assert run(card, accounts=AccountSet(ids=())) == service.ScoreReport()
    assert CurrentScore.objects.count() == 2


def test_score_accounts_only_where_the_scorecard_applies(account):
    card = make_scorecard("Enterprise", applies_to={"field": "tier", "op": "any_of", "value": ["enterprise"]})
    assert run(card) == service.ScoreReport()
    set_attributes(row=account, values={"tier": "enterprise"}, occurred_at=NOW, now=NOW)
    assert run(card).written == 1
    set_attributes(row=account, values={"tier": "starter"}, occurred_at=NOW + timedelta(hours=1), now=NOW)
    run(card)
    assert not CurrentScore.objects.exists()
    (gone,) = CurrentScore.all_objects.all()
    assert gone.deleted_at is not None
    # Coming back is a first score again, not a change of band.
    set_attributes(row=account, values={"tier": "enterprise"}, occurred_at=NOW + timedelta(hours=2), now=NOW)
    run(card)
    assert CurrentScore.objects.get().pk == gone.pk
    assert [e.origin for e in band_events(account)] == [Origin.FIRST_SCORE, Origin.FIRST_SCORE]


def test_a_deleted_account_has_no_current_score(card, account):
    run(card)
    delete_account(account=account, now=NOW)
    assert run(card) == service.ScoreReport()
    assert not CurrentScore.objects.exists()


def test_main_score_is_that_of_the_first_health_scorecard_that_applies(card, account):
    success = make_scorecard("Success", kind="success", position=0)
    first = make_scorecard(
        "Enterprise", position=0, applies_to={"field": "tier", "op": "any_of", "value": ["enterprise"]}
    )
    Scorecard.objects.filter(pk=card.pk).update(position=5)
    for each in (card, success, first):
        run(each)
    assert [s.scorecard for s in CurrentScore.objects.filter(main_of="health")] == [card]
    set_attributes(row=account, values={"tier": "enterprise"}, occurred_at=NOW, now=NOW)
    run(first)
    assert [s.scorecard for s in CurrentScore.objects.filter(main_of="health")] == [first]
    set_attributes(row=account, values={"tier": None}, occurred_at=NOW + timedelta(hours=1), now=NOW)
    run(first)
    assert [s.scorecard for s in CurrentScore.objects.filter(main_of="health")] == [card]
    assert CurrentScore.objects.count() == 2


def test_score_accounts_refuses_a_day_to_come_and_a_card_without_version(card, account):
    with pytest.raises(InvalidInput, match="2026-06-17 has not come yet; the last day to score is 2026-06-16"):
        run(card, as_of=AS_OF + timedelta(days=1))
    with pytest.raises(InvalidInput, match="has no published version"):
        run(Scorecard.objects.create(name="Draft"))


# --- Any past day --------------------------------------------------------------------------------


def test_score_as_of_a_past_day_sees_what_was_known_and_touches_nothing_else(card, account):
    use(account, TODAY - timedelta(days=3), 5, recorded_at=NOW)
    day = TODAY - timedelta(days=0)
    assert run(card, as_of=day) == service.ScoreReport(scored=1, written=1)
    assert [(s.as_of, s.score, s.is_band_change) for s in snapshots(account)] == [(day, 8000, False)]
    assert not CurrentScore.all_objects.exists()
    assert band_events(account) == []


def test_score_as_of_a_past_day_again_is_a_further_revision_only_if_it_differs(card, account):
    day = TODAY - timedelta(days=0)
    run(card, as_of=day)
    assert run(card, as_of=day).written == 0
    use(account, TODAY - timedelta(days=3), 5, recorded_at=NOW, backfill=True)
    assert run(card, as_of=day).written == 1
    assert [(s.revision, s.score) for s in snapshots(account)] == [(1, 8000), (2, 8500)]


def test_score_as_of_a_past_day_leaves_out_accounts_that_were_not_there(card):
    yesterday = NOW - timedelta(days=1)
    later = create_account(fields={"name": "Later"}, now=NOW)
    created = create_account(fields={"name": "Created"}, now=yesterday)
    told_late = create_account(fields={"name": "Told late"}, occurred_at=yesterday, now=NOW)
    imported = create_account(fields={"name": "Imported"}, occurred_at=yesterday, now=NOW, backfill=True)
    using, subscribed = AccountFactory(), AccountFactory()
    use(using, TODAY - timedelta(days=9), 1)
    SubscriptionFactory(account=subscribed)
    use(later, TODAY - timedelta(days=1), 1, recorded_at=NOW)
    run(card, as_of=TODAY)
    scored = set(ScoreSnapshot.objects.values_list("account_id", flat=True))
    assert scored == {a.pk for a in (created, imported, using, subscribed)}
    assert told_late.pk not in scored


def test_score_everybody_makes_a_chunk_due_for_each_live_card(card):
    Scorecard.objects.create(name="Not live")
    AccountFactory()
    Work.objects.all().delete()
    score_everybody(now=NOW)
    (work,) = Work.objects.all()
    assert (work.kind, work.payload) == (
        "health.score_chunk",
        {"scorecard_id": card.pk, "first": None, "last": None},
    )


def test_account_chunks_are_ranges_that_leave_nobody_out():
    pks = [AccountFactory().pk for _ in range(5)]
    assert service.account_chunks(2) == [
        AccountSet(first=pks[0], last=pks[1]),
        AccountSet(first=pks[2], last=pks[3]),
        AccountSet(first=pks[4], last=pks[4]),
    ]
    assert service.account_chunks(5) == [AccountSet()]


# --- Accounts that changed -----------------------------------------------------------------------


def mark(account, at=NOW):
    DirtyAccount.objects.update_or_create(account_id=account.pk, defaults={"since": at, "marked_at": at})


def test_score_changed_accounts_scores_them_by_every_live_card(card, account):
    other = make_scorecard("Second", position=1)
    AccountFactory()
    mark(account)
    assert score_changed_accounts(now=NOW) == service.ScoreReport(scored=2, written=2, band_changes=2)
    assert {(s.account, s.scorecard) for s in CurrentScore.objects.all()} == {(account, card), (account, other)}
    assert not DirtyAccount.objects.exists()


def test_score_changed_accounts_hears_of_facts_by_the_log(card, account):
    user = UserFactory()
    with transaction.atomic():
        record_sentiment(account=account, user=user, level=5, now=NOW)
    assert score_changed_accounts(now=NOW).scored == 1
    assert CurrentScore.objects.get().score == Decimal("85.00")
    # Its own event makes it score nobody again.
    assert len(band_events(account)) == 1
    assert score_changed_accounts(now=NOW) == service.ScoreReport()


def test_an_account_marked_again_while_it_is_scored_stays_marked(card, account, monkeypatch):
    mark(account)
    original = service.score_accounts
    calls = []

    def meanwhile(**options):
        report = original(**options)
        if not calls:
            mark(account, NOW + timedelta(seconds=1))
        calls.append(options)
        return report

    monkeypatch.setattr(service, "score_accounts", meanwhile)
    score_changed_accounts(now=NOW)
    assert len(calls) == 2
    assert not DirtyAccount.objects.exists()


def test_score_changed_accounts_comes_back_when_its_time_is_over(card, account):
    mark(account)
    Work.objects.all().delete()
    assert score_changed_accounts(now=NOW, seconds=0) == service.ScoreReport()
    assert [w.kind for w in Work.objects.all()] == ["health.score_changed"]


# --- Keeping history short -----------------------------------------------------------------------


def test_forget_old_snapshots_keeps_days_then_mondays_and_every_change_of_band(card, account):
    use(account, date(2026, 1, 1), 1)
    days = [AS_OF - timedelta(days=back) for back in (0, 100, 101, 102, 106, 107)]
    for day in days:
        run(card, as_of=day)
    kept_change = ScoreSnapshot.objects.filter(as_of=AS_OF - timedelta(days=102))
    kept_change.update(is_band_change=True)
    assert forget_old_snapshots(now=NOW) == 2
    kept = [s.as_of for s in snapshots(account)]
    # 2 March 2026 was a Monday; 1 and 7 March were not.
    assert kept == sorted([days[0], days[1], days[3], date(2026, 3, 2)])


# --- Scorecards ----------------------------------------------------------------------------------


def test_a_published_version_cannot_be_changed_or_deleted(card):
    for change in ("DELETE FROM health_scorecardversion", "UPDATE health_scorecardversion SET note = 'Other'"):
        with pytest.raises(IntegrityError, match="never changes; publish another one"), transaction.atomic():
            connection.cursor().execute(change)
    card.version.refresh_from_db()
    assert card.version.note == ""


def test_publish_version_of_the_same_configuration_is_the_one_in_force(card):
    assert publish_version(scorecard=card, config=deepcopy(CONFIG), now=NOW) == card.version
    assert card.versions.count() == 1


def test_publish_version_makes_everybody_due_for_a_score(card):
    Work.objects.all().delete()
    user = UserFactory(access_level="editor")
    config = deepcopy(CONFIG) | {"minimum_confidence": 10}
    version = publish_version(scorecard=card, config=config, now=NOW, actor=user, note="Braver")
    assert (version.number, version.published_by, version.published_at, version.note) == (2, user, NOW, "Braver")
    card.refresh_from_db()
    assert card.version == version
    assert [w.kind for w in Work.objects.all()] == ["health.score_chunk"]


@pytest.mark.parametrize(
    ("metric", "extra", "message"),
    [
        (
            "active_contacts",
            {"scope": {"persona": 99}},
            "Events → there is no persona 99; choose another or remove the limit.",
        ),
        (
            "event_count",
            {"scope": {"product": 99}},
            "Events → there is no product 99; choose another or remove the limit.",
        ),
        (
            "event_count",
            {"scope": {"role": "boss"}},
            "Events → there is no role 'boss'; the roles are champion, economic_buyer, admin, end_user, other.",
        ),
        (
            "attribute",
            {"params": {"attribute": "sites"}},
            "Events → there is no attribute 'sites' of accounts; it was removed, or is spelled otherwise.",
        ),
        ("event_count", {"params": {"days": -1}}, "Events → Window is a whole number from 1 to 400, not -1."),
    ],
)
def test_publish_version_refuses_what_refers_to_nothing(card, metric, extra, message):
    measure = {"key": "e", "label": "Events", "metric": metric, "curve": [[0, 0], [1, 100]], **extra}
    with pytest.raises(InvalidInput) as error:
        publish_version(scorecard=card, config={"children": [measure]}, now=NOW)
    assert error.value.message == message
    assert card.versions.count() == 1


def test_create_scorecard_needs_a_name_of_its_own(card):
    for name, message in [(" ", "A scorecard needs a name"), ("Health", "There is already a scorecard 'Health'")]:
        with pytest.raises(InvalidInput, match=message):
            create_scorecard(name=name, config=CONFIG, now=NOW)


def test_ensure_starter_scorecards_makes_one_of_each_kind_that_has_none():
    card, success, happiness = ensure_starter_scorecards(now=NOW)
    assert [(each.name, each.kind) for each in (success, happiness)] == [
        ("Success", "success"),
        ("Happiness", "happiness"),
    ]
    uses = {measure.use.metric for each in (success, happiness) for measure in each.version.card().measures}
    assert "csm_sentiment" not in uses
    assert (card.name, card.kind, card.is_live, card.version.number) == ("Health", "health", True, 1)
    read = card.version.card()
    assert [child.label for child in read.root.children] == [
        "Product usage",
        "Adoption",
        "Support",
        "Sentiment and feedback",
        "Engagement",
        "Commercial",
    ]
    assert len(read.measures) == 11
    assert ensure_starter_scorecards(now=NOW) == []
    account = AccountFactory()
    use(account, TODAY, 50)
    update_account(account=account, fields={"tier": "growth"}, now=NOW)
    assert run(card).scored == 1


def test_what_live_scorecards_ask_for_is_known_where_fields_and_segments_are_deleted(card):
    config = {**CONFIG, "applies_to": {"field": "segment", "op": "any_of", "value": ["7"]}}
    config["children"] = [
        {"key": "fit", "label": "Fit", "metric": "attribute", "params": {"attribute": "fit"}, "curve": [[0, 0], [1, 9]]}
    ]
    version = ScorecardVersion.objects.create(scorecard=card, number=9, config=config, hash="x")
    Scorecard.objects.filter(pk=card.pk).update(version=version)
    assert uses_of_segment(7) == ["Scorecard Health"]
    assert uses_of_field(Entity.ACCOUNT, "attribute.fit") == ["Scorecard Health"]
    Scorecard.objects.filter(pk=card.pk).update(is_live=False)
    assert uses_of_segment(7) == uses_of_field(Entity.ACCOUNT, "attribute.fit") == []
