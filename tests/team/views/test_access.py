"""Who may open which page, and who may change what by it."""

import pytest
from django.urls import get_resolver, reverse
from django.urls.resolvers import URLPattern

from team.models import ApiKey, SecurityEvent, Team, User
from tests.factories import TeamFactory, UserFactory

pytestmark = pytest.mark.django_db

PAGES = ["user_list", "user_invite", "api_key_list", "api_key_create", "security_log", "security_log_csv", "system"]
CHANGES = [
    "user_password_link",
    "user_sign_out",
    "user_reset_factors",
    "team_delete",
    "api_key_rotate",
    "api_key_revoke",
    "work_retry",
    "work_discard",
    "schedule_run",
]
FORMS = ["user_change", "team_change"]

# What strangers may open. Whoever adds an address here says why it needs no sign-in.
PUBLIC = {
    "account_login",
    "account_logout",  # it sends strangers to sign in
    "account_inactive",
    "account_signup",  # says that sign-up is closed
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",  # the link is the proof
    "account_reset_password_from_key_done",
    "mfa_authenticate",  # the second step of signing in
    "metrics",  # this machine or METRICS_TOKEN
}
PUBLIC_FOLDERS = ("api/", "v1/", "batch", "capture", "e/", "i/", "flags", "decide", "track", "s/")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("level", ["viewer", "contributor", "editor"])
def test_admin_pages_are_for_admins(client, name, level):
    client.force_login(UserFactory(access_level=level))
    assert client.get(reverse(name)).status_code == 403


@pytest.mark.parametrize("name", [*PAGES, "profile", "my_day"])
def test_pages_ask_strangers_to_sign_in(client, name):
    response = client.get(reverse(name))
    assert response.status_code == 302
    assert response["Location"] == f"{reverse('account_login')}?next={reverse(name)}"


@pytest.mark.parametrize("name", PAGES)
def test_admin_pages_open_and_are_kept_nowhere(client, admin, name):
    response = client.get(reverse(name))
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("name", [*CHANGES, "team_create"])
def test_changes_refuse_get(client, admin, name):
    url = reverse(name, args=[] if name == "team_create" else [1])
    assert client.get(url).status_code == 405


@pytest.mark.parametrize("name", [*CHANGES, *FORMS, "team_create", "user_invite", "api_key_create"])
@pytest.mark.parametrize("level", ["viewer", "contributor", "editor"])
def test_changes_are_for_admins(client, name, level):
    user, team = UserFactory(access_level=level), TeamFactory()
    client.force_login(user)
    before = SecurityEvent.objects.count()
    has_no_row = name in {"team_create", "user_invite", "api_key_create"}
    url = reverse(name, args=[] if has_no_row else [team.pk if name.startswith("team") else user.pk])
    assert client.post(url, {"name": "x", "email": "x@example.com"}).status_code == 403
    assert (User.objects.count(), Team.objects.count(), ApiKey.objects.count()) == (1, 1, 0)
    assert SecurityEvent.objects.count() == before


@pytest.mark.parametrize("name", [*CHANGES, *FORMS])
def test_changes_of_nobody_are_not_found(client, admin, name):
    response = client.post(reverse(name, args=[999_999]), {})
    assert response.status_code == (302 if name in {"work_retry", "work_discard"} else 404)


def test_a_change_without_csrf_token_is_refused(admin):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    assert client.post(reverse("team_create"), {"name": "EMEA"}).status_code == 403


def _patterns(resolver=None, prefix=""):
    for pattern in (resolver or get_resolver()).url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield path, pattern
        else:
            yield from _patterns(pattern, path)


def test_every_address_asks_for_a_sign_in_unless_listed():
    """The list above is the whole list: a page that forgets about signing in shows up here."""
    public = {
        pattern.name or path
        for path, pattern in _patterns()
        if not getattr(pattern.callback, "login_required", True) and not path.lstrip("^").startswith(PUBLIC_FOLDERS)
    }
    assert public == PUBLIC
