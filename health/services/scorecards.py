"""Scorecards: create them, publish versions of them, decide which are computed."""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction
from django.db.models import Max

from accounts.conditions import validate
from accounts.enums import ContactRole, Entity
from accounts.errors import InvalidInput
from accounts.models import AttributeDefinition, Persona, Product
from health.enums import ScoreKind
from health.models import Scorecard, ScorecardVersion
from health.scorecards import Card, InvalidScorecard, read_card
from health.services.scores import score_everybody
from team.models import User

MAX_NAME_LENGTH = 80
STARTER_FILE = Path(__file__).parent.parent / "starter.yaml"


@transaction.atomic
def create_scorecard(
    *,
    name: str,
    config: object,
    now: datetime,
    kind: str = ScoreKind.HEALTH,
    applies_to: dict[str, Any] | None = None,
    position: int = 0,
    owner: User | None = None,
    actor: User | None = None,
    note: str = "",
) -> Scorecard:
    """Create a scorecard and publish its first version, which goes live. Raises InvalidInput."""
    name = name.strip()
    if not name or len(name) > MAX_NAME_LENGTH:
        raise InvalidInput(f"A scorecard needs a name of at most {MAX_NAME_LENGTH} characters.", "name")
    if Scorecard.objects.filter(name=name).exists():
        raise InvalidInput(f"There is already a scorecard {name!r}.", "name")
    if applies_to is not None:
        validate(applies_to)
    scorecard = Scorecard.objects.create(
        name=name, kind=kind, applies_to=applies_to, position=position, owner=owner, is_live=True, created_at=now
    )
    publish_version(scorecard=scorecard, config=config, now=now, actor=actor, note=note)
    return scorecard


@transaction.atomic
def publish_version(
    *, scorecard: Scorecard, config: object, now: datetime, actor: User | None = None, note: str = ""
) -> ScorecardVersion:
    """Publish a configuration as the next version and make everybody due for a new score.

    The same configuration again is the version in force. Raises InvalidInput, naming the measure.
    """
    card = _read(config)
    locked = Scorecard.objects.select_for_update(of=("self",)).select_related("version").get(pk=scorecard.pk)
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
        note=note[:500],
    )
    locked.version = scorecard.version = version
    locked.save(update_fields=["version"])
    score_everybody(now=now, scorecard=locked)
    return version


def ensure_starter_scorecard(*, now: datetime) -> Scorecard | None:
    """Create the starter scorecard where there is none at all; None when there is one."""
    if Scorecard.objects.exists():
        return None
    starter = starter_config()
    name, kind, note = (starter.pop(key) for key in ("name", "kind", "note"))
    return create_scorecard(name=name, kind=kind, note=note, config=starter, now=now)


def starter_config() -> dict[str, Any]:
    """Return what starter.yaml says: name, kind, note and the configuration."""
    return dict(_starter())


@cache
def _starter() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(STARTER_FILE.read_text())
    return data


def _read(config: object) -> Card:
    """Read a configuration and check that what it refers to exists. Raises InvalidInput."""
    try:
        card = read_card(config)
    except InvalidScorecard as error:
        raise InvalidInput(str(error), "config") from error
    for measure in card.measures:
        if problem := _broken_reference(measure.use.metric, dict(measure.use.params), measure.use.scope.as_dict()):
            raise InvalidInput(f"{measure.label} → {problem}", "config")
    return card


def _broken_reference(metric: str, params: dict[str, Any], scope: dict[str, Any]) -> str | None:
    if "persona" in scope and not Persona.objects.filter(pk=scope["persona"]).exists():
        return f"there is no persona {scope['persona']}; choose another or remove the limit."
    if "product" in scope and not Product.objects.filter(pk=scope["product"]).exists():
        return f"there is no product {scope['product']}; choose another or remove the limit."
    if "role" in scope and scope["role"] not in ContactRole.values:
        return f"there is no role {scope['role']!r}; the roles are {', '.join(ContactRole.values)}."
    attribute = params.get("attribute") if metric == "attribute" else None
    if attribute and not AttributeDefinition.objects.filter(entity=Entity.ACCOUNT, key=attribute).exists():
        return f"there is no attribute {attribute!r} of accounts; it was removed, or is spelled otherwise."
    return None
