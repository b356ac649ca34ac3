"""Scorecards through the API: read, drafted, previewed, published, rolled back, and by whom."""

import pytest
from django.utils import timezone

from health.models import Scorecard, ScorecardDraft
from health.services import create_draft, score_accounts
from tests.api.conftest import ApiClient, make_key
from tests.conftest import NOW
from tests.factories import AccountFactory, UserFactory
from tests.health.cards import CONFIG, make_scorecard
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db
BRAVER = {**CONFIG, "bands": {"green": 90, "yellow": 40}}
WHY = {"name": "Strict", "reason": "Too rosy"}


@pytest.fixture
def card():
    return make_scorecard()


@pytest.fixture
def draft(card):
    return create_draft(scorecard=card, now=NOW, actor=None)


def refusal(response, status=400):
    assert response.status_code == status, response.content
    return [(each.get("pointer"), each["message"]) for each in response.json()["errors"]]


def test_scorecards_and_versions_are_read(api, card):
    row = {
        "id": str(card.pk), "name": "Health", "kind": "health", "is_live": True, "position": card.position,
        "owner": None, "version": 1, "created_at": "2026-06-15T12:00:00.000000Z", "archived_at": None,
    }  # fmt: skip
    assert api.read("/scorecards").json()["data"] == [row]
    assert api.read(f"/scorecards/{card.pk}").json() == row
    assert api.read("/scorecards?is_live=false").json()["data"] == []
    (version,) = api.read(f"/scorecard-versions?scorecard={card.pk}").json()["data"]
    assert version == api.read(f"/scorecard-versions/{card.version_id}").json()
    assert (version["number"], version["hash"], version["config"]) == (1, card.version.hash, card.version.config)
    assert api.read("/scorecard-versions?scorecard=999").json()["data"] == []
    assert api.read("/scorecards/999").status_code == 404


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("path", ["/scorecards", "/scorecard-versions", "/scorecard-drafts"])
def test_lists_ask_as_often_for_one_and_three(api, django_assert_max_num_queries, path, count):
    for n in range(count):
        create_draft(scorecard=make_scorecard(f"Card {n}"), now=NOW, actor=None)
    with django_assert_max_num_queries(5):
        assert len(api.read(path).json()["data"]) == count


def test_a_scorecard_is_changed(api, card):
    owner = UserFactory()
    answer = api.call("PATCH", f"/scorecards/{card.pk}", {"name": "Main", "owner": str(owner.pk), "is_live": False})
    assert (answer.status_code, answer.json()["name"], answer.json()["owner"]) == (200, "Main", str(owner.pk))
    assert answer.json()["is_live"] is False
    answer = api.call("PATCH", f"/scorecards/{card.pk}", {"is_archived": True, "owner": None})
    assert answer.json()["archived_at"] is not None
    assert refusal(api.call("PATCH", f"/scorecards/{card.pk}", {"is_live": True})) == [
        ("#/is_live", "Only a published scorecard that is not put away can score.")
    ]
    assert api.call("PATCH", f"/scorecards/{card.pk}", {"is_archived": False, "is_live": True}).json()["is_live"]


def test_bad_changes_are_refused_and_change_nothing(api, card):
    make_scorecard("Other")
    assert refusal(api.call("PATCH", f"/scorecards/{card.pk}", {"is_live": False, "name": "Other"})) == [
        ("#/name", "There is already a scorecard 'Other'.")
    ]
    assert refusal(api.call("PATCH", f"/scorecards/{card.pk}", {"owner": "999"}))[0][0] == "#/owner"
    assert refusal(api.call("PATCH", f"/scorecards/{card.pk}", {"colour": 1}))[0][0] == "#/colour"
    card.refresh_from_db()
    assert (card.name, card.is_live) == ("Health", True)


def test_from_draft_to_published_and_back(api, card):
    created = api.call("POST", "/scorecard-drafts", {"scorecard": str(card.pk)})
    assert created.status_code == 201
    path = f"/scorecard-drafts/{created.json()['id']}"
    assert created["Location"] == f"http://testserver/api/v1{path}"
    assert (created.json()["config"], created.json()["problems"]) == (card.version.config, [])
    wrong = {**CONFIG, "children": [*CONFIG["children"], {"key": "x", "label": "X", "metric": "luck"}]}
    answer = api.call("PATCH", path, {"config": wrong}).json()
    assert [(each["part"], each["field"]) for each in answer["problems"]] == [("X", "metric"), ("X", "curve")]
    assert refusal(api.read(f"{path}/preview"))[0][1].startswith("There is no metric 'luck'")
    assert refusal(api.call("POST", f"{path}/publish", WHY))[0][0] == "#"
    assert api.call("PATCH", path, {"config": BRAVER}).json()["problems"] == []
    assert api.read(path).json()["config"]["bands"] == {"green": 90, "yellow": 40}
    version = api.call("POST", f"{path}/publish", WHY, headers={"Idempotency-Key": "once"})
    again = api.call("POST", f"{path}/publish", WHY, headers={"Idempotency-Key": "once"})
    assert version.json() == again.json()
    assert (version.json()["number"], version.json()["name"], version.json()["reason"]) == (2, "Strict", "Too rosy")
    assert not ScorecardDraft.objects.exists()
    back = api.call("POST", f"/scorecards/{card.pk}/roll-back", {"version": 1}).json()
    assert (back["number"], back["hash"], back["name"]) == (3, card.version.hash, "Roll back to version 1")
    for number, words in ((1, "says the same as version 1"), (9, "Health has no version 9.")):
        ((pointer, message),) = refusal(api.call("POST", f"/scorecards/{card.pk}/roll-back", {"version": number}))
        assert (pointer, words in message) == ("#/version", True)


def test_preview_tells_whose_band_changes(api, card, draft):
    account = AccountFactory(name="Acme")
    use(account, timezone.now().date(), 80)
    score_accounts(scorecard=card, now=timezone.now())
    api.call("PATCH", f"/scorecard-drafts/{draft.pk}", {"config": BRAVER})
    found = api.read(f"/scorecard-drafts/{draft.pk}/preview").json()
    assert found == {
        "accounts": 1, "looked_at": 1, "consequences": found["consequences"],
        "before": {"red": 0, "yellow": 0, "green": 1, "unknown": 0},
        "after": {"red": 0, "yellow": 1, "green": 0, "unknown": 0},
        "changes": [{"account": str(account.pk), "name": "Acme", "before": {"score": 80.0, "band": "green"},
                     "after": {"score": 80.0, "band": "yellow"}}],
    }  # fmt: skip


def test_a_new_scorecard_by_draft(api):
    created = api.call("POST", "/scorecard-drafts", {"name": "Success", "kind": "success", "config": CONFIG}).json()
    assert (created["scorecard"], created["based_on"]) == (None, None)
    api.call("PATCH", f"/scorecard-drafts/{created['id']}", {"name": "Outcomes"})
    version = api.call("POST", f"/scorecard-drafts/{created['id']}/publish", WHY).json()
    assert (Scorecard.objects.get().name, version["number"]) == ("Outcomes", 1)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": ""}, "#/name"),
        ({"name": "Health"}, "#/name"),
        ({"name": "X", "kind": "luck"}, "#/kind"),
        ({"name": "X", "config": []}, "#/config"),
        ({"scorecard": "999"}, "#/scorecard"),
        ({"scorecard": 1}, "#/scorecard"),
        ({"name": "X", "colour": 1}, "#/colour"),
    ],
)
def test_drafts_that_cannot_begin(api, card, body, pointer):
    assert refusal(api.call("POST", "/scorecard-drafts", body))[0][0] == pointer
    assert not ScorecardDraft.objects.exists()


def test_a_draft_keeps_its_scorecard_and_is_thrown_away(api, draft):
    path = f"/scorecard-drafts/{draft.pk}"
    assert refusal(api.call("PATCH", path, {"version": 1}))[0][0] == "#/version"
    assert api.call("DELETE", path).status_code == 204
    assert api.read(path).status_code == 404


# --- Who may -------------------------------------------------------------------------------------

READS = ["/scorecards", "/scorecards/{card}", "/scorecard-versions", "/scorecard-versions/{version}"]
DRAFT_READS = ["/scorecard-drafts", "/scorecard-drafts/{draft}", "/scorecard-drafts/{draft}/preview"]
WRITES = [
    ("PATCH", "/scorecards/{card}", {"name": "X"}),
    ("POST", "/scorecards/{card}/roll-back", {"version": 1}),
    ("POST", "/scorecard-drafts", {"name": "X"}),
    ("PATCH", "/scorecard-drafts/{draft}", {"config": {}}),
    ("POST", "/scorecard-drafts/{draft}/publish", WHY),
    ("DELETE", "/scorecard-drafts/{draft}", None),
]


def filled(path, draft):
    return path.format(card=draft.scorecard_id, version=draft.based_on_id, draft=draft.pk)


@pytest.mark.parametrize(
    ("scopes", "reads", "draft_reads", "writes"),
    [
        (["scores:read"], 200, 403, 403),
        (["configuration:read"], 403, 200, 403),
        (["accounts:read", "accounts:write"], 403, 403, 403),
    ],
)
def test_keys_may_what_their_scopes_say(draft, scopes, reads, draft_reads, writes):
    api = ApiClient(make_key(*scopes))
    assert {api.read(filled(path, draft)).status_code for path in READS} == {reads}
    assert {api.read(filled(path, draft)).status_code for path in DRAFT_READS} == {draft_reads}
    for method, path, body in WRITES:
        assert api.call(method, filled(path, draft), body).status_code == writes, path
    assert (Scorecard.objects.get().name, ScorecardDraft.objects.count()) == ("Health", 1)


@pytest.mark.parametrize(
    ("level", "draft_reads", "writes"), [("viewer", 403, 403), ("contributor", 403, 403), ("editor", 200, None)]
)
def test_people_may_what_their_access_level_says(person, draft, level, draft_reads, writes):
    client = person(access_level=level)
    assert {client.read(filled(path, draft)).status_code for path in READS} == {200}
    assert {client.read(filled(path, draft)).status_code for path in DRAFT_READS} == {draft_reads}
    for method, path, body in WRITES:
        status = client.call(method, filled(path, draft), body).status_code
        assert status == writes if writes else status in {200, 201, 204, 400}, path
