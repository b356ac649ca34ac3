"""Signing in and everything around it, and the error pages."""

import pytest
from playwright.sync_api import expect

from team.enums import AccessLevel
from tests.browser.checks import check_page
from tests.factories import PASSWORD, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("path", ["/login/", "/password/reset/", "/password/reset/done/"])
def test_pages_outside_bear_every_check(page, path):
    check_page(page, path)


@pytest.mark.parametrize("path", ["/password/change/", "/2fa/", "/sessions/", "/logout/"])
def test_pages_about_oneself_bear_every_check(signed_in, path):
    check_page(signed_in(AccessLevel.VIEWER), path)


def test_wrong_password_is_said_and_the_address_kept(page):
    UserFactory(email="mira@example.com")
    page.open("/login/")
    page.get_by_label("E-mail").fill("mira@example.com")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_have_value("mira@example.com")


def test_sign_in_reaches_the_page_asked_for(page):
    UserFactory(email="mira@example.com", name="Mira Kovač")
    page.open("/search/")
    page.get_by_label("E-mail").fill("mira@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/search/")
    expect(page.get_by_role("button", name="Your account: Mira Kovač")).to_be_visible()
    assert page.errors == []


def test_unknown_address_names_the_request(signed_in):
    page = signed_in(AccessLevel.VIEWER)
    check_page(page, "/no-such-page/", status=404)
    request_id = page.open("/no-such-page/").headers["x-request-id"]
    expect(page.locator("footer")).to_have_text(f"Request {request_id}")


def test_styleguide_is_for_admins(signed_in):
    assert signed_in(AccessLevel.EDITOR).open("/styleguide/").status == 404
