"""A score set by hand: shown until it ends, beside the computed one, in the receipt, and judged later."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.errors import InvalidInput
from accounts.models import AccountEvent
from accounts.services import upsert_subscription
from health.models import CurrentScore, ScoreOverride, ScoreSnapshot
from health.override_report import override_report
from health.proof import replay, verify
from health.receipts import build_receipt
from health.services import end_override, score_accounts, set_override
from health.services.overrides import end_expired
from team.models import Work
from tests.factories import AccountFactory, TeamFactory, UserFactory
from tests.health.cards import make_scorecard
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db


@pytest.fixture
def card():
    return make_scorecard()


@pytest.fixture
def account(card):
    account = AccountFactory(name="Northwind")
    use(account, timezone.now().date() - timedelta(days=2), 80)
    score_accounts(scorecard=card, now=timezone.now())
    return account


def override(account, card, score="35.5", **options):
    fields = {
        "reason": "They told us they leave.",
        "expires_at": timezone.now() + timedelta(days=9),
        "actor": UserFactory(),
    }
    return set_override(account=account, scorecard=card, score=Decimal(score), now=timezone.now(), **(fields | options))


def newest(account):
    return ScoreSnapshot.objects.filter(account_id=account.pk).latest("as_of", "revision")


def kinds(account):
    return list(AccountEvent.objects.filter(account=account).order_by("pk").values_list("kind", flat=True))


def test_set_override_shows_it_and_keeps_what_was_computed(account, card):
    before = newest(account)
    row = override(account, card)
    assert (row.computed, row.moved) == (Decimal("80.00"), Decimal("-44.50"))
    current = CurrentScore.objects.get()
    assert (current.score, current.band, current.is_overridden, current.confidence) == (Decimal("35.50"), 1, True, 75)
    snapshot = newest(account)
    assert (snapshot.score, snapshot.override, snapshot.contribution) == (3550, 3550, before.contribution)
    assert bytes(snapshot.hash) != bytes(before.hash)
    assert kinds(account)[-2:] == ["override.set", "band.changed"]
    event = AccountEvent.objects.filter(kind="band.changed").latest("pk")
    assert (event.payload["to"], event.payload["is_overridden"]) == ("red", True)


def test_receipt_of_an_override_has_its_line_and_proves(account, card):
    row = override(account, card)
    snapshot = newest(account)
    receipt = build_receipt(snapshot)
    assert (receipt.score, receipt.computed, receipt.override_moves) == (Decimal("35.50"), Decimal("80.00"), -44.5)
    assert receipt.override == row
    data = json.loads(json.dumps(receipt.as_dict()))
    assert data["override"] == {
        "score": "35.50",
        "contribution": -44.5,
        "reason": "They told us they leave.",
        "made_by": str(row.made_by_id),
        "made_at": row.made_at.isoformat(),
        "expires_at": row.expires_at.isoformat(),
    }
    assert verify(data) == []
    assert "The score is 36.00, not 35.50." in verify(data | {"override": data["override"] | {"score": "36.00"}})
    assert replay(snapshot).hashes[0].tobytes() == bytes(snapshot.hash)


def test_replay_stays_when_an_override_comes_or_ends_later(account, card):
    first = newest(account)
    row = override(account, card)
    second = newest(account)
    end_override(override=row, now=timezone.now(), actor=None)
    third = newest(account)
    assert [s.score for s in (first, second, third)] == [8000, 3550, 8000]
    for snapshot in (first, second, third):
        assert replay(snapshot).hashes[0].tobytes() == bytes(snapshot.hash)


def test_end_override_shows_the_computed_score_again_once(account, card):
    user = UserFactory()
    row = override(account, card)
    now = timezone.now()
    ended = end_override(override=row, now=now, actor=user)
    assert (ended.ended_at, ended.ended_by) == (now, user)
    current = CurrentScore.objects.get()
    assert (current.score, current.is_overridden) == (Decimal("80.00"), False)
    end_override(override=row, now=now + timedelta(hours=1), actor=None)
    row.refresh_from_db()
    assert row.ended_at == now
    assert kinds(account).count("override.ended") == 1


def test_another_override_ends_the_one_before(account, card):
    first, second = override(account, card), override(account, card, "60")
    first.refresh_from_db()
    assert (first.ended_at is not None, second.ended_at) == (True, None)
    # Computed is what the inputs came to, not what the first override showed.
    assert (second.computed, newest(account).score) == (Decimal("80.00"), 6000)


def test_an_override_falls_back_by_itself_when_it_expires(account, card):
    row = override(account, card)
    (work,) = Work.objects.filter(kind="health.end_override")
    assert (work.payload, work.due_at) == ({"override_id": row.pk}, row.expires_at)
    end_expired(override_id=row.pk, now=timezone.now())
    row.refresh_from_db()
    assert row.ended_at is None
    ScoreOverride.objects.filter(pk=row.pk).update(
        made_at=timezone.now() - timedelta(days=2), expires_at=timezone.now() - timedelta(seconds=1)
    )
    # Whoever scores the account meanwhile does not show it any more.
    score_accounts(scorecard=card, now=timezone.now())
    assert newest(account).override == -1
    for _ in range(2):
        end_expired(override_id=row.pk, now=timezone.now())
    row.refresh_from_db()
    assert (row.ended_at, row.ended_by) == (row.expires_at, None)
    assert kinds(account).count("override.ended") == 1


def test_an_account_without_a_score_can_be_given_one(card):
    account = AccountFactory()
    score_accounts(scorecard=card, now=timezone.now())
    row = override(account, card, "72")
    assert row.computed is None
    receipt = build_receipt(newest(account))
    assert (receipt.score, receipt.band.word, receipt.computed) == (Decimal("72.00"), "green", None)
    assert receipt.override_moves == 22.0
    assert verify(receipt.as_dict()) == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"score": "100.01"}, "A score goes from 0 to 100 with at most two decimals, not 100.01."),
        ({"score": "7.123"}, "A score goes from 0 to 100 with at most two decimals, not 7.123."),
        ({"reason": "  "}, "Say why, so that others understand the score and its outcome can be judged."),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "An override ends within 180 days, and not before now."),
        ({"expires_at": datetime(2099, 1, 1, tzinfo=UTC)}, "An override ends within 180 days, and not before now."),
    ],
)
def test_set_override_says_what_to_mend(account, card, fields, message):
    with pytest.raises(InvalidInput) as error:
        override(account, card, **fields)
    assert error.value.message == message
    assert not ScoreOverride.objects.exists()


# --- What came -----------------------------------------------------------------------------------

MADE = datetime(2026, 1, 10, tzinfo=UTC)


def judged(card, score, computed, by, *, churned_on=None, made_at=MADE):
    """Write an override of a subscriber that has ended, and what became of them."""
    account, began = AccountFactory(), datetime(2025, 1, 1, tzinfo=UTC)
    subscription, _ = upsert_subscription(
        account=account, fields={"started_on": date(2025, 1, 1), "plan": "Pro"}, effective_at=began, now=began
    )
    if churned_on:
        end = datetime.combine(churned_on, datetime.min.time(), UTC)
        fields = {"ended_on": churned_on}
        upsert_subscription(account=account, subscription=subscription, fields=fields, effective_at=end, now=end)
    until = made_at + timedelta(days=5)
    ScoreOverride.objects.create(
        account=account, scorecard=card, score=score, computed=computed, reason="r", made_by=by, made_at=made_at,
        expires_at=until, ended_at=until,
    )  # fmt: skip


def test_override_report_says_which_was_nearer_to_what_came(card):
    anna, ben = UserFactory(name="Anna"), UserFactory(name="Ben")
    judged(card, 20, 80, anna, churned_on=date(2026, 2, 1))
    judged(card, 20, 80, anna, made_at=MADE + timedelta(days=1))
    judged(card, 90, 60, ben, made_at=MADE + timedelta(days=2))
    judged(card, 50, None, ben, made_at=MADE + timedelta(days=3))
    judged(card, 10, 30, ben, made_at=datetime(2026, 6, 1, tzinfo=UTC))
    use(AccountFactory(), date(2026, 6, 14), 1)
    report = override_report(user=UserFactory(access_level="admin"), now=datetime(2026, 6, 15, tzinfo=UTC))
    assert [(r.who, r.override, r.computed, r.same, r.open) for r in report.by_user] == [
        ("Anna", 1, 1, 0, 0),
        ("Ben", 1, 0, 0, 2),
    ]
    overall = report.overall
    assert (overall.override, overall.computed, overall.open) == (2, 1, 2)
    assert [each.words for each in report.past] == [
        "Too early to tell",
        "Not comparable: there was no computed score",
        "It stayed: the override was nearer",
        "It stayed: the computed score was nearer",
        "It churned: the override was nearer",
    ]


# --- Pages ---------------------------------------------------------------------------------------


@pytest.fixture
def person(client, account):
    user = UserFactory(access_level="contributor")
    client.force_login(user)
    account.csm = user
    account.save(update_fields=["csm"])
    return user


def form(card, **fields):
    later = (timezone.now() + timedelta(days=5)).date().isoformat()
    return {"scorecard": card.pk, "score": "35.5", "expires_on": later, "reason": "They leave."} | fields


def path(account, word=""):
    return f"/accounts/{account.pk}/health/override/{word}"


def test_override_page_sets_and_ends(client, person, account, card):
    assert client.get(path(account)).status_code == 200
    response = client.post(path(account), form(card))
    assert (response.status_code, response.url) == (302, f"/accounts/{account.pk}/health/")
    row = ScoreOverride.objects.get()
    assert (row.score, row.made_by, row.reason) == (Decimal("35.50"), person, "They leave.")
    text = client.get(response.url).content.decode()
    assert "Set to 35.50 by hand" in text
    assert "They leave." in text
    assert client.get(path(account, f"{row.pk}/end/")).status_code == 405
    assert client.post(path(account, f"{row.pk}/end/")).status_code == 302
    row.refresh_from_db()
    assert row.ended_by == person
    assert "Set to 35.50" not in client.get(response.url).content.decode()
    assert "They leave." in client.get("/settings/scorecards/overrides/").content.decode()


@pytest.mark.parametrize("day", ["2020-01-01", "9999-12-31"])
def test_override_page_keeps_what_was_wrong(client, person, account, card, day):
    response = client.post(path(account), form(card, expires_on=day, reason="Kept"))
    assert response.status_code == 422
    assert "An override ends within 180 days" in response.content.decode()
    assert "Kept" in response.content.decode()


@pytest.mark.parametrize(("level", "status"), [("viewer", 403), ("contributor", 404)])
def test_override_pages_are_for_contributors_of_visible_accounts(client, account, card, level, status):
    row, user = override(account, card), UserFactory(access_level=level)
    client.force_login(user)
    account.csm = user if level == "viewer" else None
    account.team = TeamFactory()
    account.save(update_fields=["csm", "team"])
    assert client.post(path(account), form(card)).status_code == status
    assert client.post(path(account, f"{row.pk}/end/")).status_code == status
    assert ScoreOverride.objects.get().ended_at is None
