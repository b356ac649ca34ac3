"""The scorecard editor in a real browser: every check on every part, by keyboard, and without JavaScript."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from health.drafts import places
from health.models import Scorecard, ScorecardDraft
from health.services import create_draft, pin_accounts, publish_version, score_accounts
from team.enums import AccessLevel
from tests.browser.checks import axe, check_page
from tests.factories import AccountFactory
from tests.health.cards import CONFIG, make_scorecard
from tests.health.usage_rows import use

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LIMITS = [
    {"key": "grave", "label": "Grave", "metric": "escalated_tickets", "is": "at_least", "value": 1, "then": "veto"}
]
CONDITION = {"all": [{"field": "tier", "op": "known"}]}


@pytest.fixture
def card():
    return make_scorecard()


@pytest.fixture
def book(card):
    """Twelve accounts with more and more events, scored."""
    now = timezone.now()
    for n in range(1, 13):
        use(AccountFactory(name=f"Account {n}"), now.date() - timedelta(days=1), 8 * n)
    score_accounts(scorecard=card, now=now)


@pytest.fixture
def draft(card):
    config = {**CONFIG, "bands": {"green": 80, "yellow": 30}, "limits": LIMITS}
    return create_draft(scorecard=card, config=config, now=timezone.now(), actor=None)


@pytest.mark.parametrize("part", ["root", "card", "applies", "p1", "p2", "p4"])
def test_every_part_of_the_editor_bears_every_check(signed_in, book, draft, part):
    pin_accounts(
        draft=draft, account_ids=[AccountFactory._meta.model.objects.first().pk], now=draft.created_at, actor=None
    )
    check_page(signed_in(AccessLevel.EDITOR), f"/settings/scorecards/drafts/{draft.pk}/?part={part}")


@pytest.mark.parametrize("name", ["preview", "changes", "publish"])
def test_pages_of_a_draft_bear_every_check(signed_in, book, draft, name):
    check_page(signed_in(AccessLevel.EDITOR), reverse(f"scorecard_draft_{name}", args=[draft.pk]))


def test_wrong_drafts_and_the_pages_around_bear_every_check(signed_in, card):
    wrong = {"bands": {"green": "x"}, "children": [{"label": "", "children": []}, {"metric": "nps", "curve": []}]}
    draft = create_draft(scorecard=card, config=wrong, now=timezone.now(), actor=None)
    publish_version(scorecard=card, config={**CONFIG, "minimum_confidence": 1}, now=timezone.now())
    page = signed_in(AccessLevel.EDITOR)
    for path in (
        f"/settings/scorecards/drafts/{draft.pk}/?part=p2",
        f"/settings/scorecards/drafts/{draft.pk}/publish/",
        f"/settings/scorecards/{card.pk}/?version=1",
        f"/settings/scorecards/{card.pk}/settings/",
        "/settings/scorecards/new/",
        "/settings/scorecards/",
    ):
        check_page(page, path)


def press(page, name, **options):
    """Focus a button and press Enter, as somebody without a mouse does."""
    button = page.get_by_role("button", name=name, **options).first
    button.focus()
    button.press("Enter")


def test_a_scorecard_is_built_from_nothing_by_keyboard(signed_in, book):
    Scorecard.objects.update(name="Old")
    page = signed_in(AccessLevel.EDITOR)
    page.open("/settings/scorecards/new/")
    page.get_by_label("Name").first.fill("Health")
    page.get_by_label("Nothing").check()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Draft of Health")).to_be_visible()
    press(page, "Group", exact=True)
    expect(page.locator("#label")).to_be_focused()
    page.keyboard.type("Usage")
    expect(page.locator("#draft-state")).to_have_text("Saved just now")
    press(page, "Measure in Usage")
    expect(page.locator("#label")).to_be_focused()
    page.get_by_label("What to measure").select_option("event_count")
    expect(page.get_by_label("Window")).to_have_value("28")
    expect(page.locator("#label")).to_have_value("Events")
    press(page, "More is better")
    expect(page.locator("#x-4")).not_to_have_value("")
    expect(page.locator("#draft-spread")).to_contain_text("a quarter lies below")
    page.locator("#x-1").fill(page.locator("#x-0").input_value())
    expect(page.locator("#error-curve")).to_contain_text("Two points have the value")
    expect(page.locator("#draft-problems")).to_contain_text("1 problem to mend")
    assert axe(page) == []
    press(page, "Undo last removal or preset")
    press(page, "More is better")
    expect(page.locator("#draft-problems")).to_have_text("")
    expect(page.locator("#draft-preview")).to_contain_text("12 accounts would be scored.", timeout=20_000)
    page.get_by_role("link", name="Publish…").press("Enter")
    page.get_by_label("Name of the version").fill("First")
    page.get_by_label("Why").fill("To begin with")
    press(page, "Publish")
    expect(page.get_by_text("Version 1 is in force.")).to_be_visible()
    made = Scorecard.objects.get(name="Health")
    assert [measure.use.metric for measure in made.version.card().measures] == ["event_count"]
    assert (made.version.name, made.version.note) == ("First", "To begin with")
    assert page.errors == []


def test_a_version_is_changed_previewed_published_and_rolled_back(signed_in, book, card):
    page = signed_in(AccessLevel.EDITOR)
    page.open(f"/settings/scorecards/{card.pk}/")
    press(page, "Edit", exact=True)
    press(page, "Bands and confidence")
    expect(page.get_by_label("Healthy from")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("80")
    expect(page.locator("#draft-preview")).to_contain_text("would change band.", timeout=20_000)
    page.get_by_label("Account to explain").fill("account 9")
    page.get_by_label("Account to explain").press("Enter")
    expect(page.locator("#draft-preview")).to_contain_text("With this draft", timeout=20_000)
    page.get_by_role("link", name="Publish…").press("Enter")
    expect(page.get_by_text("Healthy from")).to_be_visible()
    page.get_by_label("Name of the version").fill("Strict")
    page.get_by_label("Why").fill("Too rosy")
    press(page, "Publish")
    expect(page.get_by_text("What version 2 changed")).to_be_visible()
    page.get_by_role("link", name="Version 1", exact=True).press("Enter")
    press(page, "Roll back to this")
    page.get_by_role("button", name="Roll back", exact=True).press("Enter")
    expect(page.get_by_text("Version 3 says what version 1 said.")).to_be_visible()
    assert [version.hash for version in card.versions.all()][::2] == [card.version.hash] * 2
    assert page.errors == []


def test_it_is_built_without_javascript(browser, live_server, signed_in, card):
    cookies = signed_in(AccessLevel.EDITOR).page.context.cookies()
    draft = create_draft(scorecard=card, now=timezone.now(), actor=None)
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    context.add_cookies(cookies)
    page = context.new_page()
    page.goto(f"/settings/scorecards/drafts/{draft.pk}/")
    page.get_by_role("button", name="Measure in Usage").click()
    page.get_by_label("What to measure").select_option("active_contacts")
    page.get_by_role("button", name="Show its settings").click()
    page.get_by_label("Window").fill("14")
    page.get_by_label("Value of point 2").fill("5")
    page.get_by_role("button", name="Point", exact=True).click()
    page.get_by_role("textbox", name="Weight of Active people").fill("30")
    page.get_by_label("Lock the weight of Active people").check()
    page.get_by_role("button", name="Balance the rest of Usage").click()
    page.get_by_role("button", name="Move up").click()
    page.get_by_role("link", name="Show the preview").click()
    page.get_by_role("heading", name="Preview").wait_for()
    config = ScorecardDraft.objects.get().config
    usage = config["children"][0]["children"]
    assert [(node["key"], node["weight"]) for node in usage] == [("active_people", 30), ("events", 70)]
    assert usage[0]["params"] == {"days": 14}
    assert usage[0]["curve"] == [[0, 0], [5, 100], [15, 100]]
    assert len(list(places(config))) == 4
    context.close()
