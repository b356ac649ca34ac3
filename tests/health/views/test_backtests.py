"""Pages of backtests: who may ask, what they show, and to whom."""

from datetime import date, timedelta

import pytest
from django.urls import reverse

from health.enums import BacktestState
from health.models import Backtest, LearnedModel, ScorecardDraft
from health.outcomes import ChurnRule
from health.services.backtests import Candidate, create_backtest, run_backtest
from team.enums import AccessLevel
from tests.conftest import NOW
from tests.factories import AccountFactory, TeamFactory, UserFactory
from tests.health.cards import CONFIG, make_scorecard
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db

AS_OF = date(2026, 1, 1)


@pytest.fixture
def scorecard(clock):
    return make_scorecard()


@pytest.fixture
def accounts():
    """Three were active before the date; the second came back, the first was at its best."""
    accounts = [AccountFactory(name=name) for name in ("Gone", "Back", "=Quiet")]
    for account, count in zip(accounts, (500, 60, 1), strict=True):
        use(account, AS_OF - timedelta(days=1), count)
    use(accounts[1], AS_OF + timedelta(days=3))
    use(AccountFactory(name="Elsewhere"), AS_OF + timedelta(days=90))
    return accounts


@pytest.fixture
def finished(scorecard, accounts):
    backtest = ask(scorecard)
    run_backtest(backtest=backtest)
    backtest.refresh_from_db()
    return backtest


def ask(scorecard, **options):
    return create_backtest(
        candidates=[Candidate.of_version(scorecard.version)], rule=ChurnRule("lapse", 30, active_days=60),
        dates=[AS_OF], now=NOW, capacity=1, scorecard=scorecard, **options,
    )  # fmt: skip


def url(name, scorecard, *args):
    return reverse(name, args=[scorecard.pk, *args])


def sign_in(client, level=AccessLevel.EDITOR, **options):
    user = UserFactory(access_level=level, **options)
    client.force_login(user)
    return user


def form(scorecard, **changes):
    return {
        "contenders": [f"v{scorecard.version.pk}"], "rule": "lapse", "horizon_days": 30, "lead_days": 0,
        "active_days": 60, "events": "", "first": "2025-12-02", "last": "2026-01-01", "step_days": 30, "capacity": 5,
    } | changes  # fmt: skip


def test_list_runs_with_the_same_queries(client, scorecard, accounts, django_assert_num_queries):
    sign_in(client)
    for count in (1, 2):
        while Backtest.objects.count() < 2 * count - 1:
            run_backtest(backtest=ask(scorecard))
        client.get(url("backtest_list", scorecard))
        with django_assert_num_queries(4):
            page = client.get(url("backtest_list", scorecard)).content.decode()
        assert page.count("Health v1 on 2026-01-01") == 2 * count - 1
        assert "Too few to tell" in page


def test_empty_list_offers_a_new_one_to_editors_alone(client, scorecard):
    sign_in(client)
    assert url("backtest_add", scorecard) in client.get(url("backtest_list", scorecard)).content.decode()
    sign_in(client, AccessLevel.VIEWER)
    assert url("backtest_add", scorecard) not in client.get(url("backtest_list", scorecard)).content.decode()


def test_ask(client, scorecard):
    user = sign_in(client)
    page = client.get(url("backtest_add", scorecard)).content.decode()
    assert "Health v1" in page
    response = client.post(url("backtest_add", scorecard), form(scorecard, events="opened, closed", learns="on"))
    backtest = Backtest.objects.get()
    assert response.url == url("backtest", scorecard, backtest.pk)
    assert (backtest.dates, backtest.created_by, backtest.capacity) == (["2025-12-02", "2026-01-01"], user, 5)
    assert backtest.rule == {
        "kind": "lapse", "horizon_days": 30, "lead_days": 0, "active_days": 60, "events": ["closed", "opened"],
        "complete_until": None,
    }  # fmt: skip
    assert len(backtest.training_dates) == 4


def test_ask_about_a_draft_and_another_scorecard(client, scorecard):
    sign_in(client)
    other = make_scorecard("Other")
    draft = ScorecardDraft.objects.create(name="Health", scorecard=scorecard, config=CONFIG)
    chosen = [f"d{draft.pk}", f"v{other.version.pk}"]
    client.post(url("backtest_add", scorecard), form(scorecard, contenders=chosen))
    labels = [each["label"] for each in Backtest.objects.get().contenders]
    assert labels == ["Draft of Health", "Other v1"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"contenders": []}, "This field is required."),
        ({"last": "2025-12-01"}, "The last date comes before the first."),
        ({"first": "2020-01-01", "step_days": 1}, "These are more than 60 dates; take longer steps."),
        ({"last": "2026-06-10"}, "What became of accounts after 2026-06-10 is not known before 2026-07-10"),
        ({"first": "9999-12-01", "last": "9999-12-31"}, "9999-12-31 has not come yet; choose days of the past."),
        ({"first": "0001-01-01", "last": "0001-01-01", "learns": "on"}, "0001-01-01 is too long ago"),
        ({"horizon_days": 0}, "Ensure this value is greater than or equal to 1."),
    ],
)
def test_ask_badly_keeps_the_form(client, scorecard, changes, message):
    sign_in(client)
    response = client.post(url("backtest_add", scorecard), form(scorecard, **changes))
    assert response.status_code == 422
    assert message in response.content.decode()
    assert Backtest.objects.count() == 0


def test_a_broken_draft_is_refused_with_what_to_mend(client, scorecard):
    sign_in(client)
    draft = ScorecardDraft.objects.create(name="Health", scorecard=scorecard, config={"children": []})
    response = client.post(url("backtest_add", scorecard), form(scorecard, contenders=[f"d{draft.pk}"]))
    assert response.status_code == 422
    assert "Draft of Health: there is nothing inside; add a measure or remove the group." in response.content.decode()


WRITES = ["backtest_cancel", "backtest_restart", "backtest_delete", "learned_weights_draft", "learned_probability"]


@pytest.mark.parametrize("level", [AccessLevel.VIEWER, AccessLevel.CONTRIBUTOR])
def test_writing_is_for_editors(client, finished, level):
    scorecard = finished.scorecard
    sign_in(client, level)
    learned(finished)
    assert client.get(url("backtest_add", scorecard)).status_code == 403
    for name in WRITES:
        assert client.post(url(name, scorecard, finished.pk)).status_code == 403, name
    page = client.get(url("backtest", scorecard, finished.pk)).content.decode()
    assert "Delete" not in page


def test_writing_takes_a_post(client, finished):
    sign_in(client)
    for name in WRITES:
        assert client.get(url(name, finished.scorecard, finished.pk)).status_code == 405, name


def test_another_scorecards_backtest_is_not_here(client, finished):
    sign_in(client)
    other = make_scorecard("Other")
    for name in ("backtest", "backtest_csv"):
        assert client.get(url(name, other, finished.pk)).status_code == 404
    for name in WRITES:
        assert client.post(url(name, other, finished.pk)).status_code == 404, name


def test_progress_asks_for_itself_until_it_is_over(client, scorecard):
    sign_in(client)
    backtest = ask(scorecard)
    page = client.get(url("backtest", scorecard, backtest.pk)).content.decode()
    assert "It waits for a worker." in page
    assert 'hx-trigger="every 2s"' in page
    fragment = client.get(url("backtest", scorecard, backtest.pk), headers={"HX-Request": "true"})
    assert fragment.content.decode().lstrip().startswith('<div id="backtest-progress"')
    assert "HX-Refresh" not in fragment
    run_backtest(backtest=backtest)
    over = client.get(url("backtest", scorecard, backtest.pk), headers={"HX-Request": "true"})
    assert over["HX-Refresh"] == "true"


def test_cancel_and_go_on(client, scorecard):
    sign_in(client)
    backtest = ask(scorecard)
    client.post(url("backtest_cancel", scorecard, backtest.pk))
    backtest.refresh_from_db()
    assert backtest.state == BacktestState.CANCELLED
    assert "Go on" in client.get(url("backtest", scorecard, backtest.pk)).content.decode()
    client.post(url("backtest_restart", scorecard, backtest.pk))
    backtest.refresh_from_db()
    assert backtest.state == BacktestState.WAITING


def test_delete(client, finished):
    sign_in(client)
    response = client.post(url("backtest_delete", finished.scorecard, finished.pk))
    assert response.url == url("backtest_list", finished.scorecard)
    assert Backtest.objects.count() == 0


def test_result(client, finished, accounts):
    sign_in(client)
    page = client.get(url("backtest", finished.scorecard, finished.pk)).content.decode()
    assert "2 accounts churned: too few to tell." in page
    assert "Number of events in 90 days" in page
    assert f'<a href="{reverse("account", args=[accounts[0].pk])}">Gone</a>' in page
    assert "Missed: 1" in page
    assert "Reliability: Health v1" in page


def test_lists_show_only_accounts_the_reader_may_see(client, finished, accounts):
    accounts[0].team = TeamFactory()
    accounts[0].save()
    sign_in(client, AccessLevel.VIEWER)
    page = client.get(url("backtest", finished.scorecard, finished.pk)).content.decode()
    assert "Gone" not in page
    assert "None that you may see." in page
    rows = b"".join(client.get(url("backtest_csv", finished.scorecard, finished.pk))).decode().splitlines()
    assert len(rows) == 3


def test_csv(client, finished, accounts):
    sign_in(client)
    response = client.get(url("backtest_csv", finished.scorecard, finished.pk))
    rows = b"".join(response).decode().splitlines()
    gone, back, quiet = (account.pk for account in accounts)
    assert response["Content-Disposition"] == f'attachment; filename="backtest-{finished.pk}.csv"'
    head = "account,name,as_of,churned,churned_on,arr,value_of_events_365_days,intervention"
    assert rows == [
        f"{head},Health v1 score,Health v1 band",
        f"{gone},Gone,2026-01-01,yes,2026-01-31,,0.00,no,100.00,green",
        f"{back},Back,2026-01-01,no,,,0.00,no,60.00,yellow",
        f"{quiet},'=Quiet,2026-01-01,yes,2026-01-31,,0.00,no,1.00,red",
    ]


def learned(backtest, **options):
    keys = ["events", "sentiment"]
    features = [{"key": key, "mean": 50, "deviation": 20, "risk": -1, "missing_risk": 0} for key in keys]
    backtest.result["learning"] = {
        "shares": [{"key": "events", "label": "Events", "share": 1.0, "before": 0.75}], "strength": 1, "rows": 9,
        "accounts": 9, "churned_accounts": 4,
    }  # fmt: skip
    backtest.save()
    return LearnedModel.objects.create(
        **{
            "scorecard": backtest.scorecard, "backtest": backtest, "config": backtest.scorecard.version.config,
            "measures_hash": "", "shares": {"events": 1.0}, "is_usable": True,
            "model": {"features": features, "intercept": 0, "slope": 1, "offset": 0, "strength": 1},
        } | options
    )  # fmt: skip


def test_publish_and_withdraw_the_probability(client, finished):
    user = sign_in(client)
    model = learned(finished)
    address = url("learned_probability", finished.scorecard, finished.pk)
    client.post(address, {"use": "true"})
    model.refresh_from_db()
    assert (model.is_in_force, model.published_by) == (True, user)
    assert "In force" in client.get(url("backtest", finished.scorecard, finished.pk)).content.decode()
    refused = client.post(url("backtest_delete", finished.scorecard, finished.pk), follow=True)
    assert "withdraw it first" in refused.content.decode()
    client.post(address, {"use": "false"})
    model.refresh_from_db()
    assert model.is_in_force is False


def test_publishing_another_takes_the_first_out_of_force(client, finished):
    sign_in(client)
    first = learned(finished, is_in_force=True)
    second = ask(finished.scorecard)
    run_backtest(backtest=second)
    second.refresh_from_db()
    model = learned(second)
    client.post(url("learned_probability", finished.scorecard, second.pk), {"use": "true"})
    first.refresh_from_db()
    model.refresh_from_db()
    assert (first.is_in_force, model.is_in_force) == (False, True)


def test_what_has_no_signal_cannot_rank(client, finished):
    sign_in(client)
    model = learned(finished, is_usable=False)
    page = client.get(url("backtest", finished.scorecard, finished.pk)).content.decode()
    assert "no usable signal, so it cannot rank accounts" in page
    address = url("learned_probability", finished.scorecard, finished.pk)
    said = client.post(address, {"use": "true"}, follow=True).content.decode()
    assert "It has no usable signal" in said
    model.refresh_from_db()
    assert model.is_in_force is False


def test_a_draft_with_the_learned_weights(client, finished):
    sign_in(client)
    learned(finished)
    client.post(url("learned_weights_draft", finished.scorecard, finished.pk))
    draft = ScorecardDraft.objects.get()
    assert draft.scorecard == finished.scorecard
    (group,) = draft.config["children"]
    assert (group["key"], group["weight"], group["children"][0]["weight"]) == ("usage", 100.0, 100.0)
    assert draft.based_on == finished.scorecard.version


def test_a_refusal_to_learn_is_shown(client, finished):
    sign_in(client)
    finished.result["learning"] = {"refusal": "Learning needs 2 earlier dates."}
    finished.save()
    page = client.get(url("backtest", finished.scorecard, finished.pk)).content.decode()
    assert "Nothing learned. Learning needs 2 earlier dates." in page
