import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction

from team.authentication import find_key
from team.errors import InvalidTeamInput
from team.models import ApiKey, SecurityEvent, User
from team.security import check_chain, log_security
from team.services import create_api_key, create_team, create_user, key_prefix, revoke_api_key, update_user
from tests.factories import TeamFactory, UserFactory

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def change(user, actor, **values):
    fields = {
        "name": user.name,
        "access_level": user.access_level,
        "function": user.function,
        "teams": [],
        "is_active": True,
    }
    return update_user(user=user, actor=actor, now=NOW, **(fields | values))


def test_create_user_can_sign_in_and_is_logged():
    admin = UserFactory(access_level="admin")
    user = create_user(email=" Ann@Example.com ", password="correct horse 7", now=NOW, actor=admin)
    assert (user.email, user.access_level, user.check_password("correct horse 7")) == (
        "ann@example.com",
        "viewer",
        True,
    )
    event = SecurityEvent.objects.get()
    assert (event.kind, event.user, event.subject) == ("user.created", admin, "ann@example.com")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"email": "ann"}, "not an e-mail"),
        ({"email": "TAKEN@example.com"}, "here already"),
        ({"access_level": "god"}, "none of admin"),
        ({"password": "short"}, "too short"),
    ],
)
def test_create_user_refuses_bad_input(values, words):
    UserFactory(email="taken@example.com")
    with pytest.raises(InvalidTeamInput, match=words):
        create_user(**{"email": "new@example.com", "now": NOW, **values})
    assert User.objects.count() == 1


def test_the_last_active_admin_stays_admin():
    admin = UserFactory(access_level="admin")
    UserFactory(access_level="admin", is_active=False)
    for values in ({"access_level": "viewer"}, {"is_active": False}):
        with pytest.raises(InvalidTeamInput, match="last active admin"):
            change(admin, admin, **values)
    admin.refresh_from_db()
    assert (admin.access_level, admin.is_active) == ("admin", True)


def test_update_user_logs_what_changed_and_keeps_teams():
    admin, user, team = UserFactory(access_level="admin"), UserFactory(), TeamFactory()
    change(user, admin, access_level="editor", teams=[team])
    change(user, admin, teams=[team])
    assert list(user.teams.all()) == [team]
    assert SecurityEvent.objects.get().detail["to"]["access_level"] == "editor"


def test_create_team_refuses_a_taken_name():
    TeamFactory(name="EMEA")
    with pytest.raises(InvalidTeamInput, match="no other team"):
        create_team(name="emea", now=NOW, actor=None)


def test_create_api_key_keeps_only_the_hash():
    row, key = create_api_key(name="CRM", scopes=["accounts:read"], now=NOW)
    assert key.startswith(f"cs_live_{row.prefix}_")
    assert row.secret_hash == hashlib.sha256(key.encode()).hexdigest()
    stored = str(ApiKey.objects.values().get()) + str(SecurityEvent.objects.values().get())
    assert key not in stored
    assert key.split("_")[-1] not in stored


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"scopes": []}, "at least one scope"),
        ({"scopes": ["accounts:drop"]}, "no scope 'accounts:drop'"),
        ({"name": " "}, "needs a name"),
        ({"expires_at": NOW}, "expired already"),
    ],
)
def test_create_api_key_refuses_bad_input(values, words):
    with pytest.raises(InvalidTeamInput, match=words):
        create_api_key(**{"name": "CRM", "scopes": ["accounts:read"], "now": NOW, **values})


def test_find_key_knows_live_keys_only(clock):
    row, key = create_api_key(name="CRM", scopes=["accounts:read"], now=NOW, expires_at=NOW + timedelta(days=1))
    assert find_key(key) == row
    assert find_key(key[:-1] + ("a" if key[-1] != "a" else "b")) is None
    assert find_key("cs_live_" + "x" * 47) is None
    clock.shift(timedelta(days=2))
    assert find_key(key) is None


def test_a_revoked_key_is_dead_at_once(clock):
    row, key = create_api_key(name="CRM", scopes=["accounts:read"], now=NOW)
    assert revoke_api_key(key=row, now=NOW, actor=None) is True
    assert revoke_api_key(key=row, now=NOW, actor=None) is False
    assert find_key(key) is None


def test_find_key_writes_last_used_once_a_minute(clock, django_assert_num_queries):
    row, key = create_api_key(name="CRM", scopes=["accounts:read"], now=NOW)
    with django_assert_num_queries(2):
        find_key(key)
    with django_assert_num_queries(1):
        find_key(key)
    clock.shift(61)
    find_key(key)
    row.refresh_from_db()
    assert row.last_used_at == NOW + timedelta(seconds=61)


@pytest.mark.parametrize("text", ["", "cs_live_", "cs_live_abc", "Bearer x", "cs_live_12345678_" + "é" * 38])
def test_key_prefix_of_no_key_is_none(text):
    assert key_prefix(text) is None


def test_the_security_log_refuses_changes_and_shows_tampering():
    for number in range(3):
        log_security(kind=f"x.{number}", now=NOW)
    assert check_chain().broken is None
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        SecurityEvent.objects.update(kind="y")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        SecurityEvent.objects.all().delete()
    assert check_chain().broken is None


def test_a_row_smuggled_into_the_security_log_is_found():
    log_security(kind="x.1", now=NOW)
    forged = SecurityEvent.objects.create(kind="x.forged", hash="0" * 64, occurred_at=NOW)
    log_security(kind="x.2", now=NOW)
    assert check_chain().broken == forged
