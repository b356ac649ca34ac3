"""Scores of parents from those below them, from facts to pages, and again from what was kept."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Account
from accounts.services import delete_account, record_sentiment, update_account
from health.models import CurrentScore, DirtyAccount, ScoreOverride, ScoreSnapshot
from health.overview import moves
from health.proof import replay, verify
from health.receipts import build_receipt
from health.score_change import inputs_of
from health.scorecards import Band
from health.services import score_accounts, score_changed_accounts
from health.services import scores as service
from tests.factories import AccountFactory, SubscriptionFactory, TeamFactory, UserFactory
from tests.health.cards import CONFIG, make_scorecard
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db


def card_of(rollup, **more):
    return make_scorecard(config=CONFIG | {"rollup": rollup, "minimum_confidence": 0} | more)


def customer(score, parent=None, mrr=None, **fields):
    """Return an account whose own measures give it that score; None: nothing is known of it."""
    account = AccountFactory(parent=parent, **fields)
    if score is not None:
        use(account, timezone.now().date() - timedelta(days=1), score)
    if mrr is not None:
        SubscriptionFactory(account=account, mrr=Decimal(mrr))
    return account


def run(card, **options):
    return score_accounts(scorecard=card, now=timezone.now(), **options)


def score_of(account):
    return CurrentScore.objects.get(account=account)


def newest(account):
    return ScoreSnapshot.objects.filter(account_id=account.pk).latest("as_of", "revision")


@pytest.fixture
def group():
    """A group: a holding (own score 10) above a division (own 20) with two customers, and a customer."""
    holding = customer(10, name="Holding")
    division = customer(20, holding, name="Division")
    for score, mrr, name in ((90, 100, "North"), (30, 300, "South")):
        customer(score, division, mrr, name=name)
    customer(80, holding, 50, name="West")
    return {account.name: account for account in Account.objects.all()}


@pytest.mark.parametrize(
    ("rollup", "division", "holding"),
    [("own", 20, 10), ("average", 60, 70), ("worst_child", 30, 30)],
)
def test_parents_at_any_depth_score_by_the_policy(group, rollup, division, holding):
    run(card_of(rollup))
    assert (score_of(group["Division"]).score, score_of(group["Holding"]).score) == (division, holding)
    assert (score_of(group["North"]).score, score_of(group["South"]).score) == (90, 30)


def test_revenue_weighs_with_the_arr_of_those_below(group):
    SubscriptionFactory(account=group["Division"], mrr=Decimal(150))
    run(card_of("revenue_weighted"))
    assert score_of(group["Division"]).score == 45
    assert score_of(group["Holding"]).score == Decimal("53.75")
    snapshot = newest(group["Division"])
    assert snapshot.children == [
        [group["North"].pk, 9000, 75, 1200.0, 1000],
        [group["South"].pk, 3000, 75, 3600.0, -1500],
    ]
    assert sum(snapshot.contribution) == 0
    assert newest(group["North"]).children is None


def test_those_without_a_score_are_left_out_and_confidence_falls(group):
    customer(None, group["Division"], name="Silent")
    run(card_of("average"))
    division = score_of(group["Division"])
    assert (division.score, division.confidence) == (60, 50)
    silent = next(child for child in newest(group["Division"]).children if child[1] == -1)
    assert silent[2:] == [0, 1.0, 0]


def test_a_parent_with_nothing_known_below_has_no_score():
    parent = customer(80)
    customer(None, parent)
    run(card_of("worst_child"))
    assert (score_of(parent).score, score_of(parent).band) == (None, Band.UNKNOWN)


def test_a_change_below_moves_everybody_above(group):
    card = card_of("worst_child")
    run(card)
    use(group["South"], timezone.now().date(), 40)
    DirtyAccount.objects.create(account_id=group["South"].pk, since=timezone.now(), marked_at=timezone.now())
    score_changed_accounts(now=timezone.now())
    assert [score_of(group[name]).score for name in ("South", "Division", "Holding")] == [70, 70, 70]
    assert score_of(group["West"]).score == 80


def test_moving_or_deleting_an_account_moves_those_above(group):
    run(card_of("worst_child"))
    update_account(account=group["South"], fields={"parent": None}, now=timezone.now())
    score_changed_accounts(now=timezone.now())
    assert [score_of(group[name]).score for name in ("Division", "Holding")] == [90, 80]
    delete_account(account=group["West"], now=timezone.now())
    score_changed_accounts(now=timezone.now())
    assert score_of(group["Holding"]).score == 90


def test_chunks_read_those_below_wherever_they_are(group, monkeypatch):
    card = card_of("average")
    for chunk in service.account_chunks(size=2):
        run(card, accounts=chunk)
    assert (score_of(group["Division"]).score, score_of(group["Holding"]).score) == (60, 70)


def test_a_circle_in_the_data_ends_and_its_accounts_score_by_themselves():
    first, second = customer(60), customer(80)
    customer(10, first)
    Account.objects.filter(pk=first.pk).update(parent=second)
    Account.objects.filter(pk=second.pk).update(parent=first)
    run(card_of("average"))
    assert (score_of(first).score, score_of(second).score) == (10, 80)


def test_past_days_roll_up_too(group):
    run(card_of("average"), as_of=timezone.now().date())
    assert newest(group["Division"]).score == 6000


def test_the_number_of_queries_does_not_grow_with_the_group(group, django_assert_max_num_queries):
    card = card_of("revenue_weighted")
    run(card)
    with django_assert_max_num_queries(60) as few:
        run(card)
    for number in range(6):
        customer(50, group["Division" if number % 2 else "Holding"], 10)
    with django_assert_max_num_queries(60) as many:
        run(card)
    assert len(many) - len(few) <= 4  # what is written, not what is read


def test_replay_of_a_parent_is_identical_whatever_became_of_those_below(group):
    card = card_of("revenue_weighted")
    run(card)
    snapshots = [newest(group[name]) for name in ("Holding", "Division", "North")]
    use(group["South"], timezone.now().date(), 60)
    record_sentiment(account=group["Holding"], user=UserFactory(), level=1, now=timezone.now())
    update_account(account=group["North"], fields={"parent": None}, now=timezone.now())
    run(card)
    for snapshot in snapshots:
        assert replay(snapshot).hashes[0].tobytes() == bytes(snapshot.hash)
        assert verify(json.loads(json.dumps(build_receipt(snapshot).as_dict()))) == []
    assert bytes(newest(group["Division"]).hash) != bytes(snapshots[1].hash)


def test_a_receipt_names_who_is_responsible(group, client):
    run(card_of("average"))
    receipt = build_receipt(newest(group["Division"]))
    assert [(line.name, line.score, line.contribution, line.is_responsible) for line in receipt.children] == [
        ("South", 30, -10, True),
        ("North", 90, 20, False),
    ]
    plain = receipt.as_dict()
    assert plain["children"][0] == {
        "account": group["South"].pk, "score": "30.00", "confidence": 75, "weight": 1.0, "contribution": -10.0,
        "is_responsible": True,
    }  # fmt: skip
    plain["children"][0]["score"] = "40.00"
    assert verify(plain) != []
    client.force_login(UserFactory())
    page = client.get(f"/accounts/{group['Division'].pk}/health/").content.decode()
    assert "Plain mean of those below" in page
    assert "South" in page
    assert "Costs most" in page
    assert "It comes from the accounts below it: plain mean of those below." in page
    holding = build_receipt(newest(group["Holding"])).children
    assert [(line.name, line.blame) for line in holding] == [("Division", "Lifts least"), ("West", "")]


def test_the_overview_of_a_parent_adds_up(group):
    run(card_of("average"))
    found = moves(score_of(group["Division"]))
    assert (found.steps, found.score) == ([("The accounts below", 10.0)], 60.0)


def test_names_of_accounts_one_may_not_see_stay_hidden(group, client):
    run(card_of("average"))
    Account.objects.filter(pk=group["South"].pk).update(team=TeamFactory())
    client.force_login(UserFactory())
    page = client.get(f"/accounts/{group['Division'].pk}/health/").content.decode()
    assert "An account you may not see" in page
    assert "South" not in page


def test_a_change_knows_that_a_parent_set_by_hand_had_no_score():
    """Too little is known below: what was set in its place does not make it a score of 50."""
    parent = customer(10)
    customer(90, parent)
    customer(None, parent)
    card, now = card_of("average", minimum_confidence=60), timezone.now()
    ScoreOverride.objects.create(
        account=parent, scorecard=card, score=85, reason="Known", made_at=now, expires_at=now + timedelta(days=9)
    )
    run(card)
    snapshot = newest(parent)
    assert (snapshot.score, snapshot.override) == (8500, 8500)
    assert inputs_of(snapshot, card.version.card(), {card.version_id: card.version.card()}).rolled == -1


def test_an_override_below_counts_above(group):
    """A parent rests on what is shown of those below."""
    card = card_of("worst_child")
    run(card)
    now = timezone.now()
    ScoreOverride.objects.create(
        account=group["South"],
        scorecard=card,
        score=85,
        reason="Saved",
        made_at=now,
        expires_at=now + timedelta(days=9),
    )
    run(card)
    assert [score_of(group[name]).score for name in ("South", "Division", "Holding")] == [85, 85, 80]
    snapshot = newest(group["Holding"])
    assert replay(snapshot).hashes[0].tobytes() == bytes(snapshot.hash)
