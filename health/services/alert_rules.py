"""Alert rules: make them, change them, switch them. What a rule said before stays in its versions."""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction

from accounts.conditions import Catalogue, validate
from accounts.conditions.errors import ConditionError
from accounts.errors import InvalidInput
from health.enums import AlertKind
from health.models import AlertRule, AlertRuleVersion
from health.services.alert_evaluation import evaluate_rule, lock_rule, retire_alerts
from team.models import User

STARTER_FILE = Path(__file__).parent.parent / "alert_rules.yaml"
CONFIG = (
    "name",
    "kind",
    "enter",
    "leave",
    "hold_days",
    "cooldown_days",
    "minimum_confidence",
    "guidance",
    "position",
    "is_live",
)
# A change of these makes other accounts match: what stands is looked at anew.
CONDITIONS = {"kind", "enter", "leave", "minimum_confidence"}
MAX_NAME_LENGTH = 80
MAX_GUIDANCE_LENGTH = 2_000
MAX_DAYS = 365
MAX_POSITION = 10_000


@transaction.atomic
def create_rule(
    *,
    fields: dict[str, Any],
    now: datetime,
    actor: User | None = None,
    owner: User | None = None,
    raise_standing: bool = False,
) -> AlertRule:
    """Make a rule of CONFIG's fields. Who matches already stands, unless told to raise. Raises InvalidInput."""
    rule = AlertRule(evaluated_at=now, owner=owner or actor)
    _fill(rule, fields)
    rule.save()
    _keep_version(rule, now, actor)
    if rule.is_live:
        evaluate_rule(rule=rule, now=now, is_quiet=not raise_standing)
    return rule


@transaction.atomic
def update_rule(
    *,
    rule: AlertRule,
    fields: dict[str, Any],
    now: datetime,
    actor: User | None = None,
    raise_standing: bool = False,
) -> AlertRule:
    """Change what is given; a new version, unless nothing changed.

    Another condition or switching it off ends its alerts; who matches then stands, unless told to
    raise. Raises InvalidInput; a rule whose conditions no longer work can still be switched off.
    """
    lock_rule(rule.pk)
    rule = AlertRule.objects.select_for_update().get(pk=rule.pk)
    before = rule_config(rule)
    is_switched_off = fields == {"is_live": False}
    _fill(rule, {**before, **fields}, checks_conditions=not is_switched_off)
    if "owner" in fields:
        rule.owner = fields["owner"]
        rule.save(update_fields=["owner"])
    after = rule_config(rule)
    changed = {name for name in CONFIG if before[name] != after[name]}
    if changed:
        rule.save(update_fields=[*CONFIG])
        _keep_version(rule, now, actor)
    if (changed & CONDITIONS and before["is_live"]) or (before["is_live"] and not rule.is_live):
        retire_alerts(rule=rule, now=now)
    if rule.is_live and (changed & CONDITIONS or not before["is_live"] or raise_standing):
        evaluate_rule(rule=rule, now=now, is_quiet=not raise_standing)
    return rule


@transaction.atomic
def delete_rule(*, rule: AlertRule, now: datetime) -> None:
    """End a rule with its alerts; what was raised stays in the history of the accounts."""
    retire_alerts(rule=rule, now=now)
    AlertRule.objects.filter(pk=rule.pk, deleted_at=None).update(deleted_at=now, is_live=False)


def rule_config(rule: AlertRule) -> dict[str, Any]:
    """Return what a version keeps."""
    return {name: getattr(rule, name) for name in CONFIG}


def ensure_starter_rules(*, now: datetime, raise_standing: bool = False) -> list[AlertRule]:
    """Make the rules of alert_rules.yaml where there never was one; the empty list when there was."""
    if AlertRule.all_objects.exists():
        return []
    return [
        create_rule(fields=dict(fields, position=position), now=now, raise_standing=raise_standing)
        for position, fields in enumerate(starter_rules(), start=1)
    ]


@cache
def starter_rules() -> list[dict[str, Any]]:
    """Return what alert_rules.yaml says."""
    rules: list[dict[str, Any]] = yaml.safe_load(STARTER_FILE.read_text())
    return rules


def _keep_version(rule: AlertRule, now: datetime, actor: User | None) -> None:
    rule.number += 1
    rule.save(update_fields=["number"])
    AlertRuleVersion.objects.create(
        rule=rule, number=rule.number, config=rule_config(rule), changed_at=now, changed_by=actor
    )


def _fill(rule: AlertRule, fields: dict[str, Any], *, checks_conditions: bool = True) -> None:
    for name, value in fields.items():
        if name in CONFIG:
            setattr(rule, name, value)
    rule.name = str(rule.name).strip()
    if not rule.name or len(rule.name) > MAX_NAME_LENGTH:
        raise InvalidInput(f"A rule needs a name of at most {MAX_NAME_LENGTH} characters.", "name")
    if AlertRule.objects.filter(name=rule.name).exclude(pk=rule.pk).exists():
        raise InvalidInput(f"There is already a rule {rule.name!r}.", "name")
    if rule.kind not in AlertKind.values:
        raise InvalidInput(f"A rule tells of {' or '.join(AlertKind.values)}, not of {rule.kind!r}.", "kind")
    if len(rule.guidance) > MAX_GUIDANCE_LENGTH:
        raise InvalidInput(
            f"The guidance has more than {MAX_GUIDANCE_LENGTH} characters; link to the rest.", "guidance"
        )
    limits = {"hold_days": MAX_DAYS, "cooldown_days": MAX_DAYS, "minimum_confidence": 100, "position": MAX_POSITION}
    for name, limit in limits.items():
        value = getattr(rule, name)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= limit:
            raise InvalidInput(f"This is a whole number from 0 to {limit}.", name)
    if checks_conditions:
        _check_conditions(rule)


def _check_conditions(rule: AlertRule) -> None:
    if rule.enter in ({}, {"all": []}, None):
        raise InvalidInput("Say when it is raised: a rule without a condition would match every account.", "enter")
    if rule.leave in ({}, {"all": []}):
        rule.leave = None
    catalogue = Catalogue()
    for name, tree in (("enter", rule.enter), ("leave", rule.leave)):
        if tree is None:
            continue
        try:
            validate(tree, catalogue=catalogue)
        except ConditionError as error:
            raise InvalidInput(str(error), name) from error
    if rule.leave == rule.enter:
        raise InvalidInput("It would end as soon as it begins. Leave this empty, or say what is different.", "leave")
