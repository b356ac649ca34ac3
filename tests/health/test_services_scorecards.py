"""Scorecards and their drafts: what is kept, what is refused, what is logged, and who is scored by what."""

from copy import deepcopy
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied

from accounts.errors import InvalidInput
from accounts.models import AccountEvent
from health import services
from health.drafts import from_draft
from health.models import CurrentScore, Scorecard, ScorecardDraft
from health.services import scores
from team.models import SecurityEvent, Work
from tests.conftest import NOW
from tests.factories import AccountFactory, UserFactory
from tests.health.cards import CONFIG, make_scorecard
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)
REASON = {"name": "Braver", "reason": "Too many without a score"}


@pytest.fixture
def editor():
    return UserFactory(access_level="editor")


@pytest.fixture
def card():
    return make_scorecard()


def log():
    return list(SecurityEvent.objects.order_by("pk").values_list("kind", "subject"))


def changed(draft, **fields):
    """Save a draft with other fields of the whole."""
    return services.save_draft(draft=draft, config={**draft.config, **fields}, now=LATER, actor=None)


# --- Drafts --------------------------------------------------------------------------------------


def test_draft_of_a_scorecard_begins_with_the_version_in_force(card, editor):
    draft = services.create_draft(scorecard=card, now=NOW, actor=editor)
    assert (draft.scorecard, draft.based_on, draft.name, draft.kind) == (card, card.version, "Health", "health")
    assert from_draft(draft.config) == card.version.config
    assert (draft.created_by, draft.updated_at) == (editor, NOW)
    assert CurrentScore.objects.count() == 0


def test_draft_begins_with_nothing_a_configuration_or_an_old_version(card, editor):
    old = card.version
    services.publish_version(scorecard=card, config={**CONFIG, "minimum_confidence": 1}, now=NOW)
    empty = services.create_draft(name=" Success ", kind="success", now=NOW, actor=editor)
    assert (empty.scorecard, empty.name, empty.config["children"]) == (None, "Success", [])
    given = services.create_draft(name="Copy", config=CONFIG, now=NOW, actor=editor)
    assert from_draft(given.config) == CONFIG
    of_old = services.create_draft(version=old, now=NOW, actor=editor)
    assert (of_old.scorecard, of_old.based_on) == (card, old)
    assert of_old.config["minimum_confidence"] == 40


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": ""}, "A scorecard needs a name of at most 80 characters."),
        ({"name": "Health"}, "There is already a scorecard 'Health'."),
        ({"name": "New", "kind": "luck"}, "The kind is one of health, success, happiness, not 'luck'."),
        ({"name": "New", "config": []}, "this must be a set of names and values, not list."),
    ],
)
def test_draft_that_cannot_begin(card, options, message):
    with pytest.raises(InvalidInput) as error:
        services.create_draft(now=NOW, actor=None, **options)
    assert error.value.message == message
    assert not ScorecardDraft.objects.exists()


def test_draft_keeps_what_is_wrong_and_goes_back_once(card):
    draft = services.create_draft(scorecard=card, now=NOW, actor=None)
    wrong = {**draft.config, "bands": {"green": "lots"}}
    services.save_draft(draft=draft, config=wrong, undo=draft.config, name="Ignored", now=LATER, actor=None)
    draft.refresh_from_db()
    assert (draft.config["bands"], draft.name, draft.updated_at) == ({"green": "lots"}, "Health", LATER)
    services.undo_draft(draft=draft, now=LATER, actor=None)
    assert draft.config["bands"] == {"green": 70, "yellow": 40}
    services.undo_draft(draft=draft, now=LATER, actor=None)
    assert draft.config["bands"] == {"green": "lots"}


def test_replace_draft_takes_plain_configurations_only_if_they_can_be_edited(card):
    draft = services.create_draft(scorecard=card, now=NOW, actor=None)
    services.replace_draft(draft=draft, config={"children": []}, now=LATER, actor=None)
    assert (draft.config, draft.undo["minimum_confidence"]) == ({"children": []}, 40)
    with pytest.raises(InvalidInput, match="children → this must be a list"):
        services.replace_draft(draft=draft, config={"children": 1}, now=LATER, actor=None)
    draft.refresh_from_db()
    assert draft.config == {"children": []}


def test_publish_draft_makes_the_next_version_and_everybody_due(card, editor):
    draft = changed(services.create_draft(scorecard=card, now=NOW, actor=editor), minimum_confidence=10)
    Work.objects.all().delete()
    version = services.publish_draft(draft=draft, now=LATER, actor=editor, **REASON)
    assert (version.number, version.name, version.note) == (2, "Braver", "Too many without a score")
    assert (version.published_by, version.published_at) == (editor, LATER)
    assert "id" not in version.config["children"][0]
    card.refresh_from_db()
    assert card.version == version
    assert [work.kind for work in Work.objects.all()] == ["health.score_chunk"]
    assert not ScorecardDraft.objects.exists()
    assert log()[-1] == ("scorecard.published", "Health")


def test_a_draft_is_published_once(card):
    draft = changed(services.create_draft(scorecard=card, now=NOW, actor=None), minimum_confidence=10)
    stale = ScorecardDraft.objects.get(pk=draft.pk)
    services.publish_draft(draft=draft, now=LATER, actor=None, **REASON)
    for write in (services.publish_draft, lambda draft, **_: services.lock_draft(draft)):
        with pytest.raises(InvalidInput, match="This draft was published or thrown away meanwhile"):
            write(draft=stale, now=LATER, actor=None, **REASON)
    assert card.versions.count() == 2


def test_publish_draft_of_a_new_scorecard_creates_it_last_and_live(card, editor):
    draft = services.create_draft(name="Success", kind="success", config=CONFIG, now=NOW, actor=editor)
    version = services.publish_draft(draft=draft, now=LATER, actor=editor, **REASON)
    made = version.scorecard
    assert (made.name, made.kind, made.owner, made.is_live, made.version) == (
        "Success",
        "success",
        editor,
        True,
        version,
    )
    assert made.position > card.position
    assert log()[-2:] == [("scorecard.created", "Success"), ("scorecard.published", "Success")]


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        ({"name": " "}, "name", "Give the version a name of at most 80 characters."),
        ({"reason": ""}, "reason", "Say why in at most 500 characters: it stays with the version."),
        ({}, "config", "This says the same as version 1, which is in force: there is nothing to publish."),
    ],
)
def test_publish_draft_refuses(card, given, field, message):
    draft = services.create_draft(scorecard=card, now=NOW, actor=None)
    with pytest.raises(InvalidInput) as error:
        services.publish_draft(draft=draft, now=LATER, actor=None, **{**REASON, **given})
    assert (error.value.field, error.value.message) == (field, message)
    assert (card.versions.count(), ScorecardDraft.objects.count()) == (1, 1)


def test_publish_draft_names_the_first_problem_and_counts_the_others(card):
    draft = services.create_draft(scorecard=card, now=NOW, actor=None)
    draft.config["children"][1] |= {"curve": [[1, 0], [1, 1]], "fresh_days": 0}
    services.save_draft(draft=draft, config=draft.config, now=NOW, actor=None)
    with pytest.raises(InvalidInput) as error:
        services.publish_draft(draft=draft, now=LATER, actor=None, **REASON)
    assert error.value.message.startswith("CSM sentiment: ")
    assert error.value.message.endswith("(and 1 more)")
    card.refresh_from_db()
    assert card.version.number == 1


def test_discard_draft_is_logged(card, editor):
    services.discard_draft(draft=services.create_draft(scorecard=card, now=NOW, actor=editor), now=NOW, actor=editor)
    services.discard_draft(draft=services.create_draft(name="New", now=NOW, actor=editor), now=NOW, actor=editor)
    assert log()[-2:] == [("scorecard.draft_discarded", "Health"), ("scorecard.draft_discarded", "New")]
    assert not ScorecardDraft.objects.exists()


def test_three_accounts_can_be_pinned(card):
    draft = services.create_draft(scorecard=card, now=NOW, actor=None)
    services.pin_accounts(draft=draft, account_ids=[4, 3, 2, 1], now=NOW, actor=None)
    draft.refresh_from_db()
    assert draft.pinned_ids == [4, 3, 2]


# --- Scorecards ----------------------------------------------------------------------------------


def test_roll_back_publishes_the_old_configuration_as_a_new_version(card, editor):
    old = card.version
    services.publish_version(scorecard=card, config={**CONFIG, "minimum_confidence": 1}, now=NOW)
    version = services.roll_back(scorecard=card, to=old, now=LATER, actor=editor)
    assert (version.number, version.hash, version.name) == (3, old.hash, "Roll back to version 1")
    assert version.published_by == editor
    with pytest.raises(InvalidInput, match="Version 3, which is in force, says the same as version 1"):
        services.roll_back(scorecard=card, to=old, now=LATER, actor=editor)
    with pytest.raises(InvalidInput, match="Version 1 belongs to another scorecard"):
        services.roll_back(scorecard=make_scorecard("Other"), to=old, now=LATER, actor=editor)


def test_roll_back_to_what_no_longer_reads_says_why(card):
    old = card.version
    gone = deepcopy(CONFIG)
    gone["children"][1] |= {"metric": "nps", "scope": {"persona": 99}}
    gone = type(old).objects.create(scorecard=card, number=7, config=gone, hash="x")
    with pytest.raises(
        InvalidInput, match="CSM sentiment → there is no persona 99; choose another or remove the limit"
    ):
        services.roll_back(scorecard=card, to=gone, now=LATER, actor=None)


def test_a_new_version_changes_bands_with_the_origin_configuration(card):
    account = AccountFactory()
    use(account, NOW.date() - timedelta(days=1), 80)
    services.score_accounts(scorecard=card, now=NOW)
    draft = changed(services.create_draft(scorecard=card, now=NOW, actor=None), bands={"green": 90, "yellow": 40})
    services.publish_draft(draft=draft, now=LATER, actor=None, **REASON)
    card.refresh_from_db()
    services.score_accounts(scorecard=card, now=LATER)
    events = AccountEvent.objects.filter(account=account, kind="band.changed").order_by("pk")
    assert [(e.origin, e.payload["to"]) for e in events] == [("first_score", "green"), ("configuration", "yellow")]


def test_rename_and_owner(card, editor):
    services.update_scorecard(scorecard=card, name=" Customer health ", owner=editor, now=NOW, actor=editor)
    card.refresh_from_db()
    assert (card.name, card.owner) == ("Customer health", editor)
    make_scorecard("Other")
    with pytest.raises(InvalidInput, match="There is already a scorecard 'Other'"):
        services.update_scorecard(scorecard=card, name="Other", owner=None, now=NOW, actor=editor)


def test_switching_off_takes_the_scores_away_and_on_makes_everybody_due(card):
    account = AccountFactory()
    use(account, NOW.date() - timedelta(days=1), 80)
    second = make_scorecard("Second")
    for each in (card, second):
        services.score_accounts(scorecard=each, now=NOW)
    assert CurrentScore.objects.get(main_of="health").scorecard == card
    services.switch_scorecard(scorecard=card, is_live=False, now=LATER, actor=None)
    assert [(s.scorecard, s.is_main) for s in CurrentScore.objects.all()] == [(second, True)]
    assert CurrentScore.all_objects.get(scorecard=card).deleted_at == LATER
    Work.objects.all().delete()
    services.switch_scorecard(scorecard=card, is_live=True, now=LATER, actor=None)
    services.switch_scorecard(scorecard=card, is_live=True, now=LATER, actor=None)
    assert Work.objects.count() == 1
    assert [kind for kind, _ in log() if "switched" in kind] == ["scorecard.switched_off", "scorecard.switched_on"]


def test_priority_decides_which_score_is_the_main_one(card):
    account = AccountFactory()
    use(account, NOW.date() - timedelta(days=1), 80)
    second, third = make_scorecard("Second"), make_scorecard("Third")
    for each in (card, second, third):
        services.score_accounts(scorecard=each, now=NOW)
    services.move_scorecard(scorecard=third, step=-1, now=NOW, actor=None)
    assert [row.name for row in Scorecard.objects.all()] == ["Health", "Third", "Second"]
    services.move_scorecard(scorecard=third, step=-1, now=NOW, actor=None)
    services.move_scorecard(scorecard=third, step=-1, now=NOW, actor=None)
    assert [row.name for row in Scorecard.objects.all()] == ["Third", "Health", "Second"]
    assert CurrentScore.objects.get(main_of="health").scorecard == third


def test_put_away_and_taken_back(card):
    services.archive_scorecard(scorecard=card, now=NOW, actor=None)
    card.refresh_from_db()
    assert (card.archived_at, card.is_live) == (NOW, False)
    assert list(Scorecard.objects.current()) == []
    with pytest.raises(InvalidInput, match="put away"):
        services.publish_version(scorecard=card, config={**CONFIG, "minimum_confidence": 1}, now=NOW)
    with pytest.raises(InvalidInput, match="Only a published scorecard that is not put away can score"):
        services.switch_scorecard(scorecard=card, is_live=True, now=NOW, actor=None)
    services.restore_scorecard(scorecard=card, now=NOW, actor=None)
    card.refresh_from_db()
    assert (card.archived_at, card.is_live) == (None, False)


WRITES = {
    "create_draft": lambda card, draft: {"scorecard": card},
    "save_draft": lambda card, draft: {"draft": draft, "config": {}},
    "replace_draft": lambda card, draft: {"draft": draft, "config": {}},
    "pin_accounts": lambda card, draft: {"draft": draft, "account_ids": [1]},
    "publish_draft": lambda card, draft: {"draft": draft, **REASON},
    "discard_draft": lambda card, draft: {"draft": draft},
    "create_scorecard": lambda card, draft: {"name": "New", "config": CONFIG},
    "publish_version": lambda card, draft: {"scorecard": card, "config": {**CONFIG, "minimum_confidence": 1}},
    "update_scorecard": lambda card, draft: {"scorecard": card, "name": "New", "owner": None},
    "switch_scorecard": lambda card, draft: {"scorecard": card, "is_live": False},
    "move_scorecard": lambda card, draft: {"scorecard": card, "step": 1},
    "archive_scorecard": lambda card, draft: {"scorecard": card},
    "restore_scorecard": lambda card, draft: {"scorecard": card},
}


@pytest.mark.parametrize("name", WRITES)
def test_every_write_is_for_editors(card, name):
    draft = services.create_draft(scorecard=card, now=NOW, actor=None)
    before = len(log())
    with pytest.raises(PermissionDenied):
        getattr(services, name)(now=NOW, actor=UserFactory(access_level="contributor"), **WRITES[name](card, draft))
    draft.refresh_from_db()
    assert from_draft(draft.config) == card.version.config
    assert (Scorecard.objects.count(), card.versions.count(), len(log())) == (1, 1, before)


def test_a_run_that_was_under_way_writes_nothing_for_a_scorecard_switched_off(card, monkeypatch):
    account = AccountFactory()
    use(account, NOW.date() - timedelta(days=1), 80)
    whole = scores.compute

    def switched_off_meanwhile(*args, **options):
        found = whole(*args, **options)
        services.switch_scorecard(scorecard=Scorecard.objects.get(pk=card.pk), is_live=False, now=LATER, actor=None)
        return found

    monkeypatch.setattr(scores, "compute", switched_off_meanwhile)
    assert services.score_accounts(scorecard=card, now=NOW).written == 0
    assert not CurrentScore.objects.exists()
