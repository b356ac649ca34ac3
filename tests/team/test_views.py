"""Users, teams, API keys, the security log and one's own profile."""

import pytest
from django.urls import reverse

from team.models import ApiKey, SecurityEvent, Team, User
from team.services import create_api_key
from tests.factories import NOW, PASSWORD, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client):
    user = UserFactory(access_level="admin", name="Ada")
    client.force_login(user)
    return user


ADMIN_PAGES = ["user_list", "user_invite", "api_key_list", "api_key_create", "security_log", "system"]


@pytest.mark.parametrize("name", ADMIN_PAGES)
@pytest.mark.parametrize("level", ["viewer", "contributor", "editor"])
def test_admin_pages_are_for_admins(client, name, level):
    client.force_login(UserFactory(access_level=level))
    assert client.get(reverse(name)).status_code == 403


@pytest.mark.parametrize("name", [*ADMIN_PAGES, "profile", "my_day"])
def test_pages_ask_strangers_to_sign_in(client, name):
    response = client.get(reverse(name))
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("name", ADMIN_PAGES)
def test_admin_pages_open(client, admin, name):
    assert client.get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", ["user_sign_out", "api_key_revoke", "work_retry", "schedule_run"])
def test_changes_refuse_get_and_others(client, admin, name):
    url = reverse(name, args=[1])
    assert client.get(url).status_code == 405
    client.force_login(UserFactory(access_level="editor"))
    assert client.post(url).status_code == 403


def test_user_invite_creates_a_user(client, admin):
    team = TeamFactory()
    values = {"email": "new@example.com", "access_level": "editor", "function": "sales", "teams": [team.pk]}
    response = client.post(reverse("user_invite"), values)
    assert response["Location"] == reverse("user_list")
    user = User.objects.get(email="new@example.com")
    assert (user.access_level, user.function, list(user.teams.all())) == ("editor", "sales", [team])
    assert not user.has_usable_password()


def test_user_invite_keeps_what_was_typed(client, admin):
    response = client.post(reverse("user_invite"), {"email": admin.email, "access_level": "viewer", "function": "csm"})
    assert response.status_code == 422
    assert "is here already" in response.content.decode()
    assert admin.email in response.content.decode()


def test_user_change_refuses_to_lose_the_last_admin(client, admin):
    values = {"access_level": "viewer", "function": "csm", "is_active": "on"}
    response = client.post(reverse("user_change", args=[admin.pk]), values)
    assert response.status_code == 422
    assert "last active admin" in response.content.decode()


def test_taking_access_away_signs_out(client, admin):
    other = UserFactory()
    theirs = type(client)()
    theirs.post(reverse("account_login"), {"login": other.email, "password": PASSWORD})
    assert theirs.get(reverse("profile")).status_code == 200
    client.post(reverse("user_change", args=[other.pk]), {"access_level": "viewer", "function": "csm"})
    assert theirs.get(reverse("profile")).status_code == 302


def test_team_create(client, admin):
    assert client.post(reverse("team_create"), {"name": "EMEA"}).status_code == 302
    assert client.post(reverse("team_create"), {"name": "emea"}).status_code == 422
    assert list(Team.objects.values_list("name", flat=True)) == ["EMEA"]


def test_api_key_is_shown_once(client, admin):
    response = client.post(reverse("api_key_create"), {"name": "CRM", "scopes": ["accounts:read"], "expires": "30"})
    key = ApiKey.objects.get()
    page = response.content.decode()
    assert f"cs_live_{key.prefix}_" in page
    assert response["Cache-Control"] == "no-store"
    assert (key.expires_at - key.created_at).days == 30
    assert key.secret_hash not in client.get(reverse("api_key_list")).content.decode()


def test_api_key_without_scope_keeps_the_name(client, admin):
    response = client.post(reverse("api_key_create"), {"name": "CRM sync"})
    assert response.status_code == 422
    assert "CRM sync" in response.content.decode()
    assert not ApiKey.objects.exists()


def test_api_key_revoke(client, admin):
    key, _ = create_api_key(name="CRM", scopes=["accounts:read"], now=NOW)
    client.post(reverse("api_key_revoke", args=[key.pk]))
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_sign_in_and_failures_are_in_the_security_log(client):
    user = UserFactory()
    client.post(reverse("account_login"), {"login": user.email, "password": "wrong"})
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    kinds = list(SecurityEvent.objects.order_by("id").values_list("kind", "subject"))
    assert kinds == [("sign_in.failed", user.email), ("signed_in", user.email)]
    assert PASSWORD not in str(list(SecurityEvent.objects.values()))


def test_security_log_verifies_its_chain(client, admin):
    response = client.get(reverse("security_log"), {"verify": "1"})
    assert "The chain is whole" in response.content.decode()


def test_profile_changes_name_and_time_zone(client, admin):
    client.post(reverse("profile"), {"name": "Ada L", "time_zone": "Europe/Vienna"})
    admin.refresh_from_db()
    assert (admin.name, admin.time_zone) == ("Ada L", "Europe/Vienna")
    assert client.post(reverse("profile"), {"name": "x", "time_zone": "Mars/Base"}).status_code == 422


def test_a_fragment_without_session_sends_the_page_to_sign_in(client):
    response = client.get(reverse("profile"), headers={"HX-Request": "true"})
    assert response.status_code == 204
    assert response["HX-Redirect"].startswith(reverse("account_login"))


def test_idle_sessions_end(client, admin, clock, settings):
    client.force_login(admin)
    assert client.get(reverse("profile")).status_code == 200
    clock.shift(settings.SESSION_IDLE.total_seconds() + 1)
    assert client.get(reverse("profile")).status_code == 302


def test_metrics_are_for_this_machine_or_the_token(client, settings):
    assert b"cs_work_due" in client.get("/metrics").content
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 401
    settings.METRICS_TOKEN = "s3cret"
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer s3cret"}).status_code == 200


def test_user_list_queries_do_not_grow(client, admin, django_assert_num_queries):
    UserFactory().teams.add(TeamFactory())
    client.get(reverse("user_list"))
    with django_assert_num_queries(5):
        client.get(reverse("user_list"))
    for _ in range(2):
        UserFactory().teams.add(TeamFactory())
    with django_assert_num_queries(5):
        client.get(reverse("user_list"))
