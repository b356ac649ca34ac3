"""A preview compares two configurations over the same facts, writes nothing, and says what would be set off."""

from datetime import timedelta

import pytest
from django.utils import timezone

from health import previews
from health.models import AlertRule, CurrentScore, ScoreSnapshot
from health.previews import Consequence, Move, Standing, preview
from health.sampling import sample_accounts
from health.scorecards import Band, read_card
from tests.factories import AccountFactory
from tests.health.cards import CONFIG
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db
STRICT = {**CONFIG, "bands": {"green": 90, "yellow": 75}}
TIERED = {**CONFIG, "applies_to": {"field": "tier", "op": "known"}}


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def book(now):
    accounts = [AccountFactory(name=name) for name in ("Full", "Middle", "Low", "Silent")]
    for account, count in zip(accounts, (95, 80, 20), strict=False):
        use(account, now.date() - timedelta(days=1), count)
    return accounts


def test_preview_of_two_cards(book, now):
    _, middle, _, silent = book
    found = preview(read_card(STRICT), read_card(CONFIG), now=now, pinned_ids=[middle.pk, silent.pk, 999])
    assert found.before.counts == {"red": 1, "yellow": 0, "green": 2, "unknown": 1}
    assert found.after.counts == {"red": 1, "yellow": 1, "green": 1, "unknown": 1}
    assert found.moves == [Move(middle.pk, "Middle", Standing(80.0, Band.GREEN), Standing(80.0, Band.YELLOW))]
    assert found.turns == [(Band.GREEN, Band.YELLOW, 1)]
    assert found.after.bins[8:] == [("80", 1, "yellow"), ("90", 1, "green")]
    assert [(each.name, each.after) for each in found.pinned] == [
        ("Middle", Standing(80.0, Band.YELLOW)), ("Silent", Standing(None, Band.UNKNOWN))
    ]  # fmt: skip
    assert found.pinned[0].steps == [("Events", 30.0), ("CSM sentiment", None)]
    assert (found.sample.size, found.sample.is_sample) == (4, False)
    assert not CurrentScore.all_objects.exists()
    assert not ScoreSnapshot.objects.exists()


def test_accounts_that_a_draft_no_longer_scores_are_changes_too(book, now):
    found = preview(read_card(TIERED), read_card(CONFIG), now=now, pinned_ids=[book[0].pk])
    assert found.after.accounts == 0
    assert {(move.name, move.after) for move in found.moves} == {(account.name, None) for account in book}
    assert (found.pinned[0].after, found.pinned[0].steps) == (None, [])


def test_a_new_scorecard_has_nothing_before(book, now):
    found = preview(read_card(CONFIG), None, now=now)
    assert (found.before, found.moves, found.consequences, found.after.accounts) == (None, [], [], 4)


def test_of_many_accounts_the_same_sample_is_taken_every_time(book):
    sample = sample_accounts(2)
    assert sample == sample_accounts(2)
    assert (sample.size, sample.total, sample.is_sample) == (2, 4, True)
    left_out = next(account.pk for account in book if account.pk not in sample.accounts.ids)
    with_pinned = sample_accounts(2, including=(left_out,))
    assert set(with_pinned.accounts.ids) == {*sample.accounts.ids, left_out}


def test_rooms_say_what_changes_would_set_off(book, now, monkeypatch):
    monkeypatch.setattr(previews, "_consequences", [])
    previews.register_consequence(lambda moves, sample: [Consequence(f"{len(moves)} of {sample.total} accounts")])
    found = preview(read_card(STRICT), read_card(CONFIG), now=now)
    assert found.consequences == [Consequence("1 of 4 accounts")]
    assert preview(read_card(CONFIG), read_card(CONFIG), now=now).consequences == []


def test_alert_rules_that_read_scores_are_named(book, now):
    for name, field in (("At risk", "health_band"), ("Small", "arr")):
        AlertRule.objects.create(name=name, enter={"field": field, "op": "known"}, evaluated_at=now)
    found = preview(read_card(STRICT), read_card(CONFIG), now=now)
    assert found.consequences == [
        Consequence(
            "The alert rule At risk will look at the new scores."
            " What comes to match by that alone stands quietly: no alert.",
            "/settings/alerts/",
        )
    ]
