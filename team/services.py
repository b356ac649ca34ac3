"""Every write about people who work here and keys of other systems; each leaves a line in the security log."""

import binascii
import hashlib
import secrets
import string
from collections.abc import Iterable
from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from team.enums import AccessLevel, Function
from team.errors import InvalidTeamInput
from team.models import ApiKey, Team, User
from team.scopes import SCOPES
from team.security import log_security

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
KEY_MARK = "cs_live_"
SEEN_EVERY = timedelta(minutes=1)


@transaction.atomic
def create_user(
    *,
    email: str,
    now: datetime,
    name: str = "",
    access_level: str = AccessLevel.VIEWER,
    function: str = Function.CSM,
    password: str | None = None,
    teams: Iterable[Team] = (),
    actor: User | None = None,
) -> User:
    """Create somebody who can sign in; without a password they set one by "Forgot password".

    Raises InvalidTeamInput.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidTeamInput(f"{email!r} is not an e-mail address.", "email") from None
    if User.objects.filter(email__iexact=email).exists():
        raise InvalidTeamInput(f"{email} is here already.", "email")
    _check_choice(access_level, AccessLevel.values, "access_level")
    _check_choice(function, Function.values, "function")
    user = User(email=email, name=name.strip(), access_level=access_level, function=function)
    _set_password(user, password)
    user.save()
    user.teams.set(teams)
    log_security(kind="user.created", now=now, user=actor, subject=email, detail={"access_level": access_level})
    return user


@transaction.atomic
def update_user(
    *,
    user: User,
    now: datetime,
    actor: User,
    name: str,
    access_level: str,
    function: str,
    teams: Iterable[Team],
    is_active: bool,
) -> User:
    """Change a user. Ending access ends their sessions. The last active admin stays one.

    Raises InvalidTeamInput.
    """
    _check_choice(access_level, AccessLevel.values, "access_level")
    _check_choice(function, Function.values, "function")
    # Lock all admins, so that two admins cannot take each other's level at once.
    admins = set(
        User.objects.select_for_update()
        .filter(access_level=AccessLevel.ADMIN, is_active=True)
        .values_list("pk", flat=True)
    )
    if admins == {user.pk} and (access_level != AccessLevel.ADMIN or not is_active):
        raise InvalidTeamInput(f"{user} is the last active admin. Make somebody else admin first.", "access_level")
    before = {"access_level": user.access_level, "function": user.function, "is_active": user.is_active}
    after = {"access_level": access_level, "function": function, "is_active": is_active}
    user.name, user.access_level, user.function, user.is_active = name.strip(), access_level, function, is_active
    user.save(update_fields=["name", "access_level", "function", "is_active"])
    user.teams.set(teams)
    if before != after:
        log_security(kind="user.changed", now=now, user=actor, subject=user.email, detail={"from": before, "to": after})
    if before["is_active"] and not is_active:
        end_sessions(user=user, now=now, actor=actor)
    return user


@transaction.atomic
def update_profile(*, user: User, name: str, time_zone: str) -> User:
    user.name, user.time_zone = name.strip(), time_zone
    user.save(update_fields=["name", "time_zone"])
    return user


@transaction.atomic
def end_sessions(*, user: User, now: datetime, actor: User | None) -> int:
    """Sign a user out everywhere. Returns how many sessions ended."""
    sessions = list(UserSession.objects.filter(user=user))
    for session in sessions:
        session.end()
    log_security(kind="sessions.ended", now=now, user=actor, subject=user.email, detail={"count": len(sessions)})
    return len(sessions)


@transaction.atomic
def create_team(*, name: str, now: datetime, actor: User | None) -> Team:
    """Create a team. Raises InvalidTeamInput for a name that is empty or taken."""
    name = name.strip()
    if not name or Team.objects.filter(name__iexact=name).exists():
        raise InvalidTeamInput("A team needs a name that no other team has.", "name")
    team = Team.objects.create(name=name)
    log_security(kind="team.created", now=now, user=actor, subject=name)
    return team


@transaction.atomic
def create_api_key(
    *,
    name: str,
    scopes: Iterable[str],
    now: datetime,
    expires_at: datetime | None = None,
    actor: User | None = None,
) -> tuple[ApiKey, str]:
    """Create a key. Returns (row, the key itself): the only time the key can be seen.

    The secret has 190 random bits, so a plain SHA-256 is enough. Raises InvalidTeamInput.
    """
    scopes = sorted(set(scopes))
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        words = f"There is no scope {unknown[0]!r}." if unknown else "A key needs at least one scope."
        raise InvalidTeamInput(f"{words} The scopes are {', '.join(SCOPES)}.", "scopes")
    if not name.strip():
        raise InvalidTeamInput("A key needs a name that says who uses it.", "name")
    if expires_at is not None and expires_at <= now:
        raise InvalidTeamInput("The key would have expired already.", "expires_at")
    prefix, secret = _random(8), _random(32)
    key = f"{KEY_MARK}{prefix}_{secret}{_checksum(prefix + secret)}"
    row = ApiKey.objects.create(
        name=name.strip(),
        prefix=prefix,
        secret_hash=hash_key(key),
        scopes=scopes,
        created_by=actor,
        created_at=now,
        expires_at=expires_at,
    )
    log_security(
        kind="api_key.created", now=now, user=actor, subject=row.name, detail={"prefix": prefix, "scopes": scopes}
    )
    return row, key


@transaction.atomic
def revoke_api_key(*, key: ApiKey, now: datetime, actor: User | None) -> bool:
    """End a key at once. False when it was revoked before."""
    revoked = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now)
    if revoked:
        log_security(kind="api_key.revoked", now=now, user=actor, subject=key.name, detail={"prefix": key.prefix})
    return bool(revoked)


def note_key_used(key: ApiKey, *, now: datetime) -> None:
    """Remember that a key was used, at most once a minute."""
    if key.last_used_at is None or now - key.last_used_at >= SEEN_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


def hash_key(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def key_prefix(key: str) -> str | None:
    """Return the part of a key that finds its row; None when it is no key or mistyped."""
    body = key.removeprefix(KEY_MARK)
    prefix, _, rest = body.partition("_")
    if body == key or len(prefix) != 8 or len(rest) != 38:
        return None
    return prefix if _checksum(prefix + rest[:32]) == rest[32:] else None


def _random(length: int) -> str:
    return "".join(secrets.choice(BASE62) for _ in range(length))


def _checksum(text: str) -> str:
    """Return the CRC-32 in six base-62 digits, so that scanners and people can tell a real key."""
    number = binascii.crc32(text.encode())
    digits = ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits


def _set_password(user: User, password: str | None) -> None:
    if password is not None:
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise InvalidTeamInput(" ".join(error.messages), "password") from None
    user.set_password(password)


def _check_choice(value: str, choices: list[str], field: str) -> None:
    if value not in choices:
        raise InvalidTeamInput(f"{field}: {value!r} is none of {', '.join(choices)}.", field)
