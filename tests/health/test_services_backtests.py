"""A backtest from question to verdict: what it reads, what it never sees, and how it survives."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied

from accounts.enums import Initiative
from accounts.errors import InvalidInput
from accounts.models import Account
from accounts.services import record_sentiment
from health import work_handlers
from health.backtest_days import read_day, unpack
from health.enums import BacktestState
from health.models import Backtest, BacktestDay, CurrentScore, LearnedModel, ScoreSnapshot
from health.outcomes import ChurnRule
from health.services import backtests as service
from health.services.backtests import (
    Candidate,
    cancel_backtest,
    configurations_of,
    create_backtest,
    delete_backtest,
    earlier_dates,
    restart_backtest,
    rule_of,
    run_backtest,
)
from team.enums import AccessLevel
from team.models import Work
from tests.conftest import NOW
from tests.factories import AccountFactory, ActivityFactory, SubscriptionFactory, UserFactory
from tests.health.cards import CONFIG, make_scorecard
from tests.health.usage_rows import midnight, use

pytestmark = pytest.mark.django_db

AS_OF = date(2026, 1, 1)
LAPSE = ChurnRule("lapse", horizon_days=30, active_days=60)


def days(count):
    return AS_OF + timedelta(days=count)


def book(size=12):
    """Accounts that used it a little before the date; the more they did, the sooner they came back."""
    accounts = [AccountFactory() for _ in range(size)]
    for place, account in enumerate(accounts):
        use(account, days(-2), 10 * (place + 1))
        if place >= size // 2:
            use(account, days(10))
    use(AccountFactory(), days(90))
    return accounts


@pytest.fixture
def scorecard():
    return make_scorecard()


def ask(scorecard, **options):
    options = {"rule": LAPSE, "dates": [AS_OF], "now": NOW, "capacity": 2, "scorecard": scorecard} | options
    candidates = options.pop("candidates", None) or [Candidate.of_version(scorecard.version)]
    return create_backtest(candidates=candidates, **options)


def done(backtest):
    assert run_backtest(backtest=backtest)
    backtest.refresh_from_db()
    return backtest


def test_from_question_to_verdict(scorecard):
    accounts = book()
    user = UserFactory(access_level=AccessLevel.EDITOR)
    backtest = ask(scorecard, actor=user)
    assert (backtest.state, backtest.created_by, backtest.name) == (
        BacktestState.WAITING,
        user,
        "Health v1 on 2026-01-01",
    )
    assert Work.objects.get(kind="health.backtest").payload == {"backtest_id": backtest.pk}
    done(backtest)
    assert backtest.state == BacktestState.DONE
    judgement = backtest.result["judgement"]
    assert (judgement["rows"], judgement["churned_accounts"], judgement["stayed_accounts"]) == (12, 6, 6)
    labels = [each["contender"]["label"] for each in judgement["judged"]]
    assert labels == [
        "Health v1", "Number of events in 90 days", "Number of events in 400 days", "Days since the last event",
    ]  # fmt: skip
    figures = [each["figures"]["roc_auc"]["value"] for each in judgement["judged"]]
    assert figures == [1.0, 1.0, 1.0, 0.5]
    assert judgement["judged"][0]["figures"]["precision"]["value"] == 1
    assert backtest.result["verdicts"][0]["sentences"][0].startswith("6 accounts churned: too few to tell.")
    assert {row["account"] for row in judgement["judged"][0]["missed"]} == set()
    assert accounts[0].pk not in {row["account"] for row in judgement["judged"][0]["false"]}


def test_it_writes_no_scores(scorecard):
    book()
    done(ask(scorecard))
    assert (ScoreSnapshot.objects.count(), CurrentScore.objects.count()) == (0, 0)


def test_nothing_that_happens_or_is_told_later_changes_what_it_sees(scorecard):
    """The planted leak: facts after the date, and facts before it that became known after it."""
    book()
    backtest = ask(scorecard)
    before, _, _ = read_day(configurations_of(backtest), LAPSE, AS_OF, with_points=True)
    account = Account.objects.get(pk=before["account"][0])
    use(account, days(5), 500)
    use(account, days(-2), 500, recorded_at=datetime(2026, 2, 1, tzinfo=UTC), name="told late")
    record_sentiment(account=account, user=UserFactory(), level=5, now=NOW, occurred_at=midnight(days(-3)))
    SubscriptionFactory(account=account, started_on=days(40), mrr=9000)
    after, _, _ = read_day(configurations_of(backtest), LAPSE, AS_OF, with_points=True)
    assert before["churned"][0] != after["churned"][0]
    for name in ("account", "scores", "bands", "baselines", "points", "worth", "arr"):
        assert before[name].tobytes() == after[name].tobytes(), name


def test_versions_are_compared_on_the_same_rows(scorecard):
    book()
    other = {**CONFIG, "applies_to": None, "minimum_confidence": 0, "children": CONFIG["children"][:1]}
    backtest = done(
        ask(scorecard, candidates=[Candidate.of_version(scorecard.version), Candidate("draft1", "Draft", other)])
    )
    judgement = backtest.result["judgement"]
    assert [each["contender"]["key"] for each in judgement["judged"][:2]] == [f"v{scorecard.version.pk}", "draft1"]
    assert (judgement["differences"][0]["of"], judgement["differences"][0]["than"]) == (
        "draft1", f"v{scorecard.version.pk}",
    )  # fmt: skip


def test_interventions_are_marked(scorecard):
    accounts = book()
    near = midnight(days(-5))
    ActivityFactory(account=accounts[0], function="csm", initiative=Initiative.PROACTIVE, occurred_at=near)
    ActivityFactory(account=accounts[1], function="support", initiative=Initiative.PROACTIVE, occurred_at=near)
    ActivityFactory(account=accounts[2], function="csm", initiative=Initiative.REACTIVE, occurred_at=near)
    ActivityFactory(
        account=accounts[3], function="csm", initiative=Initiative.PROACTIVE, occurred_at=midnight(days(-40))
    )
    judgement = done(ask(scorecard)).result["judgement"]
    assert (judgement["treated"]["rows"], judgement["untreated"]["rows"]) == (1, 11)


def test_revenue_is_arr_where_anybody_has_any(scorecard):
    accounts = book()
    assert done(ask(scorecard)).result["revenue"] == "Value of events in 365 days"
    SubscriptionFactory(account=accounts[0], mrr=100)
    backtest = done(ask(scorecard))
    assert backtest.result["revenue"] == "ARR"
    arrays = unpack(bytes(backtest.days.get().rows))
    assert list(arrays["arr"][:1]) == [1200]


def test_dates_whose_horizon_is_not_over_are_told(scorecard):
    book()
    backtest = done(ask(scorecard, dates=[AS_OF, days(70)]))
    assert backtest.result["unknown"] == {"2026-03-12": 6}
    assert backtest.result["judgement"]["rows"] == 12


def test_cut_off_it_goes_on_with_the_dates_it_has_not_read(scorecard, monkeypatch):
    book()
    backtest = ask(scorecard, dates=[AS_OF, days(1), days(2)])
    seen = []

    def dies_at_the_second(configurations, rule, as_of, **options):
        seen.append(as_of)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return read_day(configurations, rule, as_of, **options)

    monkeypatch.setattr("health.backtest_days.read_day", dies_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        run_backtest(backtest=backtest)
    backtest.refresh_from_db()
    assert (backtest.state, backtest.days.count()) == (BacktestState.RUNNING, 1)
    done(backtest)
    assert seen == [AS_OF, days(1), days(1), days(2)]
    assert backtest.state == BacktestState.DONE


def test_the_handler_works_in_stretches(scorecard, monkeypatch):
    book()
    backtest = ask(scorecard, dates=[AS_OF, days(1)])
    monkeypatch.setattr(service, "STRETCH_SECONDS", 0)
    Work.objects.all().delete()
    work_handlers.run_backtest({"backtest_id": backtest.pk})
    backtest.refresh_from_db()
    assert backtest.state == BacktestState.RUNNING
    assert Work.objects.filter(kind="health.backtest", state="due").count() == 1
    monkeypatch.setattr(service, "STRETCH_SECONDS", 90)
    work_handlers.run_backtest({"backtest_id": backtest.pk})
    backtest.refresh_from_db()
    assert backtest.state == BacktestState.DONE
    work_handlers.run_backtest({"backtest_id": backtest.pk})
    work_handlers.run_backtest({"backtest_id": backtest.pk + 1})


def test_cancelled_it_stops_after_the_date_it_is_at(scorecard, monkeypatch):
    book()
    backtest = ask(scorecard, dates=[AS_OF, days(1), days(2)])

    def cancels(*args, **options):
        cancel_backtest(backtest=backtest, now=NOW)
        return read_day(*args, **options)

    monkeypatch.setattr("health.backtest_days.read_day", cancels)
    assert run_backtest(backtest=backtest)
    backtest.refresh_from_db()
    assert (backtest.state, backtest.days.count(), backtest.result) == (BacktestState.CANCELLED, 1, None)
    assert cancel_backtest(backtest=backtest, now=NOW) is False
    monkeypatch.undo()
    assert restart_backtest(backtest=backtest)
    backtest.refresh_from_db()
    assert done(backtest).state == BacktestState.DONE
    assert restart_backtest(backtest=backtest) is False


def test_errors_are_counted_and_given_up(scorecard, monkeypatch):
    backtest = ask(scorecard)

    def fails(*args, **options):
        raise ZeroDivisionError

    monkeypatch.setattr("health.backtest_days.read_day", fails)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            work_handlers.run_backtest({"backtest_id": backtest.pk})
        backtest.refresh_from_db()
        assert backtest.state == BacktestState.RUNNING
    work_handlers.run_backtest({"backtest_id": backtest.pk})
    backtest.refresh_from_db()
    assert backtest.state == BacktestState.FAILED
    assert backtest.message == "An error stopped it (ZeroDivisionError); the log of the worker says more."


def test_it_learns_from_earlier_dates_alone(scorecard):
    book()
    backtest = ask(scorecard, learns=True)
    assert backtest.training_dates == ["2025-09-03", "2025-10-03", "2025-11-02", "2025-12-02"]
    assert [date.fromisoformat(text) + timedelta(days=30) <= AS_OF for text in backtest.training_dates] == [True] * 4
    done(backtest)
    assert backtest.result["learning"] == {
        "refusal": "Learning needs 2 earlier dates with known outcomes and has 0."
        " Judge later dates, or shorten the horizon."
    }
    assert LearnedModel.objects.count() == 0


def test_earlier_dates_end_before_the_first_judged():
    rule = ChurnRule("lapse", horizon_days=90, lead_days=30)
    assert earlier_dates(date(2026, 6, 1), rule)[-1] == date(2026, 2, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dates": []}, "Choose 1 to 60 dates, not 0."),
        (
            {"dates": [date(2026, 6, 1)]},
            "What became of accounts after 2026-06-01 is not known before 2026-07-01: choose dates up to 2026-05-16,",
        ),
        ({"capacity": 0}, "The capacity is a number of accounts from 1 to 100,000."),
        ({"rule": ChurnRule("gone")}, "Churn is one of subscription, any_subscription, lapse, not 'gone'."),
        ({"rule": ChurnRule("lapse", horizon_days=0)}, "The horizon is a number of days from 1 to 730."),
        ({"rule": ChurnRule("lapse", lead_days=-1)}, "The lead time is a number of days from 0 to 365."),
        ({"rule": ChurnRule("lapse", active_days=401)}, "Active is a number of days from 1 to 400."),
        (
            {"training_dates": [days(-29)]},
            "The horizon of 2025-12-03 ends on 2026-01-02, after 2026-01-01, which is judged: it would learn",
        ),
        ({"candidates": [Candidate("a", "A", {"children": []})]}, "A: there is nothing inside; add a measure"),
        ({"candidates": [Candidate("a", "A", CONFIG)] * 2}, "The same version is there twice."),
        (
            {"candidates": [Candidate(f"a{n}", "A", CONFIG) for n in range(7)]},
            "Choose 1 to 6 versions or drafts, not 7.",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(scorecard, changes, message):
    with pytest.raises(InvalidInput) as refused:
        ask(scorecard, **changes)
    assert refused.value.message.startswith(message)
    assert Backtest.objects.count() == 0


def test_the_rule_comes_back(scorecard):
    rule = ChurnRule("lapse", 30, 5, 60, ("Order placed",), date(2026, 5, 1))
    backtest = ask(scorecard, rule=rule)
    backtest.refresh_from_db()
    assert rule_of(backtest) == rule


def test_delete(scorecard):
    book()
    backtest = done(ask(scorecard))
    delete_backtest(backtest=backtest)
    assert (Backtest.objects.count(), BacktestDay.objects.count()) == (0, 0)


def test_delete_is_refused_while_its_model_is_in_force(scorecard):
    backtest = ask(scorecard)
    LearnedModel.objects.create(
        scorecard=scorecard, backtest=backtest, config={}, measures_hash="", model={}, shares={}, is_usable=True,
        is_in_force=True,
    )  # fmt: skip
    with pytest.raises(InvalidInput, match="withdraw it first"):
        delete_backtest(backtest=backtest)


@pytest.mark.parametrize("write", [cancel_backtest, restart_backtest, delete_backtest])
def test_writing_is_for_those_who_configure(scorecard, write):
    backtest, viewer = ask(scorecard), UserFactory()
    options = {"now": NOW} if write is cancel_backtest else {}
    with pytest.raises(PermissionDenied):
        write(backtest=backtest, actor=viewer, **options)
    with pytest.raises(PermissionDenied):
        ask(scorecard, actor=viewer)
    assert Backtest.objects.get().state == BacktestState.WAITING
