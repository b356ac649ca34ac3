"""Scores through the API: current ones to follow, history, and receipts that prove themselves."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from accounts.services import create_account, record_sentiment
from health.models import CurrentScore
from health.proof import verify
from health.services import score_accounts
from tests.factories import AccountFactory, CurrentScoreFactory, UserFactory
from tests.health.cards import make_scorecard
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db


@pytest.fixture
def scored():
    """Return an account that was scored for two past days and now."""
    card, now = make_scorecard(), timezone.now()
    long_ago = now - timedelta(days=100)
    account = create_account(fields={"name": "Acme"}, now=now, occurred_at=long_ago, backfill=True)
    record_sentiment(
        account=account, user=UserFactory(), level=2, now=now, occurred_at=now - timedelta(days=9), backfill=True
    )
    for days in (7, 3):
        score_accounts(scorecard=card, now=now, as_of=now.date() - timedelta(days=days))
    score_accounts(scorecard=card, now=now)
    return account


def test_current_scores(api, scored):
    (data,) = api.read("/health-scores").json()["data"]
    row = CurrentScore.objects.get()
    assert data == {
        "id": str(row.pk),
        "created_at": data["created_at"],
        "updated_at": data["updated_at"],
        "deleted_at": None,
        "version": row.row_version,
        "account": str(scored.pk),
        "scorecard": {"id": str(row.scorecard_id), "name": row.scorecard.name, "kind": row.scorecard.kind},
        "scorecard_version": row.version.number,
        "is_main": row.is_main,
        "score": None if row.score is None else f"{row.score:.2f}",
        "previous_score": None,
        "band": row.get_band_display() and {0: "unknown", 1: "red", 2: "yellow", 3: "green"}[row.band],
        "band_changed_at": data["band_changed_at"],
        "confidence": row.confidence,
        "is_overridden": False,
        "as_of": row.as_of.isoformat(),
        "recorded_by": data["recorded_by"],
    }
    single = api.read(f"/health-scores/{row.pk}")
    assert (single.json(), single["ETag"]) == (data, f'"{row.row_version}"')


def test_filters(api):
    red = CurrentScoreFactory(band=1)
    green = CurrentScoreFactory(band=3, main_of=None, scorecard=make_scorecard())
    for query, rows in [
        ("band=red", [red]),
        ("band=unknown", []),
        (f"scorecard={green.scorecard_id}", [green]),
        (f"account={red.account_id}", [red]),
        ("is_main=true", [red]),
        ("is_main=false", [green]),
    ]:
        ids = [each["id"] for each in api.read(f"/health-scores?{query}").json()["data"]]
        assert ids == [str(row.pk) for row in rows], query


def test_history_in_pages_from_the_oldest_day(api, scored):
    path = f"/accounts/{scored.pk}/score-history"
    first = api.read(f"{path}?page_size=2").json()
    today = timezone.now().date()
    assert [row["as_of"] for row in first["data"]] == [f"{today - timedelta(days=days)}" for days in (7, 3)]
    second = api.read(first["next"]).json()
    assert [row["as_of"] for row in second["data"]] == [f"{today + timedelta(days=1)}"]
    assert (second["next"], second["has_more"]) == (None, False)
    assert len(api.read(f"{path}?as_of_from={today}").json()["data"]) == 1
    assert len(api.read(f"{path}?as_of_to={today}").json()["data"]) == 2
    assert api.read(f"{path}?scorecard=999").json()["data"] == []


def test_receipt_proves_the_score(api, scored):
    receipt = api.read(f"/accounts/{scored.pk}/receipt").json()
    assert receipt["account"] == str(scored.pk)
    assert verify(receipt) == []
    assert {"csm_sentiment"} <= {measure["metric"] for measure in receipt["measures"]}
    past = api.read(f"/accounts/{scored.pk}/receipt?as_of={timezone.now().date() - timedelta(days=3)}").json()
    assert date.fromisoformat(past["as_of"]) == timezone.now().date() - timedelta(days=3)
    assert verify(past) == []


def test_what_was_never_scored_has_no_receipt(api, scored):
    other = AccountFactory()
    for path in (
        f"/accounts/{other.pk}/receipt",
        f"/accounts/{scored.pk}/receipt?as_of=2001-01-01",
        f"/accounts/{scored.pk}/receipt?scorecard=999",
        "/accounts/999/receipt",
        "/accounts/x/score-history",
    ):
        assert api.read(path).status_code == 404, path


def test_health_is_read_only(api, scored):
    for path in ("/health-scores", f"/accounts/{scored.pk}/score-history", f"/accounts/{scored.pk}/receipt"):
        response = api.call("POST", path, {})
        assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_a_score_set_by_hand(api, scored):
    card = CurrentScore.objects.get().scorecard
    body = {
        "account": str(scored.pk),
        "scorecard": str(card.pk),
        "score": "35.50",
        "reason": "They leave.",
        "expires_at": (timezone.now() + timedelta(days=3)).isoformat(),
    }
    made = api.call("POST", "/score-overrides", body)
    assert (made.status_code, made.json()["score"], made.json()["reason"]) == (201, "35.50", "They leave.")
    assert api.read(f"/accounts/{scored.pk}/receipt").json()["override"]["score"] == "35.50"
    path = f"/score-overrides/{made.json()['id']}"
    assert api.read(path).json() == made.json()
    wrong = api.call("POST", "/score-overrides", body | {"expires_at": "2020-01-01T00:00:00Z"})
    assert wrong.status_code == 400
    assert wrong.json()["errors"] == [
        {
            "pointer": "#/expires_at",
            "code": "invalid",
            "message": "An override ends within 180 days, and not before now.",
        }
    ]
    assert api.call("POST", "/score-overrides", body | {"scorecard": "99999"}).status_code == 400
    assert api.call("DELETE", path).status_code == 204
    assert api.read("/score-overrides").json()["data"] == []
    (ended,) = api.read("/score-overrides?include_deleted=true").json()["data"]
    assert ended["ended_at"] == ended["deleted_at"]
    assert api.read(f"/accounts/{scored.pk}/receipt").json()["override"] is None


def test_why_a_score_changed(api):
    card, account, today = make_scorecard(), AccountFactory(), timezone.now().date()
    use(account, today - timedelta(days=6), 60)
    score_accounts(scorecard=card, now=timezone.now(), as_of=today - timedelta(days=1))
    use(account, today, 20)
    score_accounts(scorecard=card, now=timezone.now())
    old, new = today - timedelta(days=1), today + timedelta(days=1)
    path = f"/accounts/{account.pk}/score-change?from={old}&to={new}&scorecard={card.pk}"
    data = api.read(path).json()
    assert (data["from"], data["to"], data["change"]) == (
        {"as_of": str(old), "score": 60.0, "scorecard_version": 1},
        {"as_of": str(new), "score": 80.0, "scorecard_version": 1},
        20.0,
    )
    assert [(c["cause"], c["points"]) for c in data["causes"]] == [
        ("configuration", 0.0), ("late_data", 0.0), ("decay", 0.0), ("override", 0.0), ("behaviour", 20.0),
    ]  # fmt: skip
    assert data["causes"][-1]["parts"] == [{"key": "events", "label": "Events", "points": 20.0}]
    missing = api.read(f"/accounts/{account.pk}/score-change?from=2020-01-01&to=2020-01-02&scorecard={card.pk}")
    assert missing.status_code == 404
