import re

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from team.authentication import find_key
from team.models import ApiKey, SecurityEvent, User
from team.scopes import SCOPES
from team.security import log_security
from tests.team.tampering import tamper

pytestmark = pytest.mark.django_db


def test_create_user_prints_a_link_without_password(capsys, client):
    call_command("create_user", "ann@example.com", "--access-level", "editor")
    user = User.objects.get()
    assert (user.email, user.access_level, user.has_usable_password()) == ("ann@example.com", "editor", False)
    path = re.search(r"open: http://localhost:\d+(\S+)", capsys.readouterr().out)[1]
    assert "Choose a new password" in client.get(path, follow=True).content.decode()


def test_create_user_with_password_prints_no_link(capsys):
    call_command("create_user", "ann@example.com", "--password", "correct horse 7")
    assert User.objects.get().check_password("correct horse 7")
    assert capsys.readouterr().out == "ann@example.com can sign in as Admin.\n"


def test_create_user_says_what_is_wrong():
    with pytest.raises(CommandError, match="too short"):
        call_command("create_user", "ann@example.com", "--password", "short")
    assert not User.objects.exists()


def test_create_api_key_prints_the_key(capsys):
    call_command("create_api_key", "CRM", "--scope", "accounts:read", "--scope", "scores:read", "--expires-days", "7")
    row = ApiKey.objects.get()
    assert find_key(capsys.readouterr().out.strip()) == row
    assert row.scopes == ["accounts:read", "scores:read"]
    assert (row.expires_at - row.created_at).days == 7


def test_create_api_key_of_all_scopes(capsys):
    call_command("create_api_key", "CRM", "--scope", "all")
    assert ApiKey.objects.get().scopes == sorted(SCOPES)


def test_create_api_key_names_the_scopes_there_are():
    with pytest.raises(CommandError, match=r"no scope 'everything'.*accounts:read"):
        call_command("create_api_key", "CRM", "--scope", "everything")


def test_check_security_log(capsys):
    for subject in "abc":
        event = log_security(kind="x", now=timezone.now(), subject=subject)
    call_command("check_security_log")
    assert capsys.readouterr().out == f"3 rows, whole. Note the last hash elsewhere: {event.hash}\n"
    tamper("DELETE FROM team_securityevent WHERE subject = 'b'")
    with pytest.raises(CommandError, match=rf"Row {SecurityEvent.objects.get(subject='c').pk} .* The 1 rows before"):
        call_command("check_security_log")
