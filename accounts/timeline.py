"""What happened to an account, newest first: its activities and its events in one list.

Each kind of event is told by a describer; upper apps register theirs with `describe_kind`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from accounts.enums import AttributeType, Initiative, Origin, Stage, SurveyKind, Tier
from accounts.models import (
    Account,
    AccountEvent,
    Activity,
    AttributeValue,
    Contact,
    Sentiment,
    Subscription,
    SurveyResponse,
    Ticket,
)
from team.models import Team, User


@dataclass(frozen=True)
class Entry:
    """One line of the timeline. `tone` is the band that fits: "", green, yellow or red."""

    key: str
    occurred_at: datetime
    icon: str
    title: str
    body: str = ""
    byline: str = ""
    tone: str = ""
    url: str = ""
    activity: Activity | None = None


@dataclass
class Facts:
    """The rows that the events of one page refer to, by primary key."""

    rows: dict[str, dict[int, Any]] = field(default_factory=dict)

    def get(self, name: str, pk: object) -> Any:
        return self.rows.get(name, {}).get(pk) if isinstance(pk, int) else None


# What a describer returns: icon, title, body, tone.
Told = tuple[str, str, str, str]
Describer = Callable[[AccountEvent, Facts], Told]
Loader = Callable[[set[int]], dict[int, Any]]

_describers: dict[str, Describer] = {}
_loaders: dict[str, Loader] = {}

FILTERS = {
    "activities": ("Activities", ()),
    "health": ("Health", ("alert.", "band.")),
    "tickets": ("Tickets", ("ticket.",)),
    "people": ("People", ("contact.", "account_team.", "csm.")),
    "revenue": ("Revenue", ("subscription.",)),
    "feedback": ("Feedback", ("survey.", "sentiment.")),
}


def describe_kind(*kinds: str) -> Callable[[Describer], Describer]:
    """Register how events of some kinds are told."""

    def register(describer: Describer) -> Describer:
        for kind in kinds:
            _describers[kind] = describer
        return describer

    return register


def load_facts(name: str, loader: Loader) -> None:
    """Register how rows that payloads name as `<name>_id` are fetched, many at once."""
    _loaders[name] = loader


def timeline(
    account: Account,
    *,
    only: str = "",
    before: tuple[datetime, str] | None = None,
    limit: int = 20,
) -> list[Entry]:
    """Return up to `limit` entries, newest first, after the key of the last one seen (`before`).

    `only` is one of FILTERS. The number of queries does not depend on the number of entries.
    """
    activities = _activities(account, only, before, limit)
    events = _events(account, only, before, limit)
    facts = _facts(events)
    entries = [_activity_entry(a) for a in activities] + [_event_entry(e, facts) for e in events]
    entries.sort(key=lambda entry: (entry.occurred_at, entry.key), reverse=True)
    return entries[:limit]


@dataclass(frozen=True)
class News:
    """An entry with the account it is about."""

    account: Account
    entry: Entry


# What a CSM wants to hear about on a Monday morning, without opening every account.
NEWSWORTHY = (
    "band.changed",
    "contact.left",
    "stage.changed",
    "subscription.ended",
    "subscription.started",
    "survey.answered",
    "ticket.escalated",
    "ticket.reopened",
)


def news(accounts: QuerySet[Account], *, since: datetime, limit: int = 10) -> list[News]:
    """Return what changed in a book since a time, newest first.

    A first score, what a new scorecard changed and the first stage of a new account are no news.
    """
    events = list(
        AccountEvent.objects.filter(
            kind__in=NEWSWORTHY,
            occurred_at__gte=since,
            account__in=accounts.order_by(),
            origin__in=[Origin.LIVE, Origin.BACKFILL],
        )
        .exclude(kind="stage.changed", payload__from=None)
        .select_related("account", "actor")
        .order_by("-occurred_at", "-pk")[:limit]
    )
    facts = _facts(events)
    return [News(event.account, _event_entry(event, facts)) for event in events]


def _activities(account: Account, only: str, before: tuple[datetime, str] | None, limit: int) -> list[Activity]:
    if only not in {"", "activities"}:
        return []
    rows = Activity.objects.filter(account=account).select_related("author").prefetch_related("contacts")
    return list(_page(rows, "activity", before, limit))


def _events(account: Account, only: str, before: tuple[datetime, str] | None, limit: int) -> list[AccountEvent]:
    if only == "activities":
        return []
    rows = AccountEvent.objects.filter(account=account).exclude(kind__startswith="activity.").select_related("actor")
    if only:
        wanted = Q()
        for prefix in FILTERS[only][1]:
            wanted |= Q(kind__startswith=prefix)
        rows = rows.filter(wanted)
    return list(_page(rows, "event", before, limit))


def _page(rows: Any, name: str, before: tuple[datetime, str] | None, limit: int) -> Any:
    """Keep what comes after (occurred_at, key); keys compare as "activity-…" < "event-…"."""
    if before is not None:
        at, key = before
        other, _, pk = key.partition("-")
        older = Q(occurred_at__lt=at)
        if name < other:
            older |= Q(occurred_at=at)
        elif name == other:
            older |= Q(occurred_at=at, pk__lt=int(pk))
        rows = rows.filter(older)
    return rows.order_by("-occurred_at", "-pk")[:limit]


def _facts(events: list[AccountEvent]) -> Facts:
    wanted: dict[str, set[int]] = {}
    for event in events:
        for key, value in event.payload.items():
            name = key.removesuffix("_id")
            if key.endswith("_id") and name in _loaders and isinstance(value, int):
                wanted.setdefault(name, set()).add(value)
        if event.kind in {"csm.changed", "team.changed"}:
            name = "user" if event.kind == "csm.changed" else "team"
            wanted.setdefault(name, set()).update(
                pk for pk in (event.payload.get("from"), event.payload.get("to")) if isinstance(pk, int)
            )
    return Facts({name: _loaders[name](pks) for name, pks in wanted.items()})


def _activity_entry(activity: Activity) -> Entry:
    people = ", ".join(str(contact) for contact in activity.contacts.all())
    kind = activity.get_kind_display()
    title = activity.subject or (f"{kind} with {people}" if people else kind)
    who = str(activity.author) if activity.author else activity.source
    parts = [
        kind,
        who,
        people if activity.subject else "",
        activity.get_function_display(),
    ]
    if activity.initiative:
        parts.append(Initiative(activity.initiative).label)
    return Entry(
        key=f"activity-{activity.pk:020}",
        occurred_at=activity.occurred_at,
        icon={
            "call": "phone",
            "mail": "mail",
            "meeting": "calendar",
            "chat": "message-circle",
        }.get(activity.kind, "sticky-note"),
        title=title,
        body=activity.body,
        byline=" · ".join(part for part in parts if part),
        activity=activity,
    )


def _event_entry(event: AccountEvent, facts: Facts) -> Entry:
    icon, title, body, tone = _describers.get(event.kind, _tell_other)(event, facts)
    return Entry(
        key=f"event-{event.pk:020}",
        occurred_at=event.occurred_at,
        icon=icon,
        title=title,
        body=body,
        byline=str(event.actor) if event.actor else "",
        tone=tone,
    )


def _tell_other(event: AccountEvent, facts: Facts) -> Told:
    noun, _, verb = event.kind.partition(".")
    return "circle-dot", f"{noun} {verb}".replace("_", " ").capitalize(), "", ""


@describe_kind("account.created", "account.deleted")
def _tell_account(event: AccountEvent, facts: Facts) -> Told:
    return (
        "building-2",
        "Account created" if event.kind == "account.created" else "Account deleted",
        "",
        "",
    )


@describe_kind("account.merged")
def _tell_merged(event: AccountEvent, facts: Facts) -> Told:
    return "merge", "Another account was merged into this one", "", ""


@describe_kind("parent.changed", "child.left")
def _tell_family(event: AccountEvent, facts: Facts) -> Told:
    # Without names: not everybody may see the other account.
    if event.kind == "child.left":
        return "network", "An account below this one moved away", "", ""
    where = "no parent account any more" if event.payload.get("parent_id") is None else "another parent account"
    return "network", f"Stands below {where}", "", ""


@describe_kind("stage.changed", "tier.changed")
def _tell_choice(event: AccountEvent, facts: Facts) -> Told:
    labels: dict[object, object] = dict([*Stage.choices, *Tier.choices])
    what = "Lifecycle stage" if event.kind == "stage.changed" else "Tier"
    old, new = (labels.get(event.payload.get(end), "none") for end in ("from", "to"))
    return (
        "flag",
        f"{what}: {old} → {new}",
        "",
        "red" if event.payload.get("to") == Stage.CHURNED else "",
    )


@describe_kind("csm.changed", "team.changed")
def _tell_owner(event: AccountEvent, facts: Facts) -> Told:
    what, name = ("CSM", "user") if event.kind == "csm.changed" else ("Team", "team")
    old, new = (facts.get(name, event.payload.get(end)) or "nobody" for end in ("from", "to"))
    return "user-cog", f"{what}: {old} → {new}", "", ""


@describe_kind("attribute.changed")
def _tell_attribute(event: AccountEvent, facts: Facts) -> Told:
    key = str(event.payload.get("attribute", "attribute")).replace("_", " ").capitalize()
    row = facts.get("attribute_value", event.payload.get("attribute_value_id"))
    if row is None or row.definition.type == AttributeType.USER:
        return "pencil", f"{key} changed", "", ""
    said = row.value
    if said is None:
        said = "cleared"
    elif isinstance(said, bool):
        said = "yes" if said else "no"
    return "pencil", f"{row.definition.label}: {said}", "", ""


@describe_kind("contact.joined", "contact.left", "contact.role_changed", "contact.merged")
def _tell_contact(event: AccountEvent, facts: Facts) -> Told:
    contact = facts.get("contact", event.payload.get("contact_id")) or "A contact"
    role = str(event.payload.get("role", "")).replace("_", " ")
    if event.kind == "contact.joined":
        return "user-plus", f"{contact} joined", f"As {role}" if role else "", ""
    if event.kind == "contact.merged":
        return "merge", f"{contact} was known twice and is now one", "", ""
    if event.kind == "contact.left":
        return (
            "user-minus",
            f"{contact} left",
            f"Was {role}" if role else "",
            "red" if role == "champion" else "yellow",
        )
    return "user-check", f"{contact} is now {role}", "", ""


@describe_kind("account_team.joined", "account_team.left")
def _tell_team_member(event: AccountEvent, facts: Facts) -> Told:
    user = facts.get("user", event.payload.get("user_id")) or "Somebody"
    verb = "joined" if event.kind == "account_team.joined" else "left"
    return (
        "users",
        f"{user} {verb} the account team",
        str(event.payload.get("function", "")),
        "",
    )


@describe_kind(
    "ticket.opened",
    "ticket.solved",
    "ticket.reopened",
    "ticket.escalated",
    "ticket.deleted",
)
def _tell_ticket(event: AccountEvent, facts: Facts) -> Told:
    ticket = facts.get("ticket", event.payload.get("ticket_id"))
    verb = event.kind.partition(".")[2]
    tone = {"solved": "green", "reopened": "yellow", "escalated": "red"}.get(verb, "")
    return "life-buoy", f"Ticket {verb}", str(ticket) if ticket else "", tone


@describe_kind("survey.answered")
def _tell_survey(event: AccountEvent, facts: Facts) -> Told:
    response: SurveyResponse | None = facts.get("survey_response", event.payload.get("survey_response_id"))
    kind, score = str(event.payload.get("kind", "")), event.payload.get("score")
    if response is None:
        return "message-square", f"{_survey_label(kind)} {score}", "", ""
    who = f" from {response.contact}" if response.contact else ""
    body = f"“{response.comment}”" if response.comment else ""
    return (
        "message-square",
        f"{_survey_label(kind)} {response.score}{who}",
        body,
        _survey_tone(kind, response.score),
    )


def _survey_label(kind: str) -> str:
    """Return the word of a survey; a kind nobody knows any more as it was written."""
    return SurveyKind(kind).label if kind in SurveyKind.values else kind


def _survey_tone(kind: str, score: int) -> str:
    low, high = {"nps": (6, 9), "csat": (2, 4), "ces": (3, 6), "indispensable": (2, 4)}.get(kind, (0, 0))
    return "red" if score <= low else "green" if score >= high else "yellow"


@describe_kind("sentiment.recorded")
def _tell_sentiment(event: AccountEvent, facts: Facts) -> Told:
    sentiment: Sentiment | None = facts.get("sentiment", event.payload.get("sentiment_id"))
    if sentiment is None:
        return "smile", "CSM sentiment recorded", "", ""
    tone = "red" if sentiment.level < 3 else "green" if sentiment.level > 3 else "yellow"
    return (
        "smile",
        f"CSM sentiment: {sentiment.get_level_display()}",
        sentiment.note,
        tone,
    )


@describe_kind(
    "subscription.started",
    "subscription.changed",
    "subscription.ended",
    "subscription.deleted",
)
def _tell_subscription(event: AccountEvent, facts: Facts) -> Told:
    subscription = facts.get("subscription", event.payload.get("subscription_id"))
    verb = event.kind.partition(".")[2]
    name = f"{subscription.plan or subscription.product or 'Subscription'}" if subscription else ""
    return (
        "receipt",
        f"Subscription {verb}",
        name,
        {"started": "green", "ended": "red"}.get(verb, ""),
    )


load_facts("user", User.objects.in_bulk)
load_facts("team", Team.objects.in_bulk)
load_facts("contact", Contact.all_objects.in_bulk)
load_facts("ticket", Ticket.all_objects.in_bulk)
load_facts("sentiment", Sentiment.objects.in_bulk)
load_facts("attribute_value", lambda pks: AttributeValue.objects.select_related("definition").in_bulk(pks))
load_facts(
    "subscription",
    lambda pks: Subscription.all_objects.select_related("product").in_bulk(pks),
)
load_facts(
    "survey_response",
    lambda pks: SurveyResponse.all_objects.select_related("contact").in_bulk(pks),
)
