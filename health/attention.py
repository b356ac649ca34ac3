"""What health says about why accounts need somebody: open alerts, and measures that pull a score down."""

from collections.abc import Collection, Iterable
from datetime import date

from django.db.models import QuerySet
from django.urls import reverse

from accounts.attention import At, Need, register_needs
from accounts.models import Account
from health.alerts import UNKNOWN_PROBABILITY, Candidate, in_order, rank
from health.enums import AlertKind
from health.portfolio import needs_attention, reasons
from health.probabilities import churn_probabilities
from health.triage import candidates, evidence_words, open_alerts


@register_needs
def alert_needs(book: QuerySet[Account], at: At) -> Iterable[Need]:
    """Yield the open alerts of the accounts with the highest rank, risks first."""
    alerts = open_alerts(at.now).filter(account__in=book.order_by())
    first = [each.account_id for each in candidates(alerts, today=at.today)[: at.limit]]
    rows = list(alerts.filter(account__in=first).select_related("rule").order_by("rule__position", "pk"))
    words = evidence_words(rows)
    url = reverse("alert_list")
    for alert in sorted(rows, key=lambda each: each.rule.kind != AlertKind.RISK):
        tone = "red" if alert.rule.kind == AlertKind.RISK else "green"
        detail = "; ".join(words[alert.pk])
        yield Need(alert.account_id, alert.rule.name, tone, detail, f"{url}?book=all&rule={alert.rule_id}")


@register_needs
def score_needs(book: QuerySet[Account], at: At) -> Iterable[Need]:
    """Yield what costs the scores most that are at risk, on watch or falling."""
    scores = needs_attention(book, today=at.today, limit=at.limit)
    found = reasons(scores)
    for score in scores:
        costs = found.get(score.account_id, [])
        for reason in costs:
            yield Need(score.account_id, f"{reason.label} {reason.points:+.0f} pts".replace("-", "−"))
        if not costs:
            yield Need(score.account_id, "Low score without a single cause")


def by_rank(needs: dict[int, list[Need]], accounts: Collection[Account], *, today: date) -> list[Candidate]:
    """Return accounts with their reasons, the most pressing first; those with good news alone are opportunities."""
    chances = churn_probabilities([account.pk for account in accounts])
    found = []
    for account in accounts:
        is_risk = any(need.tone != "green" for need in needs[account.pk])
        churn = chances.get(account.pk, UNKNOWN_PROBABILITY)
        value = rank(
            probability=churn if is_risk else 1 - churn, arr=account.arr, renews_on=account.renews_on, today=today
        )
        found.append(Candidate(account.pk, account.csm_id, is_risk, value))
    return in_order(found)
