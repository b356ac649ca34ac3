"""How changes of a health band are told in the timeline."""

from accounts.enums import Origin
from accounts.models import AccountEvent
from accounts.timeline import Facts, Told, describe_kind, load_facts
from health.enums import CloseReason
from health.models import AlertRule, Scorecard, ScoreOverride
from health.scorecards import Band

LABELS = {band.word: band.label for band in Band}


@describe_kind("band.changed")
def tell_band(event: AccountEvent, facts: Facts) -> Told:
    card = facts.get("scorecard", event.payload.get("scorecard_id")) or "Health"
    old, new = str(event.payload.get("from", "")), str(event.payload.get("to", ""))
    score = event.payload.get("score")
    figure = f" ({score:.0f})" if isinstance(score, int | float) else ""
    label = LABELS.get(new, new)
    tone = new if new in {"red", "yellow", "green"} else ""
    if event.origin == Origin.FIRST_SCORE:
        return "gauge", f"First {card} score: {label}{figure}", "", tone
    why = "The scorecard changed, not the customer." if event.origin == Origin.CONFIGURATION else ""
    return "gauge", f"{card}: {LABELS.get(old, old)} → {label}{figure}", why, tone


@describe_kind("alert.raised", "alert.closed")
def tell_alert(event: AccountEvent, facts: Facts) -> Told:
    rule = facts.get("alert_rule", event.payload.get("alert_rule_id")) or "Alert"
    tone = "green" if event.payload.get("alert_kind") == "opportunity" else "red"
    if event.kind == "alert.raised":
        return "bell", f"Alert: {rule}", "", tone
    reason = str(event.payload.get("reason", ""))
    label = dict(CloseReason.choices).get(reason, "")
    return "bell-off", f"Alert closed: {rule}", label and f"{label}.", ""


load_facts("alert_rule", AlertRule.all_objects.in_bulk)


@describe_kind("override.set")
def tell_override(event: AccountEvent, facts: Facts) -> Told:
    card = facts.get("scorecard", event.payload.get("scorecard_id")) or "Health"
    row = facts.get("override", event.payload.get("override_id"))
    return "pencil", f"{card} set to {event.payload.get('score'):g} by hand", row.reason if row else "", ""


@describe_kind("override.ended")
def tell_end(event: AccountEvent, facts: Facts) -> Told:
    card = facts.get("scorecard", event.payload.get("scorecard_id")) or "Health"
    return "pencil", f"{card} is the computed one again", f"It was set to {event.payload.get('score'):g}.", ""


load_facts("override", ScoreOverride.objects.in_bulk)
load_facts("scorecard", Scorecard.objects.in_bulk)
