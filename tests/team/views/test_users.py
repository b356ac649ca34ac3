import re

import pytest
from django.core import mail
from django.urls import reverse

from accounts.models import Account
from team import work
from team.models import SecurityEvent, Team, User, Work
from tests.factories import PASSWORD, AccountFactory, TeamFactory, UserFactory
from tests.team.sign_in import enable_totp, sign_in

pytestmark = pytest.mark.django_db
INVITATION = {"email": "New@Example.com", "name": "Nia", "access_level": "editor", "function": "sales"}


def link_on(response):
    return re.search(r"http://localhost:\d+(/password/reset/key/[\w-]+/)", response.content.decode())[1]


def choose_password(client, path, password):
    """Open a link as a browser does: it leads to an address without the secret."""
    form = client.get(path, follow=True)
    return client.post(form.redirect_chain[-1][0], {"password1": password, "password2": password})


def test_user_invite_shows_a_link_that_works_once(client, admin):
    team = TeamFactory()
    response = client.post(reverse("user_invite"), {**INVITATION, "teams": [team.pk]})
    assert "no-store" in response["Cache-Control"]
    user = User.objects.get(email="new@example.com")
    assert (user.access_level, user.function, list(user.teams.all())) == ("editor", "sales", [team])
    assert not user.has_usable_password()
    theirs = type(client)()
    assert choose_password(theirs, link_on(response), "a new secret 1").status_code == 302
    assert sign_in(theirs, user, "a new secret 1")["Location"] == "/"
    assert "no longer works" in type(client)().get(link_on(response)).content.decode()


def test_user_invite_mails_the_link_by_work_that_holds_no_secret(client, admin, settings):
    settings.EMAIL_URL = "smtp://mail.example.com"
    response = client.post(reverse("user_invite"), INVITATION)
    assert "on its way to new@example.com" in response.content.decode()
    assert Work.objects.get().payload == {"user": User.objects.get(email="new@example.com").pk, "is_invitation": True}
    work.run_due_work()
    (message,) = mail.outbox
    assert (message.to, message.subject) == (["new@example.com"], "Harbor: You are invited")
    path = re.search(r"http://localhost:\d+(/\S+)", message.body)[1]
    assert choose_password(type(client)(), path, "a new secret 1").status_code == 302


def test_user_invite_keeps_what_was_typed(client, admin):
    response = client.post(reverse("user_invite"), {**INVITATION, "email": admin.email})
    assert response.status_code == 422
    assert "is here already" in response.content.decode()
    assert 'value="Nia"' in response.content.decode()
    assert User.objects.count() == 1


def test_user_change_changes_everything(client, admin):
    user, team = UserFactory(), TeamFactory()
    values = {"email": "Moved@example.com", "name": "Mo", "access_level": "viewer", "function": "support"}
    values |= {"teams": [team.pk], "is_active": "on"}
    assert client.post(reverse("user_change", args=[user.pk]), values)["Location"] == reverse("user_list")
    user.refresh_from_db()
    assert (user.email, user.name, user.access_level, user.function) == ("moved@example.com", "Mo", "viewer", "support")
    assert list(user.teams.all()) == [team]
    event = SecurityEvent.objects.get(kind="user.changed")
    assert (event.user, event.detail["to"]["email"]) == (admin, "moved@example.com")


def test_user_change_refuses_an_address_that_is_taken(client, admin):
    user = UserFactory()
    values = {"email": admin.email.upper(), "name": "Mo", "access_level": "viewer", "function": "csm"}
    response = client.post(reverse("user_change", args=[user.pk]), values)
    assert response.status_code == 422
    assert "is here already" in response.content.decode()


def test_user_change_refuses_to_lose_the_last_admin(client, admin):
    values = {"email": admin.email, "access_level": "viewer", "function": "csm", "is_active": "on"}
    response = client.post(reverse("user_change", args=[admin.pk]), values)
    assert response.status_code == 422
    assert "last active admin" in response.content.decode()
    admin.refresh_from_db()
    assert admin.access_level == "admin"


def test_taking_access_away_signs_out_and_keeps_out(client, admin):
    other, theirs = UserFactory(), type(client)()
    sign_in(theirs, other)
    assert theirs.get(reverse("profile")).status_code == 200
    values = {"email": other.email, "access_level": "viewer", "function": "csm"}
    client.post(reverse("user_change", args=[other.pk]), values)
    assert theirs.get(reverse("profile")).status_code == 302
    assert sign_in(theirs, other).status_code != 200 or "sign_in.failed" in kinds()
    assert theirs.get(reverse("profile")).status_code == 302


def kinds():
    return list(SecurityEvent.objects.order_by("id").values_list("kind", flat=True))


def test_user_password_link_is_logged_and_for_active_users(client, admin):
    user = UserFactory()
    response = client.post(reverse("user_password_link", args=[user.pk]))
    assert choose_password(type(client)(), link_on(response), "a new secret 1").status_code == 302
    event = SecurityEvent.objects.get(kind="password.link_made")
    assert (event.user, event.subject) == (admin, user.email)
    assert "password/reset/key" not in str(list(SecurityEvent.objects.values()))
    gone = UserFactory(is_active=False)
    assert client.post(reverse("user_password_link", args=[gone.pk])).status_code == 302


def test_user_sign_out_ends_every_session(client, admin):
    other = UserFactory()
    theirs = [type(client)(), type(client)()]
    for one in theirs:
        sign_in(one, other)
    client.post(reverse("user_sign_out", args=[other.pk]))
    assert [one.get(reverse("profile")).status_code for one in theirs] == [302, 302]


def test_user_reset_factors_helps_after_a_lost_phone(client, admin):
    other, theirs = UserFactory(), type(client)()
    enable_totp(theirs, other)
    client.post(reverse("user_reset_factors", args=[other.pk]))
    assert theirs.get(reverse("profile")).status_code == 302
    assert sign_in(theirs, other)["Location"] == "/"
    assert "factor.reset_by_admin" in kinds()


def test_team_create_refuses_a_taken_name(client, admin):
    assert client.post(reverse("team_create"), {"name": "EMEA"}).status_code == 302
    response = client.post(reverse("team_create"), {"name": "emea"})
    assert response.status_code == 422
    assert "no other team" in response.content.decode()
    assert list(Team.objects.values_list("name", flat=True)) == ["EMEA"]


def test_team_change_renames(client, admin):
    team = TeamFactory(name="EMEA")
    TeamFactory(name="APAC")
    assert client.post(reverse("team_change", args=[team.pk]), {"name": "apac"}).status_code == 422
    assert client.post(reverse("team_change", args=[team.pk]), {"name": "emea"}).status_code == 302
    team.refresh_from_db()
    assert team.name == "emea"


def test_team_delete_refuses_while_accounts_are_given_to_it(client, admin):
    team = TeamFactory()
    account = AccountFactory(team=team)
    client.post(reverse("team_delete", args=[team.pk]))
    assert Team.objects.filter(pk=team.pk).exists()
    Account.objects.filter(pk=account.pk).update(team=None)
    client.post(reverse("team_delete", args=[team.pk]))
    assert not Team.objects.filter(pk=team.pk).exists()


@pytest.mark.parametrize("page", ["user_list", "team_change"])
def test_queries_do_not_grow(client, admin, django_assert_num_queries, page):
    team = TeamFactory()
    url = reverse(page, args=[] if page == "user_list" else [team.pk])
    count = {"user_list": 5, "team_change": 4}[page]
    for _ in range(2):
        UserFactory(password=PASSWORD).teams.add(team)
        client.get(url)
        with django_assert_num_queries(count):
            client.get(url)
