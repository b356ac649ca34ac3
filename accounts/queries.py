"""What the pages of one account show, beside its health."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Count, F, Max, Prefetch, Q, QuerySet, Sum

from accounts.enums import ContactRole, TicketStatus
from accounts.models import Account, AccountTeamMember, Activity, Contact, Membership, Sentiment, Subscription, Ticket

OPEN_STATUSES = [TicketStatus.OPEN, TicketStatus.WAITING]
ROLE_ORDER = [
    ContactRole.ECONOMIC_BUYER,
    ContactRole.CHAMPION,
    ContactRole.ADMIN,
    ContactRole.END_USER,
    ContactRole.OTHER,
]


@dataclass(frozen=True)
class Person:
    """A contact at an account. `last_activity_at` None: nobody has written down a contact with them."""

    membership: Membership
    last_activity_at: datetime | None

    @property
    def contact(self) -> Contact:
        return self.membership.contact


def people(account: Account) -> list[Person]:
    """Return the current members, the most important roles first."""
    memberships = (
        Membership.objects.filter(account=account, until=None, contact__deleted_at=None)
        .select_related("contact", "contact__persona")
        .order_by("contact__name", "id")
    )
    last = dict(
        Activity.objects.filter(account=account, contacts__isnull=False)
        .values_list("contacts")
        .annotate(last=Max("occurred_at"))
        .values_list("contacts", "last")
    )
    found = [Person(membership=m, last_activity_at=last.get(m.contact_id)) for m in memberships]
    return sorted(found, key=lambda person: ROLE_ORDER.index(ContactRole(person.membership.role)))


def former_people(account: Account) -> QuerySet[Membership]:
    """Return memberships of contacts who are no longer there at all, the last to leave first."""
    current = Membership.objects.filter(account=account, until=None).values("contact")
    return (
        Membership.objects.filter(account=account)
        .exclude(until=None)
        .exclude(contact__in=current)
        .filter(contact__deleted_at=None)
        .select_related("contact")
        .order_by("-until", "-id")
    )


def account_team(account: Account) -> QuerySet[AccountTeamMember]:
    return account.team_members.filter(until=None).select_related("user").order_by("function", "id")


def subscriptions(account: Account) -> QuerySet[Subscription]:
    """Return subscriptions with their history, running ones first."""
    return (
        Subscription.objects.filter(account=account)
        .select_related("product")
        .prefetch_related(Prefetch("changes"))
        .order_by(F("ended_on").desc(nulls_first=True), "-started_on", "id")
    )


def running_subscriptions(account: Account, *, today: date) -> QuerySet[Subscription]:
    """Return the subscriptions in force on a day."""
    return Subscription.objects.filter(account=account, started_on__lte=today).filter(
        Q(ended_on=None) | Q(ended_on__gt=today)
    )


def tickets(account: Account, *, only_open: bool = False) -> QuerySet[Ticket]:
    """Return tickets, open ones first, then the newest."""
    rows = Ticket.objects.filter(account=account).select_related("contact", "product")
    if only_open:
        rows = rows.filter(status__in=OPEN_STATUSES)
    return rows.order_by("-occurred_at", "-id")


def ticket_counts(account: Account, *, since: datetime) -> dict[str, int]:
    """Return how many tickets are open, escalated and open, and opened since a time."""
    return Ticket.objects.filter(account=account).aggregate(
        open=Count("id", filter=Q(status__in=OPEN_STATUSES)),
        escalated=Count("id", filter=Q(status__in=OPEN_STATUSES, is_escalated=True)),
        recent=Count("id", filter=Q(occurred_at__gte=since)),
    )


def last_sentiment(account: Account) -> Sentiment | None:
    return account.sentiments.select_related("user").order_by("-occurred_at", "-id").first()


def renewals(accounts: QuerySet[Account], *, today: date, until: date) -> QuerySet[Account]:
    """Return the accounts whose next renewal falls into [today, until]."""
    return accounts.filter(renews_on__gte=today, renews_on__lte=until).order_by("renews_on", "id")


def proactively_reached(accounts: Sequence[int] | QuerySet[Account], *, since: datetime) -> int:
    """Return how many of the accounts had a proactive activity since a time."""
    return (
        Activity.objects.filter(account__in=accounts, occurred_at__gte=since, initiative="proactive")
        .values("account")
        .distinct()
        .count()
    )


def search_accounts(accounts: QuerySet[Account], text: str) -> QuerySet[Account]:
    """Narrow to accounts whose name or domain contains the text, in any case."""
    text = text.strip()
    return accounts.filter(Q(name__icontains=text) | Q(domain__icontains=text)) if text else accounts


@dataclass(frozen=True)
class Totals:
    """How many accounts, and their ARR where it is known; unknown_count have none."""

    count: int
    arr: Decimal
    unknown_count: int


def account_totals(accounts: QuerySet[Account]) -> Totals:
    found = accounts.order_by().aggregate(count=Count("pk"), known=Count("arr"), total=Sum("arr"))
    return Totals(found["count"], found["total"] or Decimal(0), found["count"] - found["known"])
