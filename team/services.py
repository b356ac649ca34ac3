"""Every write about people who work here and keys of other systems; each leaves a line in the security log."""

import binascii
import hashlib
import secrets
import string
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from team import mail
from team.enums import AccessLevel, Function
from team.errors import InvalidTeamInput
from team.models import ApiKey, Team, User
from team.scopes import SCOPES
from team.security import log_security

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
KEY_MARK = "cs_live_"
SEEN_EVERY = timedelta(minutes=1)
ROTATION_OVERLAP = timedelta(days=1)


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
    """Create somebody who can sign in; without a password they choose one by a link (`invite_user`).

    Raises InvalidTeamInput.
    """
    email = _free_email(email, except_for=None)
    _check_choice(access_level, AccessLevel.values, "access_level")
    _check_choice(function, Function.values, "function")
    user = User(email=email, name=name.strip(), access_level=access_level, function=function)
    _set_password(user, password)
    user.save()
    user.teams.set(teams)
    log_security(kind="user.created", now=now, user=actor, subject=email, detail={"access_level": access_level})
    return user


@transaction.atomic
def invite_user(*, email: str, now: datetime, actor: User, **fields: Any) -> tuple[User, str]:
    """Create a user, mail them a link to choose a password, and return (user, link) to hand over as well.

    `fields` as in create_user. Raises InvalidTeamInput.
    """
    user = create_user(email=email, now=now, actor=actor, **fields)
    mail.queue_password_link(user, is_invitation=True)
    return user, make_password_link(user=user, now=now, actor=actor)


@transaction.atomic
def make_password_link(*, user: User, now: datetime, actor: User | None) -> str:
    """Return a link by which its holder chooses the user's password, once. Raises InvalidTeamInput."""
    if not user.is_active:
        raise InvalidTeamInput(f"{user} may not sign in; give them access first.")
    log_security(kind="password.link_made", now=now, user=actor, subject=user.email)
    return mail.password_link(user)


@transaction.atomic
def update_user(
    *,
    user: User,
    now: datetime,
    actor: User,
    email: str | None = None,
    name: str,
    access_level: str,
    function: str,
    teams: Iterable[Team],
    is_active: bool,
) -> User:
    """Change a user (`email` None: keep it). Ending access ends their sessions. The last active admin stays one.

    Raises InvalidTeamInput.
    """
    email = user.email if email is None else _free_email(email, except_for=user)
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
    before = _access_of(user)
    user.email, user.name = email, name.strip()
    user.access_level, user.function, user.is_active = access_level, function, is_active
    user.save(update_fields=["email", "name", "access_level", "function", "is_active"])
    user.teams.set(teams)
    after = _access_of(user)
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
def reset_factors(*, user: User, now: datetime, actor: User | None) -> int:
    """Take away second factors, for somebody who lost their phone, and end their sessions. Returns how many."""
    count: int = Authenticator.objects.filter(user=user).delete()[0]
    log_security(kind="factor.reset_by_admin", now=now, user=actor, subject=user.email, detail={"count": count})
    end_sessions(user=user, now=now, actor=actor)
    return count


@transaction.atomic
def create_team(*, name: str, now: datetime, actor: User | None) -> Team:
    """Create a team. Raises InvalidTeamInput for a name that is empty or taken."""
    team = Team.objects.create(name=_free_team_name(name, except_for=None))
    log_security(kind="team.created", now=now, user=actor, subject=team.name)
    return team


@transaction.atomic
def rename_team(*, team: Team, name: str, now: datetime, actor: User) -> Team:
    """Rename a team. Raises InvalidTeamInput for a name that is empty or taken."""
    before, team.name = team.name, _free_team_name(name, except_for=team)
    team.save(update_fields=["name"])
    log_security(kind="team.renamed", now=now, user=actor, subject=team.name, detail={"from": before})
    return team


@transaction.atomic
def delete_team(*, team: Team, now: datetime, actor: User) -> None:
    """Delete a team that nothing is given to: its accounts would be open to everybody. Raises InvalidTeamInput."""
    for relation in Team._meta.related_objects:  # noqa: SLF001 -- documented, whatever its name says
        rows: Any = relation.related_model
        if relation.one_to_many and rows.objects.filter(**{relation.field.name: team}).exists():
            raise InvalidTeamInput(f"Accounts are given to {team}; give them to another team first.")
    log_security(kind="team.deleted", now=now, user=actor, subject=team.name)
    team.delete()


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
def rotate_api_key(*, key: ApiKey, now: datetime, actor: User | None) -> tuple[ApiKey, str]:
    """Make a successor with the same name and scopes; the old key works ROTATION_OVERLAP longer.

    The successor lasts as long as the old one was meant to. Returns (row, the key itself).
    Raises InvalidTeamInput for a key that is dead.
    """
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        raise InvalidTeamInput(f"{key} is dead already; create a new key.")
    life = key.expires_at - key.created_at if key.expires_at else None
    made = create_api_key(
        name=key.name, scopes=key.scopes, now=now, expires_at=now + life if life else None, actor=actor
    )
    end = now + ROTATION_OVERLAP
    key.expires_at = min(key.expires_at, end) if key.expires_at else end
    key.save(update_fields=["expires_at"])
    log_security(
        kind="api_key.rotated",
        now=now,
        user=actor,
        subject=key.name,
        detail={"prefix": key.prefix, "successor": made[0].prefix},
    )
    return made


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


def _access_of(user: User) -> dict[str, object]:
    return {name: getattr(user, name) for name in ("email", "access_level", "function", "is_active")}


def _free_email(email: str, *, except_for: User | None) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidTeamInput(f"{email!r} is not an e-mail address.", "email") from None
    if User.objects.filter(email__iexact=email).exclude(pk=except_for.pk if except_for else 0).exists():
        raise InvalidTeamInput(f"{email} is here already.", "email")
    return email


def _free_team_name(name: str, *, except_for: Team | None) -> str:
    name = name.strip()
    if not name or Team.objects.filter(name__iexact=name).exclude(pk=except_for.pk if except_for else 0).exists():
        raise InvalidTeamInput("A team needs a name that no other team has.", "name")
    return name


def _check_choice(value: str, choices: list[str], field: str) -> None:
    if value not in choices:
        raise InvalidTeamInput(f"{field}: {value!r} is none of {', '.join(choices)}.", field)
