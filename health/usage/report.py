"""What the usage page of an account shows: features by week, kinds of event, and who uses the product."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Max, Q, Sum
from django.db.models.functions import TruncWeek

from accounts.enums import ContactRole
from accounts.models import Account, Contact, Membership
from health.models import EventType, UsageDay

WEEKS = 12
RECENT_DAYS = 28
MOST_FEATURES = 20
MOST_CONTACTS = 50


@dataclass(frozen=True)
class EventUse:
    """One kind of event over the weeks shown. `people`: contacts; uses by nobody in particular have none."""

    name: str
    kind: str
    product: str
    total: int
    people: int
    last_on: date


@dataclass(frozen=True)
class ContactUse:
    """One contact's use in the last RECENT_DAYS; `contact` None: deleted since."""

    contact: Contact | None
    role: str
    events: int
    active_days: int
    last_on: date


@dataclass(frozen=True)
class UsageReport:
    """`mondays`: the weeks (UTC), oldest first; `heat`: (feature, events in each week), the most used first."""

    mondays: list[date]
    heat: list[tuple[str, list[int]]]
    events: list[EventUse]
    contacts: list[ContactUse]
    more_contacts: int

    @property
    def columns(self) -> list[str]:
        return [f"{monday.day} {monday:%b}" for monday in self.mondays]


def usage_report(account: Account, *, today: date, weeks: int = WEEKS) -> UsageReport:
    """Return the use of the last `weeks` UTC weeks, the running one included. Five queries."""
    last = today - timedelta(days=today.weekday())
    mondays = [last - timedelta(weeks=back) for back in range(weeks - 1, -1, -1)]
    rows = UsageDay.objects.filter(account_id=account.pk, day__gte=mondays[0]).order_by()
    types = (
        rows.values("event_type_id")
        .annotate(
            total=Sum("count"), people=Count("contact_id", distinct=True, filter=Q(contact_id__gt=0)), last=Max("day")
        )
        .order_by("-total", "event_type_id")
    )
    found = list(types)
    named = EventType.objects.select_related("product").in_bulk([row["event_type_id"] for row in found])
    events = [
        EventUse(
            named[row["event_type_id"]].name,
            named[row["event_type_id"]].get_kind_display(),
            str(named[row["event_type_id"]].product or ""),
            row["total"],
            row["people"],
            row["last"],
        )
        for row in found
        if row["event_type_id"] in named
    ]
    weekly: dict[int, dict[date, int]] = defaultdict(dict)
    for pk, week, count in (
        rows.annotate(week=TruncWeek("day"))
        .values("event_type_id", "week")
        .annotate(total=Sum("count"))
        .values_list("event_type_id", "week", "total")
    ):
        weekly[pk][week] = count
    heat = [
        (event.name, [weekly[row["event_type_id"]].get(monday, 0) for monday in mondays])
        for event, row in zip(events, found, strict=False)
    ][:MOST_FEATURES]
    contacts, more = _contacts(account, today)
    return UsageReport(mondays, heat, events, contacts, more)


def _contacts(account: Account, today: date) -> tuple[list[ContactUse], int]:
    """Return who used the product lately, the most recent first, and how many there are beyond the page."""
    rows = list(
        UsageDay.objects.filter(account_id=account.pk, contact_id__gt=0, day__gt=today - timedelta(days=RECENT_DAYS))
        .order_by()
        .values("contact_id")
        .annotate(events=Sum("count"), days=Count("day", distinct=True), last=Max("day"))
        .order_by("-last", "-events", "contact_id")
    )
    shown = rows[:MOST_CONTACTS]
    people = Contact.objects.in_bulk([row["contact_id"] for row in shown])
    roles = dict(
        Membership.objects.filter(account=account, contact__in=people, until=None).values_list("contact_id", "role")
    )
    return [
        ContactUse(
            contact=people.get(row["contact_id"]),
            role=ContactRole(roles[row["contact_id"]]).label if row["contact_id"] in roles else "",
            events=row["events"],
            active_days=row["days"],
            last_on=row["last"],
        )
        for row in shown
    ], len(rows) - len(shown)
