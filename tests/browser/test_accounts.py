"""The accounts list, its condition editor and the pages beside it, in a real browser."""

import json
from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import expect

from accounts.models import Segment
from accounts.services import define_attribute
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
