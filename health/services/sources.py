"""Sources of usage events: made, changed and given new keys by editors."""

import re
import secrets
from datetime import datetime

from django.db import transaction

from accounts.errors import InvalidInput
from accounts.models import Product
from health.models import Source
from health.models.sources import USER_IDS
from team.models import User
from team.permissions import check_can_configure
from team.security import log_security

WRITE_KEY = re.compile(r"[\x21-\x39\x3b-\x7e]{1,64}")  # no colon, which ends the user name of Basic
SYSTEM = re.compile(r"[a-z][a-z0-9_-]{0,39}")


@transaction.atomic
def create_source(
    *,
    name: str,
    now: datetime,
    write_key: str | None = None,
    system: str = USER_IDS,
    product: Product | None = None,
    actor: User | None = None,
) -> Source:
    """Create an enabled source, with a random write key unless one is given; `actor` None: the command line.

    Raises InvalidInput and PermissionDenied.
    """
    _check_actor(actor)
    key = new_write_key() if write_key is None else write_key
    if not WRITE_KEY.fullmatch(key):
        raise InvalidInput("A write key has 1 to 64 visible ASCII characters and no colon.", "write_key")
    if Source.objects.filter(write_key=key).exists():
        raise InvalidInput("Another source has this write key.", "write_key")
    source = Source(write_key=key, product=product, created_at=now, created_by=actor)
    source.name, source.system = _name(name, source), _system(system)
    source.save()
    _log("source.created", source, now, actor)
    return source


@transaction.atomic
def update_source(
    *,
    source: Source,
    name: str,
    now: datetime,
    actor: User,
    system: str = USER_IDS,
    product: Product | None = None,
) -> Source:
    """Rename a source or say of which product it tells. Raises InvalidInput and PermissionDenied."""
    _check_actor(actor)
    source.name, source.system, source.product = _name(name, source), _system(system), product
    source.save(update_fields=["name", "system", "product"])
    _log("source.changed", source, now, actor)
    return source


@transaction.atomic
def switch_source(*, source: Source, is_enabled: bool, now: datetime, actor: User) -> Source:
    """Let a source in, or refuse it; what came before is processed either way. Raises PermissionDenied."""
    _check_actor(actor)
    if Source.objects.filter(pk=source.pk, is_enabled=not is_enabled).update(is_enabled=is_enabled):
        _log("source.enabled" if is_enabled else "source.disabled", source, now, actor)
    source.is_enabled = is_enabled
    return source


@transaction.atomic
def rotate_write_key(*, source: Source, now: datetime, actor: User) -> Source:
    """Give a source a new key; the old one is refused from now on. Raises PermissionDenied."""
    _check_actor(actor)
    source.write_key = new_write_key()
    source.save(update_fields=["write_key"])
    _log("source.key_rotated", source, now, actor)
    return source


def new_write_key() -> str:
    return f"wk_{secrets.token_hex(16)}"


def _name(name: str, source: Source) -> str:
    name = name.strip()
    if not name or len(name) > 100 or "\x00" in name:
        raise InvalidInput("A source needs a name of at most 100 characters.", "name")
    if Source.objects.filter(name=name).exclude(pk=source.pk).exists():
        raise InvalidInput(f"There is already a source “{name}”.", "name")
    return name


def _system(system: str) -> str:
    if not SYSTEM.fullmatch(system):
        raise InvalidInput("A word of a–z, 0–9, _ and -, starting with a letter, at most 40 long.", "system")
    return system


def _check_actor(actor: User | None) -> None:
    if actor is not None:
        check_can_configure(actor)


def _log(kind: str, source: Source, now: datetime, actor: User | None) -> None:
    log_security(kind=kind, now=now, user=actor, subject=source.name)
