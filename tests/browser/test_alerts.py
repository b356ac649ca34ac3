"""The pages of alerts, in a real browser."""

import pytest
from django.utils import timezone

from health.models import Alert
from health.services.alert_rules import create_rule, ensure_starter_rules
from team.enums import AccessLevel
from tests.browser.checks import check_page
from tests.factories import AccountFactory, CurrentScoreFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def rule():
    """Two accounts with an alert each, and the shipped rules."""
    now = timezone.now()
    for name, arr in [("Northwind Logistics", 90_000), ("Acme", 1_000)]:
        CurrentScoreFactory(account=AccountFactory(name=name, arr=arr, renews_on=now.date()), score=30, band=1)
    ensure_starter_rules(now=now)
    enter = {"field": "health_band", "op": "any_of", "value": ["red"]}
    fields = {"name": "Red now", "enter": enter, "guidance": "Call the champion."}
    return create_rule(fields=fields, now=now, raise_standing=True)


def test_inbox_bears_every_check(signed_in, rule):
    check_page(signed_in(AccessLevel.CONTRIBUTOR), "/alerts/?book=all")


@pytest.mark.parametrize("path", ["", "new/", "{pk}/"])
def test_rule_pages_bear_every_check(signed_in, rule, path):
    check_page(signed_in(AccessLevel.EDITOR), f"/settings/alerts/{path.format(pk=rule.pk)}")


def test_keys_go_through_the_inbox(signed_in, rule):
    page = signed_in(AccessLevel.CONTRIBUTOR)
    page.open("/alerts/?book=all")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert "Northwind" in page.evaluate("document.activeElement.closest('.inbox-group').innerText")
    with page.expect_navigation():
        page.keyboard.press("a")
    page.wait_for_selector("text=is acknowledged")
    assert [a.account.name for a in Alert.objects.filter(state="acknowledged")] == ["Northwind Logistics"]


def test_each_condition_is_edited_in_place(signed_in, rule):
    page = signed_in(AccessLevel.EDITOR)
    page.open(f"/settings/alerts/{rule.pk}/")
    page.click("button[value='add:leave']")
    page.wait_for_selector("#leave-0-field")
    assert page.locator("#condition-editor-enter .cond-row").count() == 1
    assert page.locator("#condition-editor-leave .cond-row").count() == 1


def test_open_alerts_at_the_top_of_an_account_bear_every_check(signed_in, rule):
    alert = Alert.objects.filter(state="open").first()
    page = signed_in(AccessLevel.CONTRIBUTOR)
    check_page(page, f"/accounts/{alert.account_id}/")
    check_page(page, "/?book=all")
