"""Whether what a scorecard refers to exists: personas, products, roles, attributes, and fields of its condition."""

from collections.abc import Iterator, Mapping
from typing import Any

from accounts.conditions import ConditionError, validate
from accounts.conditions.uses import Use, register_holder
from accounts.enums import ContactRole, Entity
from accounts.errors import InvalidInput
from accounts.models import AttributeDefinition, Persona, Product
from health.metrics.registry import MetricUse
from health.models import Scorecard
from health.scorecards import Card, InvalidScorecard, read_card


def check_config(config: object) -> Card:
    """Read a configuration and check what it refers to. Raises InvalidInput naming the part."""
    try:
        card = read_card(config)
    except InvalidScorecard as error:
        raise InvalidInput(str(error), "config") from error
    for part in card.inputs:
        if problem := broken_reference(part.use):
            raise InvalidInput(f"{part.label} → {problem}", "config")
    if problem := broken_condition(card.applies_to):
        raise InvalidInput(f"Applies to → {problem}", "config")
    return card


def broken_reference(use: MetricUse) -> str | None:
    """Say what a metric refers to that does not exist, and what to do; None: all is there."""
    scope = use.scope
    if scope.persona is not None and not Persona.objects.filter(pk=scope.persona).exists():
        return f"there is no persona {scope.persona}; choose another or remove the limit."
    if scope.product is not None and not Product.objects.filter(pk=scope.product).exists():
        return f"there is no product {scope.product}; choose another or remove the limit."
    if scope.role is not None and scope.role not in ContactRole.values:
        return f"there is no role {scope.role!r}; the roles are {', '.join(ContactRole.values)}."
    attribute = dict(use.params).get("attribute") if use.metric == "attribute" else None
    if attribute and not AttributeDefinition.objects.filter(entity=Entity.ACCOUNT, key=attribute).exists():
        return f"there is no attribute {attribute!r} of accounts; it was removed, or is spelled otherwise."
    return None


def broken_condition(applies_to: Mapping[str, Any] | None) -> str | None:
    """Say what is wrong with the condition a scorecard applies by; None: nothing."""
    try:
        if applies_to is not None:
            validate(applies_to)
    except ConditionError as error:
        return error.reason
    return None


def _uses() -> Iterator[Use]:
    """Yield what live scorecards ask of accounts: their conditions, and the attributes they measure."""
    for scorecard in Scorecard.objects.live():
        if scorecard.version is None:
            continue
        holder = f"Scorecard {scorecard}"
        if scorecard.version.applies_to:
            yield Use(holder, Entity.ACCOUNT, scorecard.version.applies_to)
        for part in scorecard.version.card().inputs:
            if part.use.metric == "attribute":
                yield Use(holder, Entity.ACCOUNT, {"field": f"attribute.{part.use['attribute']}"})


register_holder(_uses)
