"""Signing in through allauth's real pages, as it is set up here."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core import mail
from django.core.cache import cache
from django.urls import reverse

from team import work
from team.models import SecurityEvent, Work
from tests.factories import PASSWORD, UserFactory
from tests.team.sign_in import code_for, enable_totp, sign_in

pytestmark = pytest.mark.django_db


def kinds():
    return list(SecurityEvent.objects.order_by("id").values_list("kind", flat=True))


def test_sign_in_and_out_are_logged_with_the_address(client):
    user = UserFactory()
    assert sign_in(client, user)["Location"] == "/"
    assert client.get(reverse("profile")).status_code == 200
    client.post(reverse("account_logout"))
    assert client.get(reverse("profile")).status_code == 302
    rows = list(SecurityEvent.objects.order_by("id").values_list("kind", "user", "subject", "ip_address"))
    assert rows == [(kind, user.pk, user.email, "127.0.0.1") for kind in ("signed_in", "signed_out")]


def test_get_does_not_sign_out(client):
    sign_in(client, UserFactory())
    client.get(reverse("account_logout"))
    assert client.get(reverse("profile")).status_code == 200


def test_a_failure_names_users_only(client):
    """Some people type their password where the address belongs."""
    user = UserFactory()
    sign_in(client, user, "wrong")
    client.post(reverse("account_login"), {"login": "my-secret@password", "password": "x"})
    client.post(reverse("account_login"), {"login": "nobody@example.com", "password": "x"})
    rows = list(SecurityEvent.objects.order_by("id").values_list("kind", "subject"))
    assert rows[0] == ("sign_in.failed", user.email)
    assert {subject for _, subject in rows[1:]} <= {"somebody unknown"}


def test_wrong_password_and_unknown_address_read_the_same(client):
    texts = set()
    for login in (UserFactory().email, "nobody@example.com"):
        response = client.post(reverse("account_login"), {"login": login, "password": "wrong"})
        texts.add(str(response.context["form"].errors))
    assert len(texts) == 1


def test_too_many_failures_lock_the_address_for_a_while(client):
    user = UserFactory()
    for _ in range(5):
        sign_in(client, user, "wrong")
    response = sign_in(client, user)
    assert "Too many failed login attempts" in str(response.context["form"].errors)
    cache.clear()
    assert sign_in(client, user)["Location"] == "/"


def test_limits_hold_without_redis(client, monkeypatch):
    from django.core.cache import caches

    monkeypatch.setattr(caches["default"], "away_until", float("inf"))
    user = UserFactory()
    for _ in range(5):
        assert sign_in(client, user, "wrong").status_code == 200
    assert "Too many failed login attempts" in str(sign_in(client, user).context["form"].errors)


def test_limits_count_the_client_and_not_the_proxy(client, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    user = UserFactory()
    client.post(
        reverse("account_login"),
        {"login": user.email, "password": PASSWORD},
        headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.4"},
    )
    assert SecurityEvent.objects.get().ip_address == "198.51.100.4"


def test_there_is_no_sign_up(client):
    response = client.post(reverse("account_signup"), {"email": "me@example.com", "password1": "a new secret 1"})
    assert "Sign-in is by invitation" in response.content.decode()
    assert client.get("/email/").status_code in {302, 404}


def test_somebody_without_access_cannot_sign_in(client):
    user = UserFactory(is_active=False)
    sign_in(client, user)
    assert client.get(reverse("profile")).status_code == 302
    assert "signed_in" not in kinds()


def test_two_factor_sign_in_asks_for_a_code(client):
    user = UserFactory()
    secret = enable_totp(client, user)
    assert secret not in str(list(Authenticator.objects.values()))
    theirs = type(client)()
    assert sign_in(theirs, user)["Location"] == reverse("mfa_authenticate")
    assert theirs.get(reverse("profile")).status_code == 302
    assert theirs.post(reverse("mfa_authenticate"), {"code": "000000"}).status_code == 200
    assert theirs.get(reverse("profile")).status_code == 302
    assert theirs.post(reverse("mfa_authenticate"), {"code": code_for(secret, 1)}).status_code == 302
    assert theirs.get(reverse("profile")).status_code == 200
    assert {"factor.added", "factor.failed", "signed_in"} <= set(kinds())


def test_a_code_works_once(client):
    user = UserFactory()
    code = code_for(enable_totp(client, user), 1)
    for expected in (302, 200):
        theirs = type(client)()
        sign_in(theirs, user)
        assert theirs.post(reverse("mfa_authenticate"), {"code": code}).status_code == expected


def test_a_recovery_code_opens_once(client):
    user = UserFactory()
    enable_totp(client, user)
    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    for expected in (302, 200):
        theirs = type(client)()
        sign_in(theirs, user)
        assert theirs.post(reverse("mfa_authenticate"), {"code": codes[0]}).status_code == expected


def test_setting_up_a_factor_asks_for_the_password_again(client):
    user = UserFactory()
    client.force_login(user)
    response = client.get(reverse("mfa_activate_totp"))
    assert response["Location"].startswith(reverse("account_reauthenticate"))


@pytest.mark.parametrize("page", ["mfa_index", "usersessions_list", "account_change_password", "mfa_activate_totp"])
def test_pages_about_signing_in_open(client, page):
    sign_in(client, UserFactory())
    assert client.get(reverse(page), follow=True).status_code == 200


def test_changing_the_password_signs_out_elsewhere_and_says_so(client, settings):
    settings.EMAIL_URL = "smtp://mail.example.com"
    user, elsewhere = UserFactory(), type(client)()
    sign_in(client, user)
    sign_in(elsewhere, user)
    values = {"oldpassword": PASSWORD, "password1": "a new secret 1", "password2": "a new secret 1"}
    client.post(reverse("account_change_password"), values)
    assert client.get(reverse("profile")).status_code == 200
    assert elsewhere.get(reverse("profile")).status_code == 302
    assert kinds().count("password.changed") == 1
    work.run_due_work()
    assert [(message.to, message.subject) for message in mail.outbox] == [([user.email], "Harbor: Password Changed")]
    assert "a new secret 1" not in str(list(Work.objects.values())) + str(list(SecurityEvent.objects.values()))


def test_asking_for_a_link_is_the_same_for_everybody_and_waits_for_no_mail_server(client, settings):
    settings.EMAIL_URL = "smtp://mail.example.com"
    user = UserFactory()
    answers = set()
    for email in (user.email, "nobody@example.com"):
        response = client.post(reverse("account_reset_password"), {"email": email})
        answers.add((response.status_code, response["Location"]))
    assert len(answers) == 1
    assert mail.outbox == []
    assert list(Work.objects.values_list("kind", "payload__user")) == [("team.send_password_link", user.pk)]
    work.run_due_work()
    assert [message.to for message in mail.outbox] == [[user.email]]
    assert kinds() == ["password.reset_asked"]


def test_a_link_does_not_lead_past_the_second_factor(client, settings):
    from team.mail import password_link

    user = UserFactory()
    enable_totp(client, user)
    user.refresh_from_db()
    theirs = type(client)()
    form = theirs.get(password_link(user).removeprefix(settings.PUBLIC_URL), follow=True)
    theirs.post(form.redirect_chain[-1][0], {"password1": "a new secret 1", "password2": "a new secret 1"})
    assert sign_in(theirs, user, "a new secret 1")["Location"] == reverse("mfa_authenticate")
    assert theirs.get(reverse("profile")).status_code == 302
    assert "password.reset" in kinds()


def test_without_a_mail_server_nothing_is_queued(client):
    client.post(reverse("account_reset_password"), {"email": UserFactory().email})
    assert Work.objects.count() == 0


def test_idle_sessions_end(client, clock, settings):
    client.force_login(UserFactory())
    assert client.get(reverse("profile")).status_code == 200
    clock.shift(settings.SESSION_IDLE.total_seconds() + 1)
    assert client.get(reverse("profile")).status_code == 302


def test_sessions_end_however_busy_they_are(client, clock, settings):
    client.force_login(UserFactory())
    client.get(reverse("profile"))
    step = settings.SESSION_IDLE.total_seconds() - 1
    for _ in range(int(settings.SESSION_LONGEST.total_seconds() // step)):
        clock.shift(step)
        assert client.get(reverse("profile")).status_code == 200
    clock.shift(step)
    assert client.get(reverse("profile")).status_code == 302


def test_devices_show_when_they_were_last_seen(client, clock):
    sign_in(client, UserFactory())
    client.get(reverse("profile"))
    before = UserSession.objects.get().last_seen_at
    clock.shift(61)
    client.get(reverse("profile"))
    assert (UserSession.objects.get().last_seen_at - before).total_seconds() == 61


def test_a_fragment_without_session_sends_the_page_to_sign_in(client):
    response = client.get(reverse("profile"), headers={"HX-Request": "true"})
    assert response.status_code == 204
    assert response["HX-Redirect"].startswith(reverse("account_login"))
