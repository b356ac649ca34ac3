"""The accounts list, its condition editor and the pages beside it, in a real browser."""

import json
from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import expect

from accounts.enums import Tier
from accounts.models import Account, AttributeDefinition, Segment
from accounts.services import define_attribute, set_attributes
from health.models import CurrentScore
from health.scorecards import Band
from team.enums import AccessLevel
from tests.browser.checks import axe, check_page
from tests.conftest import NOW
from tests.factories import AccountFactory, ActivityFactory, CurrentScoreFactory, UserFactory
from tests.health.cards import make_scorecard

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TREE = {
    "any": [
        {"field": "stage", "op": "any_of", "value": ["onboarding"]},
        {"field": "arr", "op": "between", "value": [1, 2]},
        {"field": "renews_on", "op": "in_next", "value": 90},
        {"contacts": "all", "where": {"field": "title", "op": "contains", "value": "VP"}},
    ]
}


@pytest.fixture
def book():
    # Transactions that are not taken back empty the tables, these rows of a migration too.
    for key, kind, choices in (("csm", "user", []), ("tier", "choice", Tier.values)):
        AttributeDefinition.objects.get_or_create(
            entity="account", key=key, defaults={"label": key, "type": kind, "choices": choices, "is_builtin": True}
        )
    version = make_scorecard().version
    csm = UserFactory(name="Mira Kent")
    for n, stage in enumerate(["onboarding", "mature", "onboarding"]):
        account = AccountFactory(name=f"Account {n}", stage=stage, arr=Decimal(1000 * (n + 1)), csm=csm, tier="growth")
        ActivityFactory(account=account, occurred_at=NOW - timedelta(days=n))
        CurrentScoreFactory(
            account=account,
            scorecard=version.scorecard,
            version=version,
            score=Decimal(30 + 25 * n),
            band=[Band.RED, Band.YELLOW, Band.GREEN][n],
            previous_score=Decimal(50),
            as_of=NOW.date(),
        )
    AccountFactory(name="A rather long name of a company that has no score, no revenue and no renewal at all")


@pytest.mark.parametrize(
    "path",
    ["/accounts/", f"/accounts/?{urlencode({'filter': json.dumps(TREE)})}", "/accounts/?q=zzz", "/accounts/?filter=x",
     "/accounts/?c-match=all&c-0-field=stage&c-0-op=any_of&edit=add:c", "/accounts/new/",
     "/accounts/change/?all=1&q=Account",
     f"/segments/new/?{urlencode({'filter': json.dumps(TREE)})}", "/settings/fields/", "/settings/fields/new/"],
)  # fmt: skip
def test_pages_bear_every_check(signed_in, book, path):
    define_attribute(entity="account", key="plan", label="Plan", type="choice", choices=["Pro", "Team"])
    check_page(signed_in(AccessLevel.EDITOR), path)


def test_filter_is_built_in_place(signed_in, book):
    page = signed_in(AccessLevel.CONTRIBUTOR)
    page.open("/accounts/")
    page.get_by_text("Filter", exact=True).click()
    page.get_by_role("button", name="Condition", exact=True).click()
    page.get_by_label("Field").select_option("stage")
    page.get_by_label("Onboarding", exact=True).check()
    page.get_by_role("button", name="Group", exact=True).click()
    page.get_by_label("Field").nth(1).select_option("tier")
    page.get_by_label("Operator").nth(1).select_option("known")
    expect(page.get_by_label("Onboarding", exact=True)).to_be_checked()
    assert axe(page) == []
    page.get_by_role("button", name="Apply", exact=True).last.click()
    expect(page.locator("tbody tr")).to_have_count(2)
    assert json.loads(parse_qs(urlsplit(page.page.url).query)["filter"][0]) == {
        "all": [
            {"field": "stage", "op": "any_of", "value": ["onboarding"]},
            {"any": [{"field": "tier", "op": "known"}]},
        ]
    }
    page.get_by_label("Remove the filter Lifecycle stage is Onboarding").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    assert page.errors == []


def test_enter_applies_and_does_not_remove(signed_in, book):
    page = signed_in(AccessLevel.CONTRIBUTOR)
    page.open("/accounts/?c-match=all&c-0-field=arr&c-0-op=gt&edit=refresh")
    page.get_by_label("Number").fill("1,500")
    page.get_by_label("Number").press("Enter")
    expect(page.locator("tbody tr")).to_have_count(2)


def test_filter_is_built_without_javascript(browser, live_server, signed_in, book):
    cookies = signed_in(AccessLevel.CONTRIBUTOR).page.context.cookies()
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    context.add_cookies(cookies)
    page = context.new_page()
    page.goto("/accounts/")
    page.get_by_text("Filter", exact=True).click()
    page.get_by_role("button", name="Condition", exact=True).click()
    page.get_by_label("Field").select_option("stage")
    page.locator("noscript button").click()
    page.get_by_label("Mature", exact=True).check()
    page.get_by_role("button", name="Apply", exact=True).last.click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Save as…").click()
    page.get_by_label("Name", exact=False).first.fill("Grown up")
    page.get_by_role("button", name="Save segment").click()
    expect(page.get_by_role("link", name="Grown up")).to_have_attribute("aria-current", "page")
    assert Segment.objects.get().condition == {"all": [{"field": "stage", "op": "any_of", "value": ["mature"]}]}
    context.close()


def test_long_list_stays_light(signed_in, book):
    version = CurrentScore.objects.first().version
    csm = UserFactory(name="Mira Kent")
    for account in AccountFactory.create_batch(60, arr=Decimal(1200), renews_on=NOW.date(), csm=csm):
        ActivityFactory(account=account, occurred_at=NOW)
        CurrentScoreFactory(
            account=account, scorecard=version.scorecard, version=version, score=Decimal(50), band=Band.YELLOW,
            previous_score=Decimal(60), as_of=NOW.date(),
        )  # fmt: skip
    page = signed_in(AccessLevel.CONTRIBUTOR)
    page.open("/accounts/")
    expect(page.locator("tbody tr")).to_have_count(40)
    # A sparkline and two reasons, which these accounts have no scores for, come to 4 more a row.
    assert page.evaluate("document.querySelectorAll('*').length") <= 1500 - 4 * 40


def test_many_accounts_are_changed_by_keyboard_alone(signed_in, book):
    page = signed_in(AccessLevel.CONTRIBUTOR)
    page.open("/accounts/")
    bar = page.locator("[data-bulk-bar]")
    expect(bar).to_be_hidden()
    page.get_by_label("Select Account 0").focus()
    page.keyboard.press("Space")
    page.get_by_label("Select Account 2").focus()
    page.keyboard.press("Space")
    expect(bar).to_contain_text("Selected: 2")
    assert axe(page) == []
    page.get_by_role("button", name="Change…", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Change 2 accounts")).to_be_visible()
    page.get_by_label("Tier").focus()
    page.keyboard.type("Ent")
    page.keyboard.press("Tab")
    page.keyboard.type("Prices rise in May.")
    page.get_by_role("button", name="Change 2 accounts").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status", name="Messages")).to_contain_text(
        "2 accounts changed; a note written on 2 accounts."
    )
    assert set(Account.objects.filter(tier="enterprise").values_list("name", flat=True)) == {"Account 0", "Account 2"}
    assert page.errors == []


def test_accounts_are_picked_and_columns_chosen_on_a_phone_without_javascript(browser, live_server, signed_in, book):
    cookies = signed_in(AccessLevel.CONTRIBUTOR).page.context.cookies()
    context = browser.new_context(
        base_url=live_server.url, java_script_enabled=False, viewport={"width": 390, "height": 800}
    )
    context.add_cookies(cookies)
    page = context.new_page()
    one = Account.objects.get(name="Account 1")
    set_attributes(row=one, values={"csm": UserFactory().pk}, now=NOW)
    page.goto("/accounts/?q=Account")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("ARR", exact=True).uncheck()
    page.get_by_label("CSM", exact=True).check()
    page.get_by_role("button", name="Show these").click()
    expect(page.locator("thead th")).to_have_text(
        ["Account", "Health", "14 weeks", "Why", "Renewal", "Stage", "Last activity", "CSM"]
    )
    page.get_by_label("Select Account 1").check()
    page.get_by_role("button", name="Change…", exact=True).click()
    page.get_by_label("CSM").select_option(label="Nobody")
    page.get_by_role("button", name="Change 1 account").click()
    assert Account.objects.get(name="Account 1").csm is None
    assert page.url.endswith("/accounts/?q=Account")
    context.close()
