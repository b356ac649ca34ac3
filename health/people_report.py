"""What the People tab shows of health: each person, each role and persona, and what rests on one person."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import Count, Max, Q, Sum

from accounts.enums import ActivityKind, SurveyKind
from accounts.models import Account, Activity, SurveyResponse
from accounts.queries import Person as Member
from accounts.queries import people as members
from health.models import UsageDay
from health.people import (
    THREAD_DAYS,
    USE_DAYS,
    GroupHealth,
    Person,
    Thread,
    persona_health,
    role_health,
    roles_missing,
    single_thread,
    successors,
)

LOOKBACK_DAYS = 400
OPINION_DAYS = 180


@dataclass(frozen=True)
class PersonRow:
    """A member with what health knows about them, and their band."""

    member: Member
    person: Person
    band: str

    @property
    def use_words(self) -> str:
        """Their use in a few words: "12 days, 9 before"; "" without any."""
        now, before = self.person.active_days, self.person.active_days_before
        if not now and not before:
            return ""
        return f"{now} {'day' if now == 1 else 'days'}, {before} before"


@dataclass(frozen=True)
class PeopleReport:
    rows: list[PersonRow]
    roles: list[GroupHealth]
    personas: list[GroupHealth]
    missing: list[str]
    thread: Thread
    successors: list[Person]

    @property
    def quiet_champions(self) -> list[Person]:
        """The champions for whom successors are proposed."""
        return [row.person for row in self.rows if row.person.role == "champion"] if self.successors else []


def people_report(account: Account, *, now: datetime) -> PeopleReport:
    """Return the people of an account as they are now, the running UTC day included. Five queries."""
    as_of = now.astimezone(UTC).date() + timedelta(days=1)
    found = members(account)
    people = _people(account, found, as_of, now)
    return PeopleReport(
        rows=[PersonRow(member, person, person.band(as_of)) for member, person in zip(found, people, strict=True)],
        roles=role_health(people, as_of),
        personas=persona_health(people, as_of),
        missing=roles_missing(people),
        thread=single_thread(people, as_of),
        successors=successors(people, as_of),
    )


def _people(account: Account, found: list[Member], as_of: date, now: datetime) -> list[Person]:
    use, touched, opinions = _use(account, as_of), _touched(account), _opinions(account, now)
    people = []
    for member in found:
        pk = member.membership.contact_id
        active, before, uses, last = use.get(pk, (0, 0, 0, None))
        people.append(
            Person(
                contact_id=pk,
                name=str(member.contact),
                role=member.membership.role,
                persona=str(member.contact.persona or ""),
                active_days=active,
                active_days_before=before,
                uses=uses,
                last_seen_on=last,
                last_contact_on=touched.get(pk),
                nps=opinions[pk].get(SurveyKind.NPS),
                csat=opinions[pk].get(SurveyKind.CSAT),
            )
        )
    return people


def _use(account: Account, as_of: date) -> dict[int, tuple[int, int, int, date]]:
    """Return days of use lately and before, uses, and the last day, by contact."""
    recent, before = as_of - timedelta(days=USE_DAYS), as_of - timedelta(days=2 * USE_DAYS)
    rows = (
        UsageDay.objects.filter(
            account_id=account.pk, contact_id__gt=0, day__gte=as_of - timedelta(days=LOOKBACK_DAYS), day__lt=as_of
        )
        .order_by()
        .values("contact_id")
        .annotate(
            now=Count("day", distinct=True, filter=Q(day__gte=recent)),
            then=Count("day", distinct=True, filter=Q(day__gte=before, day__lt=recent)),
            uses=Sum("count", filter=Q(day__gte=as_of - timedelta(days=THREAD_DAYS)), default=0),
            last=Max("day"),
        )
    )
    return {row["contact_id"]: (row["now"], row["then"], row["uses"], row["last"]) for row in rows}


def _touched(account: Account) -> dict[int, date]:
    """Return the UTC day of the last call, mail, meeting or chat with each contact."""
    rows = (
        Activity.objects.filter(account=account, contacts__isnull=False)
        .exclude(kind=ActivityKind.NOTE)
        .order_by()
        .values_list("contacts")
        .annotate(last=Max("occurred_at"))
        .values_list("contacts", "last")
    )
    return {pk: last.astimezone(UTC).date() for pk, last in rows}


def _opinions(account: Account, now: datetime) -> dict[int, dict[str, int]]:
    """Return the newest NPS and CSAT answer of each contact."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    rows = SurveyResponse.objects.filter(
        account=account, contact__isnull=False, occurred_at__gte=now - timedelta(days=OPINION_DAYS)
    ).order_by("occurred_at", "id")
    for pk, kind, score in rows.values_list("contact_id", "kind", "score"):
        assert pk is not None
        found[pk][kind] = score
    return found
