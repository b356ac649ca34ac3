"""Users, teams, keys, the security log, the profile and the System page."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from cs_platform.timetable import TIMETABLE
from team.enums import AccessLevel
from team.models import ApiKey, User, Work
from team.schedules import declare
from team.services import create_api_key
from tests.browser.checks import axe, check_page, sideways
from tests.factories import PASSWORD, TeamFactory, UserFactory
from tests.team.sign_in import code_for

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def admin(signed_in):
    user = UserFactory(access_level=AccessLevel.ADMIN, name="Mira Kovač", email="mira@example.com")
    page = signed_in(user=user)
    page.user = user
    return page


@pytest.fixture
def furnished(admin):
    """A user in a team, keys in every state, dead and waiting work, a timetable."""
    now = timezone.now()
    team = TeamFactory(name="EMEA")
    admin.user.teams.add(team)
    UserFactory(name="", email="a.very.long.address.indeed@subsidiary.customer-success.example.com", is_active=False)
    scopes = ["accounts:read", "contacts:read", "subscriptions:write", "scores:read"]
    key, _ = create_api_key(name="HubSpot sync", scopes=scopes, now=now, actor=admin.user)
    Work.objects.create(kind="health.score_chunk", key="chunk 7", state="dead", attempts=5, finished_at=now)
    Work.objects.create(kind="team.canary", error="OperationalError: server closed the connection unexpectedly " * 4)
    declare(TIMETABLE, now=now)
    return {"user": admin.user.pk, "team": team.pk, "key": key.pk}


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("user_list", None),
        ("user_invite", None),
        ("user_change", "user"),
        ("team_change", "team"),
        ("api_key_list", None),
        ("api_key_create", None),
        ("security_log", None),
        ("profile", None),
        ("system", None),
    ],
)
def test_pages_bear_every_check(admin, furnished, name, of):
    check_page(admin, reverse(name, args=[furnished[of]] if of else []))


def test_somebody_is_invited_and_comes_in(admin, browser, live_server):
    admin.open(reverse("user_invite"))
    admin.get_by_label("E-mail").fill("nia@example.com")
    admin.get_by_label("Name").fill("Nia")
    admin.get_by_role("button", name="Invite").click()
    link = admin.locator("#password-link").inner_text()
    assert axe(admin) == []
    assert sideways(admin) == []
    assert admin.errors == []
    theirs = browser.new_context(base_url=live_server.url).new_page()
    theirs.goto(re.sub(r"^https?://[^/]+", "", link))
    theirs.locator("input[name=password1]").fill("a new secret 1")
    theirs.locator("input[name=password2]").fill("a new secret 1")
    theirs.get_by_role("button", name="Save password").click()
    theirs.wait_for_url("**/password/reset/key/done/")
    theirs.goto(reverse("account_login"))
    theirs.get_by_label("E-mail").fill("nia@example.com")
    theirs.get_by_label("Password").fill("a new secret 1")
    theirs.get_by_role("button", name="Sign in").click()
    expect(theirs.get_by_role("button", name="Your account: Nia")).to_be_visible()
    theirs.context.close()
    assert User.objects.get(email="nia@example.com").access_level == AccessLevel.CONTRIBUTOR


def test_a_key_is_created_and_copied(admin):
    admin.context.grant_permissions(["clipboard-read", "clipboard-write"])
    admin.open(reverse("api_key_create"))
    admin.get_by_label("Name").fill("CRM")
    admin.get_by_label("Read accounts").check()
    admin.get_by_role("button", name="Create key").click()
    key = admin.locator("#api-key").inner_text()
    admin.get_by_role("button", name="Copy").click()
    assert admin.evaluate("navigator.clipboard.readText()") == key
    assert axe(admin) == []
    assert admin.errors == []
    assert key.startswith(f"cs_live_{ApiKey.objects.get().prefix}_")


def test_two_factor_sign_in_is_set_up_and_used(page):
    user = UserFactory(email="mira@example.com")
    page.open(reverse("account_login"))
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Your account")).to_be_visible()
    page.open(reverse("mfa_activate_totp"))
    page.get_by_label("Password").fill(PASSWORD)  # once more, before the way to sign in is changed
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/2fa/totp/activate/")
    secret = re.search(r"[A-Z2-7]{32}", page.content())[0]
    assert page.locator("img.qr").evaluate("image => image.naturalWidth") > 0
    assert axe(page) == []
    page.locator("main input[name=code]").fill(code_for(secret))
    page.get_by_role("button", name="Switch on").click()
    page.wait_for_url("**/2fa/recovery-codes/**")
    assert axe(page) == []
    page.context.clear_cookies()
    page.open(reverse("account_login"))
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/2fa/authenticate/**")
    page.locator("main input[name=code]").fill(code_for(secret, 1))
    page.locator("main form button").first.click()
    expect(page.get_by_role("button", name="Your account")).to_be_visible()
    assert page.errors == []
