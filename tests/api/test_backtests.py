"""Backtests through the API: asked, followed, read, cancelled and deleted, and by whom."""

from datetime import date, timedelta

import pytest

from health.models import Backtest
from health.services import create_draft
from health.services.backtests import run_backtest
from team.enums import AccessLevel
from tests.api.conftest import ApiClient, make_key
from tests.conftest import NOW
from tests.factories import AccountFactory, TeamFactory
from tests.health.cards import make_scorecard
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db

AS_OF = date(2026, 1, 1)


@pytest.fixture
def card():
    return make_scorecard()


def body(card, **changes):
    return {
        "versions": [str(card.version_id)], "churn": "lapse", "horizon_days": 30, "active_days": 60,
        "dates": ["2026-01-01"], "capacity": 5,
    } | changes  # fmt: skip


def refusal(response, status=400):
    assert response.status_code == status, response.content
    return [(each.get("pointer"), each["message"]) for each in response.json()["errors"]]


def test_asked_and_read(api, card):
    account = AccountFactory()
    use(account, AS_OF - timedelta(days=1), 500)
    use(AccountFactory(), AS_OF + timedelta(days=90))
    answer = api.call("POST", "/backtests", body(card, events=["opened"]))
    made = answer.json()
    backtest = Backtest.objects.get()
    assert answer.status_code == 201
    assert answer["Location"].endswith(f"/api/v1/backtests/{backtest.pk}")
    assert made["rule"] == {
        "churn": "lapse", "horizon_days": 30, "lead_days": 0, "active_days": 60, "events": ["opened"],
        "complete_until": None,
    }  # fmt: skip
    waiting = (made["id"], made["scorecard"], made["state"], made["dates_read"], made["verdicts"])
    assert waiting == (str(backtest.pk), str(card.pk), "waiting", 0, None)
    run_backtest(backtest=backtest)
    (listed,) = api.read("/backtests").json()["data"]
    assert (listed["state"], listed["dates_read"], listed["verdicts"][0]["state"]) == ("done", 1, "too_few")
    assert "result" not in listed
    full = api.read(f"/backtests/{backtest.pk}").json()
    assert {name: full[name] for name in listed} == listed
    (judged, *_) = full["result"]["judgement"]["judged"]
    assert [row["account"] for row in judged["missed"]] == [str(account.pk)]
    assert api.read("/backtests?scorecard=999").json()["data"] == []
    assert api.read("/backtests/999").status_code == 404


def test_alarms_are_those_of_visible_accounts(card, person):
    account = AccountFactory(team=TeamFactory())
    use(account, AS_OF - timedelta(days=1), 500)
    use(AccountFactory(), AS_OF + timedelta(days=90))
    ApiClient(make_key("configuration:write")).call("POST", "/backtests", body(card))
    backtest = Backtest.objects.get()
    run_backtest(backtest=backtest)
    viewer = person(access_level=AccessLevel.VIEWER)
    (judged, *_) = viewer.read(f"/backtests/{backtest.pk}").json()["result"]["judgement"]["judged"]
    assert (judged["missed"], judged["missed_count"]) == ([], 1)


def test_a_draft_is_judged_beside_a_version(api, card):
    draft = create_draft(scorecard=card, now=NOW, actor=None)
    answer = api.call("POST", "/backtests", body(card, drafts=[str(draft.pk)], learns=True, name="Mine"))
    assert answer.status_code == 201
    backtest = Backtest.objects.get()
    assert [each["key"] for each in backtest.contenders] == [f"v{card.version_id}", f"d{draft.pk}"]
    assert (backtest.name, len(backtest.training_dates)) == ("Mine", 4)


@pytest.mark.parametrize(
    ("changes", "pointer", "message"),
    [
        ({"versions": ["999"]}, "#/versions", "There is none with the id 999."),
        ({"versions": []}, "#/versions", "Choose 1 to 6 versions or drafts, not 0."),
        ({"dates": []}, "#/dates", "Choose 1 to 60 dates, not 0."),
        ({"horizon_days": 0}, "#/horizon_days", "The horizon is a number of days from 1 to 730."),
        ({"training_dates": ["2025-12-31"]}, "#/training_dates", "The horizon of 2025-12-31 ends on 2026-01-30, after"),
        ({"churn": "gone"}, "#/churn", '"gone" is not a valid choice.'),
        ({"until": 3}, "#/until", "There is no field 'until' here"),
    ],
)
def test_what_makes_no_sense_is_refused(api, card, changes, pointer, message):
    ((found, said),) = refusal(api.call("POST", "/backtests", body(card, **changes)))
    assert (found, said[: len(message)]) == (pointer, message)
    assert Backtest.objects.count() == 0


def test_cancelled_and_deleted(api, card):
    made = api.call("POST", "/backtests", body(card)).json()["id"]
    for state in ("cancelled", "waiting", "cancelled"):
        assert api.call("PATCH", f"/backtests/{made}", {"state": state}).json()["state"] == state
    assert refusal(api.call("PATCH", f"/backtests/{made}", {"state": "done"})) == [
        ("#/state", '"done" is not a valid choice.')
    ]
    assert api.call("DELETE", f"/backtests/{made}").status_code == 204
    assert Backtest.objects.count() == 0


@pytest.mark.parametrize("count", [1, 3])
def test_lists_ask_as_often_for_one_and_three(api, card, django_assert_max_num_queries, count):
    for _ in range(count):
        api.call("POST", "/backtests", body(card))
    with django_assert_max_num_queries(5):
        assert len(api.read("/backtests").json()["data"]) == count


def test_scopes(card):
    reader, writer = ApiClient(make_key("scores:read")), ApiClient(make_key("configuration:write"))
    assert reader.call("POST", "/backtests", body(card)).status_code == 403
    assert writer.call("GET", "/backtests").status_code == 403
    made = writer.call("POST", "/backtests", body(card)).json()["id"]
    assert reader.read(f"/backtests/{made}").status_code == 200
    for method in ("PATCH", "DELETE"):
        assert reader.call(method, f"/backtests/{made}").status_code == 403
