"""The pages of scorecards and their editor: each change works, keeps bad input, and is for editors."""

import re

import pytest
from django.urls import reverse

from health import services
from health.drafts import find, from_draft, places
from health.models import Scorecard, ScorecardDraft
from health.scorecard_text import read_text
from tests.conftest import NOW
from tests.factories import AccountFactory, PersonaFactory, UserFactory
from tests.health.cards import CONFIG, make_scorecard
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(client):
    user = UserFactory(access_level="editor", name="Edith")
    client.force_login(user)
    return user


@pytest.fixture
def card():
    return make_scorecard()


@pytest.fixture
def draft(card):
    return services.create_draft(scorecard=card, now=NOW, actor=None)


def text(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def edit(client, draft, **fields):
    """Send the editor's form; returns the draft as it is then."""
    response = client.post(reverse("scorecard_draft", args=[draft.pk]), {"part": "root", **fields})
    assert response.status_code == 302, response.content
    draft.refresh_from_db()
    draft.shown = response["Location"].rpartition("=")[2]
    return draft


# --- The editor ----------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["root", "card", "applies", "p1", "p2", "p3", "p99"])
def test_editor_shows_every_part(client, editor, draft, part):
    page = text(client.get(reverse("scorecard_draft", args=[draft.pk]), {"part": part}))
    assert "Draft of Health" in page
    assert "Begun from version 1" in page
    assert "75.0 %" in page
    shown = {
        "card": "Minimum confidence", "applies": "Without a condition it applies to every account", "p1": "Group",
        "p2": "How many usage events the account sent in the window", "p3": "Too old after",
    }  # fmt: skip
    assert shown.get(part, "Each measure turns a number about an account into 0 to 100 points") in page


def test_weights_and_locks_are_kept_whatever_they_are(client, editor, draft):
    edit(client, draft, **{"w-p1": "60", "l-p1": "on", "w-p2": "1,5", "w-p3": "much"})
    weights = [(place.node["weight"], place.node.get("locked")) for place in places(draft.config)]
    assert weights == [(60, True), (15, None), ("much", None)]
    assert draft.updated_by == editor
    page = text(client.get(reverse("scorecard_draft", args=[draft.pk]), {"part": "p3"}))
    assert "CSM sentiment: &#x27;much&#x27; is not a number." in page
    assert 'value="much"' in client.get(reverse("scorecard_draft", args=[draft.pk])).content.decode()


def test_a_nul_character_is_left_out(client, editor, draft):
    edit(client, draft, part="p2", label="Use\x00d", metric="event_count", **{"w-p1": "6\x000"})
    node = draft.config["children"][0]
    assert (node["weight"], node["children"][0]["label"]) == (60, "Used")


def test_a_draft_that_is_gone_leads_to_the_list(client, editor, draft, monkeypatch):
    monkeypatch.setattr("health.views.scorecard_drafts._get_draft", lambda request, pk: draft)
    ScorecardDraft.objects.all().delete()
    response = client.post(reverse("scorecard_draft", args=[draft.pk]), {"part": "root"})
    assert response["Location"] == reverse("scorecard_list")


def test_balance_the_rest_keeps_the_locked(client, editor, draft):
    edit(client, draft, **{"w-p1": "40", "l-p1": "on", "w-p3": "3", "do": "balance:root"})
    assert [place.node["weight"] for place in places(draft.config)] == [40, 1, 60]
    edit(client, draft, do="undo")
    assert [place.node["weight"] for place in places(draft.config)] == [40, 1, 3]


def test_balance_that_cannot_be_says_why(client, editor, draft):
    url = reverse("scorecard_draft", args=[draft.pk])
    sent = {"part": "root", "w-p1": "60", "l-p1": "on", "w-p3": "30", "l-p3": "on", "do": "balance:root"}
    page = text(client.post(url, sent, follow=True))
    assert "All weights are locked, and they sum to 90, not 100; unlock one." in page
    fragment = client.post(url, sent, headers={"HX-Request": "true"})
    assert "<html" not in fragment.content.decode()
    assert "All weights are locked, and they sum to 90, not 100; unlock one." in text(fragment)


def test_parts_are_added_filled_moved_and_removed(client, editor, draft):
    persona = PersonaFactory(name="Admins")
    edit(client, draft, do="add-group:root")
    assert draft.shown == "p4"
    edit(client, draft, part="p4", label="Money", key="", do="add-measure:p4")
    assert draft.shown == "p5"
    edit(client, draft, part="p5", label="", key="", metric="active_contacts")
    edit(
        client, draft, part="p5", label="Admins at work", key="admins", metric="active_contacts",
        missing="zero", fresh_days="30",
        **{"param-days": "7", "param-events": "Login\n\n Report ", "scope-persona": persona.pk, "scope-role": "",
           "x-0": "0", "y-0": "0", "x-1": "2.5", "y-1": "100", "x-2": "", "y-2": ""},
    )  # fmt: skip
    assert find(draft.config, "p5").node == {
        "id": "p5", "key": "admins", "label": "Admins at work", "weight": 1, "metric": "active_contacts",
        "params": {"days": 7, "events": ["Login", "Report"]}, "scope": {"persona": persona.pk},
        "curve": [[0, 0], [2.5, 100]], "missing": "zero", "fresh_days": 30,
    }  # fmt: skip
    edit(client, draft, part="root", do="up:p4")
    assert [place.node["key"] for place in places(draft.config)] == ["usage", "events", "money", "admins", "sentiment"]
    edit(client, draft, part="root", do="into:p5", into="p1")
    assert [place.node["key"] for place in places(draft.config)] == ["usage", "events", "admins", "money", "sentiment"]
    edit(client, draft, part="p1", do="remove:p1", label="Usage", key="usage")
    assert [place.node["key"] for place in places(draft.config)] == ["money", "sentiment"]
    edit(client, draft, do="undo")
    assert [place.node["key"] for place in places(draft.config)][:3] == ["usage", "events", "admins"]


def test_choosing_a_metric_names_the_measure_and_drops_what_the_new_one_has_not(client, editor, draft):
    sent = {"part": "p3", "key": "sentiment", "label": "CSM sentiment", "x-0": "1", "y-0": "0", "x-1": "5", "y-1": "9"}
    edit(client, draft, metric="nps", **sent, **{"param-days": "90", "param-minimum": "3", "scope-role": "champion"})
    node = find(draft.config, "p3").node
    assert (node["label"], node["params"], node["scope"]) == ("NPS", {"days": 90, "minimum": 3}, {"role": "champion"})
    edit(client, draft, metric="tenure_days", **{**sent, "label": "Kept"}, **{"param-days": "90"})
    node = find(draft.config, "p3").node
    assert (node["label"], node["metric"], "params" in node, "scope" in node) == ("Kept", "tenure_days", False, False)


def test_curve_points_are_added_and_removed(client, editor, draft):
    sent = {"part": "p3", "key": "sentiment", "label": "S", "metric": "csm_sentiment"}
    points = {"x-0": "1", "y-0": "0", "x-1": "5", "y-1": "abc"}
    edit(client, draft, **sent, **points, do="add-point")
    assert find(draft.config, "p3").node["curve"] == [[1, 0], [5, "abc"], [15, 0]]
    edit(client, draft, **sent, **points, do="remove-point:0")
    assert find(draft.config, "p3").node["curve"] == [[5, "abc"]]
    edit(client, draft, **sent, **points, do="remove-point:99")
    assert find(draft.config, "p3").node["curve"] == [[1, 0], [5, "abc"]]


def test_presets_make_a_curve_of_the_book(client, editor, draft):
    url = reverse("scorecard_draft", args=[draft.pk])
    sent = {"part": "p2", "key": "events", "label": "E", "metric": "event_count", "param-days": "7", "x-0": "1"}
    assert "Too few different values are known in your book" in text(
        client.post(url, {**sent, "do": "preset:more"}, follow=True)
    )
    from django.core.cache import cache
    from django.utils import timezone

    cache.clear()
    for count in range(1, 12):
        use(AccountFactory(), timezone.now().date(), count)
    edit(client, draft, **sent, do="preset:more")
    assert find(draft.config, "p2").node["curve"] == [[2, 0], [3.5, 30], [6, 55], [8.5, 80], [10, 100]]
    edit(client, draft, **sent, do="preset:less")
    assert find(draft.config, "p2").node["curve"] == [[2, 100], [3.5, 70], [6, 45], [8.5, 20], [10, 0]]
    page = text(client.get(url, {"part": "p2"}))
    assert "a quarter lies below 3.5" in page


def test_limits_are_edited(client, editor, draft):
    edit(client, draft, do="add-limit:root")
    assert draft.shown == "p4"
    edit(
        client, draft, part="p4", label="Escalated", key="", metric="escalated_tickets", value="1", then="cap",
        score="39.99", **{"is": "at_least"},
    )  # fmt: skip
    assert draft.config["limits"] == [
        {"id": "p4", "key": "escalated", "label": "Escalated", "metric": "escalated_tickets", "is": "at_least",
         "value": 1, "then": "cap", "score": 39.99}
    ]  # fmt: skip
    edit(client, draft, part="p4", label="Escalated", key="escalated", metric="escalated_tickets", value="x",
         then="veto", score="5", **{"is": "at_most"})  # fmt: skip
    assert (draft.config["limits"][0]["value"], "score" in draft.config["limits"][0]) == ("x", False)
    edit(client, draft, do="remove:p4")
    assert "limits" not in draft.config


def test_bands_and_confidence(client, editor, draft):
    edit(client, draft, part="card", green="80", yellow="low", minimum_confidence="")
    assert draft.config["bands"] == {"green": 80, "yellow": "low"}
    page = client.get(reverse("scorecard_draft", args=[draft.pk]), {"part": "card"})
    assert 'value="low"' in page.content.decode()
    assert "&#x27;low&#x27; is not a number." in text(page)
    assert "this is a whole number from 0 to 100, not &#x27;&#x27;" in text(page)


def test_applies_to_is_a_condition_edited_in_place(client, editor, draft):
    url = reverse("scorecard_draft", args=[draft.pk])
    first = {"part": "applies", "c-match": "all", "edit": "add:c"}
    assert "Choose a field" in text(client.post(url, first))
    fragment = client.post(url, first, headers={"HX-Request": "true"}).content.decode()
    assert fragment.count("<condition-editor") == 1
    assert "draft-editor" not in fragment
    row = {"c-match": "all", "c-0-field": "tier", "c-0-op": "any_of", "c-0-value": "growth"}
    edit(client, draft, part="applies", **row)
    assert draft.config["applies_to"] == {"all": [{"field": "tier", "op": "any_of", "value": ["growth"]}]}
    edit(client, draft, part="applies", **{"c-match": "all"})
    assert "applies_to" not in draft.config


def test_autosave_answers_the_editor_alone(client, editor, draft):
    answer = client.post(
        reverse("scorecard_draft", args=[draft.pk]),
        {"part": "p3", "label": "Mood", "key": "sentiment", "metric": "csm_sentiment", "x-0": "1", "y-0": "1"},
        headers={"HX-Request": "true"},
    )
    page = answer.content.decode()
    assert page.strip().startswith("<draft-editor")
    assert "A curve is a list of 2 to 50 points" in page
    draft.refresh_from_db()
    assert find(draft.config, "p3").node["label"] == "Mood"


def test_a_new_scorecard_can_be_renamed_while_it_is_a_draft(client, editor):
    draft = services.create_draft(name="New", now=NOW, actor=None)
    edit(client, draft, part="card", name="Success", green="70", yellow="40", minimum_confidence="40")
    assert draft.name == "Success"
    assert "Draft of Success" in text(client.get(reverse("scorecard_draft", args=[draft.pk])))


# --- Preview and publishing ----------------------------------------------------------------------


@pytest.fixture
def scored(card):
    from django.utils import timezone

    account = AccountFactory(name="Acme =1")
    use(account, timezone.now().date(), 80)
    services.score_accounts(scorecard=card, now=timezone.now())
    return account


def test_preview_shows_who_would_change_band(client, editor, draft, scored):
    edit(client, draft, part="card", green="90", yellow="40", minimum_confidence="40")
    pin = client.post(reverse("scorecard_draft_pin", args=[draft.pk]), {"account": "acme"})
    assert pin.status_code == 302
    page = text(client.get(reverse("scorecard_draft_preview", args=[draft.pk])))
    assert "1 account would change band." in page
    assert "1: Healthy → Watch" in page
    assert "Acme =1" in page
    fragment = client.get(reverse("scorecard_draft_preview", args=[draft.pk]), headers={"HX-Request": "true"})
    assert "<html" not in fragment.content.decode()
    assert "From baseline 50 to with this draft 80" in fragment.content.decode()
    listed = text(client.get(reverse("scorecard_draft_changes", args=[draft.pk])))
    assert "Acme =1" in listed
    file = client.get(reverse("scorecard_draft_changes", args=[draft.pk]), {"format": "csv"})
    assert b"".join(file.streaming_content).decode().splitlines() == [
        "account_id,account,score_now,band_now,score_with_draft,band_with_draft",
        f"{scored.pk},Acme =1,80.0,Healthy,80.0,Watch",
    ]
    client.post(reverse("scorecard_draft_pin", args=[draft.pk]), {"unpin": scored.pk})
    draft.refresh_from_db()
    assert draft.pinned_ids == []


def test_preview_of_a_wrong_draft_says_so(client, editor, draft):
    edit(client, draft, part="card", green="x", yellow="40", minimum_confidence="40")
    assert "Mend the 1 problem first" in text(client.get(reverse("scorecard_draft_preview", args=[draft.pk])))
    assert client.get(reverse("scorecard_draft_changes", args=[draft.pk])).status_code == 302


def test_pin_of_nobody_says_so(client, editor, draft):
    page = client.post(reverse("scorecard_draft_pin", args=[draft.pk]), {"account": "Nobody"}, follow=True)
    assert "No account has this name." in text(page)


def test_publish_shows_the_differences_and_makes_a_version(client, editor, draft, card):
    edit(client, draft, part="card", green="90", yellow="40", minimum_confidence="40")
    url = reverse("scorecard_draft_publish", args=[draft.pk])
    page = text(client.get(url))
    assert "Differences from version 1" in page
    assert "Healthy from 70 → 90" in page
    bad = client.post(url, {"name": "Strict", "reason": " "})
    assert bad.status_code == 422
    assert 'value="Strict"' in bad.content.decode()
    done = text(client.post(url, {"name": "Strict", "reason": "Too rosy"}, follow=True))
    assert "Version 2 is in force. Everybody is scored again within minutes." in done
    assert "Version 2 “Strict”" in done
    assert "What version 2 changed" in done
    assert not ScorecardDraft.objects.exists()


def test_publish_warns_of_a_version_that_came_between(client, editor, draft, card):
    services.publish_version(scorecard=card, config={**CONFIG, "minimum_confidence": 1}, now=NOW)
    page = text(client.get(reverse("scorecard_draft_publish", args=[draft.pk])))
    assert "Version 2 was published since this draft was begun from version 1." in page


def test_publish_of_the_same_says_that_nothing_differs(client, editor, draft):
    url = reverse("scorecard_draft_publish", args=[draft.pk])
    assert "Nothing differs from the version in force" in text(client.get(url))
    answer = client.post(url, {"name": "A", "reason": "B"})
    assert answer.status_code == 422
    assert "This says the same as version 1, which is in force" in text(answer)


def test_publish_refuses_a_draft_with_problems(client, editor, draft):
    edit(client, draft, part="card", green="x", yellow="40", minimum_confidence="40")
    url = reverse("scorecard_draft_publish", args=[draft.pk])
    assert "To mend first" in text(client.get(url))
    assert client.post(url, {"name": "A", "reason": "B"}).status_code == 422
    assert ScorecardDraft.objects.count() == 1


def test_discard(client, editor, draft, card):
    answer = client.post(reverse("scorecard_draft_discard", args=[draft.pk]))
    assert answer["Location"] == reverse("scorecard", args=[card.pk])
    other = services.create_draft(name="New", now=NOW, actor=None)
    assert client.post(reverse("scorecard_draft_discard", args=[other.pk]))["Location"] == reverse("scorecard_list")
    assert not ScorecardDraft.objects.exists()


# --- Around the editor ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "name", "measures"),
    [
        ({"name": "Empty", "start": "nothing"}, "Empty", 0),
        ({"name": "Start", "start": "starter", "kind": "success"}, "Start", 5),
        ({"start": "text", "text": "name: From text\nkind: happiness\nchildren: []"}, "From text", 0),
    ],
)
def test_new_scorecard_begins_as_a_draft(client, editor, fields, name, measures):
    answer = client.post(reverse("scorecard_new"), fields)
    draft = ScorecardDraft.objects.get()
    assert answer["Location"] == reverse("scorecard_draft", args=[draft.pk])
    assert (draft.name, sum("children" not in place.node for place in places(draft.config))) == (name, measures)
    assert not Scorecard.objects.exists()


def test_new_scorecard_can_copy_another(client, editor, card):
    client.post(reverse("scorecard_new"), {"name": "Copy", "start": card.pk})
    assert from_draft(ScorecardDraft.objects.get().config) == card.version.config


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "", "start": "nothing"}, "A scorecard needs a name of at most 80 characters."),
        ({"name": "Health", "start": "nothing"}, "There is already a scorecard"),
        ({"name": "X", "start": "text", "text": "a: [1"}, "This is no YAML that can be read"),
        ({"name": "X", "start": "99"}, "Select a valid choice"),
    ],
)
def test_new_scorecard_keeps_bad_input(client, editor, card, fields, words):
    answer = client.post(reverse("scorecard_new"), fields)
    assert answer.status_code == 422
    assert words in text(answer)
    assert not ScorecardDraft.objects.exists()


def test_edit_begins_a_draft_of_the_version_asked_for(client, editor, card):
    services.publish_version(scorecard=card, config={**CONFIG, "minimum_confidence": 1}, now=NOW)
    for sent, confidence in (({}, 1), ({"version": "1"}, 40), ({"version": "x"}, 1)):
        client.post(reverse("scorecard_edit", args=[card.pk]), sent)
        assert ScorecardDraft.objects.first().config["minimum_confidence"] == confidence
        ScorecardDraft.objects.all().delete()


def test_roll_back_in_one_step(client, editor, card):
    services.publish_version(scorecard=card, config={**CONFIG, "minimum_confidence": 1}, now=NOW)
    page = text(client.get(reverse("scorecard", args=[card.pk]), {"version": 1}))
    assert "Roll back to this" in page
    url = reverse("scorecard_roll_back", args=[card.pk, 1])
    assert "Version 3 says what version 1 said" in text(client.post(url, follow=True))
    assert "says the same as version 1" in text(client.post(url, follow=True))
    assert client.post(reverse("scorecard_roll_back", args=[card.pk, 9])).status_code == 404


def test_settings_switch_order_and_archive(client, editor, card):
    second = make_scorecard("Second")
    client.post(reverse("scorecard_settings", args=[card.pk]), {"name": "Main", "owner": editor.pk})
    card.refresh_from_db()
    assert (card.name, card.owner) == ("Main", editor)
    bad = client.post(reverse("scorecard_settings", args=[card.pk]), {"name": "Second"})
    assert (bad.status_code, "There is already a scorecard" in text(bad)) == (422, True)
    client.post(reverse("scorecard_move", args=[second.pk]), {"direction": "up"})
    assert list(Scorecard.objects.values_list("name", flat=True)) == ["Second", "Main"]
    client.post(reverse("scorecard_switch", args=[card.pk]), {"is_live": "false"})
    assert "Not live" in text(client.get(reverse("scorecard_list")))
    client.post(reverse("scorecard_archive", args=[card.pk]))
    page = text(client.get(reverse("scorecard_list")))
    assert "Put away Main" in page
    assert "Take back" in text(client.get(reverse("scorecard", args=[card.pk])))
    client.post(reverse("scorecard_restore", args=[card.pk]))
    client.post(reverse("scorecard_switch", args=[card.pk]), {"is_live": "true"})
    card.refresh_from_db()
    assert (card.is_live, card.archived_at) == (True, None)


def test_yaml_of_a_version_and_of_a_draft_reads_back(client, editor, card, draft):
    answer = client.get(reverse("scorecard_yaml", args=[card.pk]))
    assert answer["Content-Disposition"] == 'attachment; filename="health-v1.yaml"'
    assert read_text(answer.content.decode()).config == card.version.config
    answer = client.get(reverse("scorecard_draft_yaml", args=[draft.pk]))
    assert read_text(answer.content.decode()).config == card.version.config


@pytest.mark.parametrize("count", [1, 3])
def test_list_asks_as_often_for_one_and_three(client, editor, django_assert_num_queries, count):
    for n in range(count):
        services.create_draft(scorecard=make_scorecard(f"Card {n}"), now=NOW, actor=editor)
    client.get(reverse("scorecard_list"))
    with django_assert_num_queries(6):
        client.get(reverse("scorecard_list"))


# --- Who may -------------------------------------------------------------------------------------

READS = ["scorecard_draft", "scorecard_draft_preview", "scorecard_draft_changes", "scorecard_draft_yaml",
         "scorecard_draft_publish"]  # fmt: skip
DRAFT_WRITES = ["scorecard_draft", "scorecard_draft_pin", "scorecard_draft_publish", "scorecard_draft_discard"]
CARD_WRITES = ["scorecard_edit", "scorecard_settings", "scorecard_switch", "scorecard_move", "scorecard_archive",
               "scorecard_restore"]  # fmt: skip
POST_ONLY = ["scorecard_draft_pin", "scorecard_draft_discard", "scorecard_edit", "scorecard_switch", "scorecard_move",
             "scorecard_archive", "scorecard_restore"]  # fmt: skip


@pytest.mark.parametrize("level", ["viewer", "contributor"])
def test_only_editors_see_and_change_drafts_and_scorecards(client, draft, card, level):
    client.force_login(UserFactory(access_level=level))
    before = (draft.config, card.name, card.version_id)
    for name in READS:
        assert client.get(reverse(name, args=[draft.pk])).status_code == 403, name
    for name in DRAFT_WRITES:
        assert client.post(reverse(name, args=[draft.pk]), {"part": "root", "w-p1": "9"}).status_code == 403, name
    for name in CARD_WRITES:
        sent = {"name": "X", "is_live": "false", "direction": "up"}
        assert client.post(reverse(name, args=[card.pk]), sent).status_code == 403, name
    assert client.post(reverse("scorecard_roll_back", args=[card.pk, 1])).status_code == 403
    for method in (client.get, client.post):
        assert method(reverse("scorecard_new"), {"name": "X", "start": "nothing"}).status_code == 403
    draft.refresh_from_db()
    card.refresh_from_db()
    assert (draft.config, card.name, card.version_id) == before
    assert (Scorecard.objects.count(), ScorecardDraft.objects.count(), card.is_live) == (1, 1, True)


def test_everybody_reads_scorecards_and_their_yaml(client, card):
    client.force_login(UserFactory(access_level="viewer"))
    page = text(client.get(reverse("scorecard", args=[card.pk])))
    assert "Edit" not in page.split("Measures")[0]
    assert client.get(reverse("scorecard_yaml", args=[card.pk])).status_code == 200
    assert "New scorecard" not in text(client.get(reverse("scorecard_list")))


@pytest.mark.parametrize("name", POST_ONLY)
def test_changes_refuse_get(client, editor, draft, card, name):
    pk = draft.pk if "draft" in name else card.pk
    assert client.get(reverse(name, args=[pk])).status_code == 405
    assert client.post(reverse(name, args=[999_999])).status_code == 404
