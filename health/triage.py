"""Reads for people who work with alerts: what is open, in which order, what fits a day, how good rules are."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from accounts.models import Account, Contact
from health.alerts import (
    ACCOUNTS_PER_DAY,
    UNKNOWN_PROBABILITY,
    Candidate,
    Precision,
    in_order,
    precision,
    rank,
    within_budget,
)
from health.enums import AlertKind, AlertState, CloseReason, ScoreKind
from health.models import Alert, AlertBudget, AlertMute, AlertRule, CurrentScore
from health.probabilities import churn_probabilities
from health.scorecards import Band
from team.models import User

SHOWS = {
    "now": "To look at",
    "later": "Backlog",
    "acknowledged": "Acknowledged",
    "snoozed": "Snoozed",
    "standing": "Standing",
    "closed": "Closed",
}
CLOSED_DAYS = 30
PAGE_ACCOUNTS = 20
BY_HAND = [CloseReason.DONE, CloseReason.MUTED]


@dataclass(frozen=True)
class Line:
    """An alert with its evidence in words, names filled in, and how far its rule can be trusted."""

    alert: Alert
    lines: list[str]
    precision: Precision


@dataclass
class Group:
    """An account with its alerts. `score` None: it has none."""

    account: Account
    score: CurrentScore | None
    lines: list[Line] = field(default_factory=list)

    @property
    def points(self) -> float | None:
        return None if self.score is None or self.score.score is None else float(self.score.score)

    @property
    def band(self) -> str:
        return Band.UNKNOWN.word if self.score is None else self.score.band_word


@dataclass(frozen=True)
class Inbox:
    """A page of groups, how many accounts each tab has, and whether there is a further page."""

    groups: list[Group]
    counts: dict[str, int]
    handled: int
    has_more: bool


def open_alerts(now: datetime) -> QuerySet[Alert]:
    """Return what asks for somebody now: open and not put aside."""
    return Alert.objects.filter(_tab("now", now))


def candidates(alerts: QuerySet[Alert], *, today: date) -> list[Candidate]:
    """Return an entry for each account of open alerts, the highest rank first: three queries.

    Of an account with both kinds the risk counts.
    """
    found: dict[int, dict[str, Any]] = {}
    rows = alerts.order_by().values("account_id", "account__csm_id", "account__arr", "account__renews_on", "rule__kind")
    for row in rows.distinct():
        if row["account_id"] not in found or row["rule__kind"] == AlertKind.RISK:
            found[row["account_id"]] = dict(row)
    chances = churn_probabilities(found.keys()) if found else {}
    return in_order(
        Candidate(
            account_id=pk,
            owner_id=row["account__csm_id"],
            is_risk=row["rule__kind"] == AlertKind.RISK,
            rank=rank(
                probability=_chance(chances.get(pk, UNKNOWN_PROBABILITY), row["rule__kind"]),
                arr=row["account__arr"],
                renews_on=row["account__renews_on"],
                today=today,
            ),
        )
        for pk, row in found.items()
    )


def _chance(churn: float, kind: str) -> float:
    """Return the chance that counts: a risk's that they leave, an opportunity's that they stay."""
    return churn if kind == AlertKind.RISK else 1 - churn


def handled_today(owner_ids: Collection[int], *, since: datetime) -> Counter[int]:
    """Return by CSM how many of their accounts somebody has dealt with since a time, all of what was open there."""
    rows = (
        Alert.objects.filter(
            Q(acknowledged_at__gte=since) | Q(closed_at__gte=since, close_reason__in=BY_HAND),
            account__csm__in=owner_ids,
        )
        .exclude(account__in=Alert.objects.filter(state=AlertState.OPEN).values("account"))
        .order_by()
        .values_list("account__csm_id", "account_id")
        .distinct()
    )
    return Counter(owner for owner, _ in rows)


def budgets(owner_ids: Iterable[int]) -> dict[int, int]:
    """Return how many accounts a day each of some users takes."""
    owner_ids = list(owner_ids)
    rows = AlertBudget.objects.filter(Q(user__in=owner_ids) | Q(user=None))
    found: dict[int | None, int] = dict(rows.values_list("user_id", "accounts_per_day"))
    default = found.get(None, ACCOUNTS_PER_DAY)
    return {pk: found.get(pk, default) for pk in owner_ids}


def due_now(ranked: list[Candidate], *, since: datetime) -> tuple[set[int], int]:
    """Return which accounts fit into what is left of their CSM's day, and how many were dealt with today."""
    owners = {each.owner_id for each in ranked if each.owner_id is not None}
    handled = handled_today(owners, since=since)
    left = {pk: budget - handled[pk] for pk, budget in budgets(owners).items()}
    return within_budget(ranked, left), handled.total()


def inbox(
    book: QuerySet[Account],
    *,
    show: str,
    now: datetime,
    since: datetime,
    today: date,
    kind: str = "",
    rule_id: int | None = None,
    page: int = 1,
) -> Inbox:
    """Return a page of one tab (see SHOWS) over the accounts of a book. `since` is the beginning of the reader's day.

    The queries do not grow with the alerts.
    """
    alerts = Alert.objects.filter(account__in=book.order_by())
    if kind:
        alerts = alerts.filter(rule__kind=kind)
    if rule_id:
        alerts = alerts.filter(rule=rule_id)
    ranked = candidates(alerts.filter(_tab("now", now)), today=today)
    shown, handled = due_now(ranked, since=since)
    counts = {
        "now": len(shown),
        "later": len(ranked) - len(shown),
        **_counts(alerts, now),
    }
    chosen = alerts.filter(_tab(show, now))
    if show in {"now", "later"}:
        accounts = [each.account_id for each in ranked if (each.account_id in shown) == (show == "now")]
    else:
        accounts = _newest_first(chosen)
    start = (page - 1) * PAGE_ACCOUNTS
    groups = group_alerts(chosen, accounts[start : start + PAGE_ACCOUNTS])
    return Inbox(groups, counts, handled, has_more=len(accounts) > start + PAGE_ACCOUNTS)


def _tab(show: str, now: datetime) -> Q:
    match show:
        case "acknowledged":
            return Q(state=AlertState.ACKNOWLEDGED)
        case "snoozed":
            return Q(state=AlertState.OPEN, snoozed_until__gt=now)
        case "standing":
            return Q(state=AlertState.STANDING)
        case "closed":
            recent = now - timedelta(days=CLOSED_DAYS)
            return Q(state=AlertState.CLOSED, raised_at__isnull=False, closed_at__gte=recent)
        case _:
            return (Q(snoozed_until=None) | Q(snoozed_until__lte=now)) & Q(state=AlertState.OPEN)


def _counts(alerts: QuerySet[Alert], now: datetime) -> dict[str, int]:
    """Return how many accounts the other tabs have."""
    others = [show for show in SHOWS if show not in {"now", "later"}]
    return alerts.order_by().aggregate(
        **{show: Count("account", distinct=True, filter=_tab(show, now)) for show in others}
    )


def _newest_first(alerts: QuerySet[Alert]) -> list[int]:
    return list(dict.fromkeys(alerts.order_by("-entered_at", "-pk").values_list("account_id", flat=True)))


def group_alerts(alerts: QuerySet[Alert], account_ids: list[int]) -> list[Group]:
    """Return the alerts of some accounts by account, in the order of these: five queries at most."""
    rows = list(
        alerts.filter(account__in=account_ids)
        .select_related("rule", "acknowledged_by", "closed_by", "verdict_by")
        .order_by("rule__kind", "rule__position", "pk")
    )
    rows.sort(key=lambda alert: alert.rule.kind != AlertKind.RISK)
    accounts = Account.all_objects.select_related("csm").in_bulk(account_ids)
    scores = {
        score.account_id: score
        for score in CurrentScore.objects.filter(account__in=account_ids, main_of=ScoreKind.HEALTH)
    }
    said = evidence_words(rows)
    worth = precisions({alert.rule_id for alert in rows})
    groups = {pk: Group(accounts[pk], scores.get(pk)) for pk in account_ids}
    for alert in rows:
        groups[alert.account_id].lines.append(Line(alert, said[alert.pk], worth[alert.rule_id]))
    return list(groups.values())


def evidence_words(alerts: Iterable[Alert]) -> dict[int, list[str]]:
    """Return the evidence by alert, with the names that people have now; who was erased has none. One query."""
    kept = {alert.pk: alert.evidence.get("lines", []) for alert in alerts}
    people = {pk for lines in kept.values() for line in lines for pk in line.get("contacts", [])}
    names = {row.pk: str(row) for row in Contact.objects.filter(pk__in=people)} if people else {}
    words: dict[int, list[str]] = defaultdict(list)
    for pk, lines in kept.items():
        for line in lines:
            known = [names[person] for person in line.get("contacts", []) if person in names]
            words[pk].append(f"{line['text']}: {', '.join(known)}" if known else line["text"])
        words.setdefault(pk, [])
    return words


def precisions(rule_ids: Collection[int] | None = None) -> defaultdict[int, Precision]:
    """Return by rule how many of the judged alerts were useful; nothing judged where there is none. One query."""
    rows = Alert.objects.exclude(is_useful=None)
    if rule_ids is not None:
        rows = rows.filter(rule__in=rule_ids)
    found: defaultdict[int, Precision] = defaultdict(lambda: precision(0, 0))
    counted = rows.order_by().values("rule").annotate(judged=Count("pk"), useful=Count("pk", filter=Q(is_useful=True)))
    for row in counted:
        found[row["rule"]] = precision(row["useful"], row["judged"])
    return found


@dataclass(frozen=True)
class RuleRow:
    """A rule in the list, with how many accounts it has open, standing and waiting."""

    rule: AlertRule
    open: int
    standing: int
    raised: int
    precision: Precision


def rule_rows(*, since: datetime) -> list[RuleRow]:
    """Return all rules with their figures, raised since a time: two queries."""
    rules = AlertRule.objects.select_related("owner").annotate(
        open_count=Count("alerts", filter=Q(alerts__state__in=[AlertState.OPEN, AlertState.ACKNOWLEDGED])),
        standing_count=Count("alerts", filter=Q(alerts__state=AlertState.STANDING)),
        raised_count=Count("alerts", filter=Q(alerts__raised_at__gte=since)),
    )
    rules = rules.order_by("position", "pk")
    worth = precisions()
    return [RuleRow(rule, rule.open_count, rule.standing_count, rule.raised_count, worth[rule.pk]) for rule in rules]


def account_alerts(account: Account) -> Group | None:
    """Return what is open or acknowledged at an account; None where nothing is."""
    rows = Alert.objects.filter(account=account, state__in=[AlertState.OPEN, AlertState.ACKNOWLEDGED])
    (group,) = group_alerts(rows, [account.pk])
    return group if group.lines else None


def account_mutes(accounts: Collection[int], now: datetime) -> QuerySet[AlertMute]:
    """Return the rules that are quiet about some accounts now."""
    rows = AlertMute.objects.filter(account__in=accounts, ended_at=None, until__gt=now)
    return rows.select_related("rule", "account", "muted_by")


def budget_of(user: User) -> int:
    return budgets([user.pk])[user.pk]
