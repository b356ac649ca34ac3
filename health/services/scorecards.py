"""Scorecards: create them, publish versions of them, go back to one, decide which are computed and in which order."""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction
from django.db.models import Max

from accounts.errors import InvalidInput
from health.enums import ScoreKind
from health.metrics.query import EVERYBODY
from health.models import Scorecard, ScorecardVersion
from health.references import check_config
from health.services.scores import score_everybody, stop_scoring
from health.snapshots import choose_main
from team.models import User
from team.permissions import check_can_configure
from team.security import log_security

MAX_NAME_LENGTH = 80
MAX_REASON_LENGTH = 500
STARTERS = Path(__file__).parent.parent / "starters"


@transaction.atomic
def create_scorecard(
    *,
    name: str,
    config: object,
    now: datetime,
    kind: str = ScoreKind.HEALTH,
    position: int | None = None,
    owner: User | None = None,
    actor: User | None = None,
    version_name: str = "",
    note: str = "",
) -> Scorecard:
    """Create a scorecard and publish its first version, which goes live; without a position it comes last.

    `actor` None: the command line, or another system. Raises InvalidInput and PermissionDenied.
    """
    check_actor(actor)
    if kind not in ScoreKind.values:
        raise InvalidInput(f"The kind is one of {', '.join(ScoreKind.values)}, not {kind!r}.", "kind")
    if position is None:
        position = (Scorecard.objects.aggregate(last=Max("position"))["last"] or 0) + 1
    scorecard = Scorecard.objects.create(
        name=free_name(name), kind=kind, position=position, owner=owner, is_live=True, created_at=now
    )
    log_scorecard("scorecard.created", scorecard, now, actor)
    publish_version(scorecard=scorecard, config=config, now=now, actor=actor, name=version_name, note=note)
    return scorecard


@transaction.atomic
def publish_version(
    *,
    scorecard: Scorecard,
    config: object,
    now: datetime,
    actor: User | None = None,
    name: str = "",
    note: str = "",
) -> ScorecardVersion:
    """Publish a configuration as the next version and make everybody due for a new score.

    `note`: why. The same configuration again is the version in force. Raises InvalidInput, naming the
    part, and PermissionDenied.
    """
    check_actor(actor)
    card = check_config(config)
    locked = Scorecard.objects.select_for_update(of=("self",)).select_related("version").get(pk=scorecard.pk)
    if locked.archived_at is not None:
        raise InvalidInput(f"{locked} was put away; take it back before publishing.", "scorecard")
    if locked.version is not None and locked.version.hash == card.hash:
        return locked.version
    number = (locked.versions.aggregate(newest=Max("number"))["newest"] or 0) + 1
    version = ScorecardVersion.objects.create(
        scorecard=locked,
        number=number,
        config=card.as_dict(),
        hash=card.hash,
        published_at=now,
        published_by=actor,
        name=name.strip()[:MAX_NAME_LENGTH],
        note=note.strip()[:MAX_REASON_LENGTH],
    )
    locked.version = scorecard.version = version
    locked.save(update_fields=["version"])
    log_scorecard("scorecard.published", locked, now, actor, version=number, note=version.note)
    if locked.is_live:
        score_everybody(now=now, scorecard=locked)
    return version


@transaction.atomic
def roll_back(*, scorecard: Scorecard, to: ScorecardVersion, now: datetime, actor: User | None) -> ScorecardVersion:
    """Publish what an earlier version says as the next one. Raises InvalidInput and PermissionDenied."""
    check_actor(actor)
    if to.scorecard_id != scorecard.pk:
        raise InvalidInput(f"Version {to.number} belongs to another scorecard.", "version")
    in_force = Scorecard.objects.select_related("version").get(pk=scorecard.pk).version
    if in_force is not None and in_force.hash == to.hash:
        raise InvalidInput(
            f"Version {in_force.number}, which is in force, says the same as version {to.number}.", "version"
        )
    name = f"Roll back to version {to.number}"
    return publish_version(scorecard=scorecard, config=to.config, now=now, actor=actor, name=name, note=to.note)


@transaction.atomic
def update_scorecard(
    *, scorecard: Scorecard, now: datetime, actor: User | None, name: str, owner: User | None
) -> Scorecard:
    """Rename a scorecard, or give it another owner. Raises InvalidInput and PermissionDenied."""
    check_actor(actor)
    scorecard.name, scorecard.owner = free_name(name, scorecard), owner
    scorecard.save(update_fields=["name", "owner"])
    log_scorecard("scorecard.changed", scorecard, now, actor)
    return scorecard


@transaction.atomic
def switch_scorecard(*, scorecard: Scorecard, is_live: bool, now: datetime, actor: User | None) -> Scorecard:
    """Let a scorecard score, or stop it: its current scores go, its history stays.

    Raises InvalidInput and PermissionDenied.
    """
    check_actor(actor)
    locked = Scorecard.objects.select_for_update(of=("self",)).select_related("version").get(pk=scorecard.pk)
    if is_live and (locked.version is None or locked.archived_at is not None):
        raise InvalidInput("Only a published scorecard that is not put away can score.", "is_live")
    if locked.is_live != is_live:
        locked.is_live = scorecard.is_live = is_live
        locked.save(update_fields=["is_live"])
        log_scorecard("scorecard.switched_on" if is_live else "scorecard.switched_off", locked, now, actor)
        if is_live:
            score_everybody(now=now, scorecard=locked)
        else:
            stop_scoring(scorecard=locked, now=now)
    return scorecard


@transaction.atomic
def move_scorecard(*, scorecard: Scorecard, step: int, now: datetime, actor: User | None) -> Scorecard:
    """Move a scorecard up (−1) or down (1) among those not put away. Raises PermissionDenied.

    Of several health scorecards that apply to an account, the first gives it its main score.
    """
    check_actor(actor)
    rows = list(Scorecard.objects.select_for_update().current())
    place = next(n for n, row in enumerate(rows) if row.pk == scorecard.pk)
    wanted = min(max(place + step, 0), len(rows) - 1)
    if wanted != place:
        rows.insert(wanted, rows.pop(place))
        for position, row in enumerate(rows, start=1):
            row.position = position
        Scorecard.objects.bulk_update(rows, ["position"])
        scorecard.position = wanted + 1
        log_scorecard("scorecard.moved", scorecard, now, actor, position=wanted + 1)
        choose_main(EVERYBODY)
    return scorecard


@transaction.atomic
def archive_scorecard(*, scorecard: Scorecard, now: datetime, actor: User | None) -> Scorecard:
    """Put a scorecard away: it stops scoring and leaves the lists; its history stays. Raises PermissionDenied."""
    switch_scorecard(scorecard=scorecard, is_live=False, now=now, actor=actor)
    if Scorecard.objects.filter(pk=scorecard.pk, archived_at=None).update(archived_at=now):
        scorecard.archived_at = now
        log_scorecard("scorecard.archived", scorecard, now, actor)
    return scorecard


@transaction.atomic
def restore_scorecard(*, scorecard: Scorecard, now: datetime, actor: User | None) -> Scorecard:
    """Take a scorecard back; it does not score before it is switched on. Raises PermissionDenied."""
    check_actor(actor)
    if Scorecard.objects.filter(pk=scorecard.pk).exclude(archived_at=None).update(archived_at=None):
        scorecard.archived_at = None
        log_scorecard("scorecard.restored", scorecard, now, actor)
    return scorecard


def ensure_starter_scorecards(*, now: datetime) -> list[Scorecard]:
    """Create the starter scorecard of each kind that has no scorecard at all; return those created."""
    there = set(Scorecard.objects.values_list("kind", flat=True))
    created = []
    for place, kind in enumerate(ScoreKind, start=1):
        if kind not in there:
            starter = starter_config(kind)
            del starter["kind"]
            name, note = _free_starter_name(starter.pop("name")), starter.pop("note")
            created.append(create_scorecard(name=name, kind=kind, note=note, config=starter, position=place, now=now))
    return created


def _free_starter_name(name: str) -> str:
    """Return the name, or with a word added when a scorecard of another kind has it."""
    return f"{name} (starter)" if Scorecard.objects.filter(name=name).exists() else name


def starter_config(kind: str = ScoreKind.HEALTH) -> dict[str, Any]:
    """Return what the starter file of a kind says: name, kind, note and the configuration."""
    return dict(_starter(kind))


def free_name(name: str, scorecard: Scorecard | None = None) -> str:
    """Return a scorecard's name as it is kept. Raises InvalidInput when it is empty, too long, or another's."""
    name = name.strip()
    if not name or len(name) > MAX_NAME_LENGTH or "\x00" in name:
        raise InvalidInput(f"A scorecard needs a name of at most {MAX_NAME_LENGTH} characters.", "name")
    others = Scorecard.objects.exclude(pk=scorecard.pk) if scorecard else Scorecard.objects.all()
    if others.filter(name=name).exists():
        raise InvalidInput(f"There is already a scorecard {name!r}.", "name")
    return name


def check_actor(actor: User | None) -> None:
    """Raise PermissionDenied for people who may not configure; None is the command line or another system."""
    if actor is not None:
        check_can_configure(actor)


def log_scorecard(kind: str, scorecard: Scorecard, now: datetime, actor: User | None, **detail: object) -> None:
    log_security(kind=kind, now=now, user=actor, subject=scorecard.name, detail=detail)


@cache
def _starter(kind: str) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((STARTERS / f"{kind}.yaml").read_text())
    return data
