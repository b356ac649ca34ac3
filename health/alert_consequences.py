"""What a new version of a scorecard means for alerts, said in the preview of a draft."""

from django.urls import reverse

from accounts.conditions import Catalogue, ConditionError
from health.alert_conditions import enter_tree, fields_of
from health.models import AlertRule
from health.previews import Consequence, Move, register_consequence
from health.sampling import Sample

OF_SCORES = {
    "health_score",
    "health_band",
    "health_change",
    "health_confidence",
    "success_score",
    "happiness_score",
    "corner",
}


@register_consequence
def alerts_that_look(moves: list[Move], sample: Sample) -> list[Consequence]:
    """Name the live rules that read scores. What a new version alone brings about is no news: it raises nothing."""
    catalogue = Catalogue()
    names = [rule.name for rule in AlertRule.objects.filter(is_live=True) if _reads_scores(rule, catalogue)]
    if not names:
        return []
    rules = f"alert rule {names[0]}" if len(names) == 1 else f"alert rules {', '.join(names)}"
    text = f"The {rules} will look at the new scores. What comes to match by that alone stands quietly: no alert."
    return [Consequence(text, reverse("alert_rule_list"))]


def _reads_scores(rule: AlertRule, catalogue: Catalogue) -> bool:
    try:
        return bool(fields_of(enter_tree(rule), catalogue) & OF_SCORES)
    except ConditionError:
        return False
