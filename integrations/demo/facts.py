"""What happened between us and a customer: tickets, answers, activities, the CSM's judgement. Pure and seeded."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from accounts.enums import ActivityKind, Initiative, Priority, SurveyKind, TicketStatus, Tier
from accounts.services.facts import SURVEY_RANGE
from integrations.demo import company, texts
from integrations.demo.book import HISTORY_DAYS, SEED, Customer, Someone
from team.enums import Function

# Days between talks, by tier; a story's `reach` shortens or stretches them.
CADENCE_DAYS = {Tier.ENTERPRISE: 32, Tier.GROWTH: 62, Tier.STARTER: 140}
REVIEW_DAYS = {Tier.ENTERPRISE: 92, Tier.GROWTH: 183}
NPS_DAYS = 183
INDISPENSABLE_DAYS = 240
SENTIMENT_DAYS = 75
ANSWER_RATE = 0.55
CSAT_RATE = 0.4


@dataclass
class Said:
    """An activity."""

    at: datetime
    kind: str
    function: str
    initiative: str
    author: str
    subject: str
    body: str
    who: list[Someone]


@dataclass
class Asked:
    """A ticket, and what became of it."""

    key: str
    at: datetime
    subject: str
    priority: str
    is_escalated: bool
    product: str
    who: Someone
    responded_at: datetime | None
    resolved_at: datetime | None
    status: str


@dataclass
class Answered:
    """A survey response."""

    at: datetime
    kind: str
    score: int
    comment: str
    who: Someone


@dataclass
class Judged:
    """The CSM's sentiment."""

    at: datetime
    level: int
    note: str


@dataclass
class Facts:
    said: list[Said] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)


def make_facts(customer: Customer, now: datetime) -> Facts:
    """Return the facts of one customer, all before `now`."""
    return _Teller(customer, now).facts()


class _Teller:
    """Makes up the facts of one customer."""

    def __init__(self, customer: Customer, now: datetime) -> None:
        self.customer = customer
        self.now = now
        self.today = now.date()
        self.random = Random(f"{SEED}:facts:{customer.key}")  # noqa: S311 -- the same book every time
        self.first = max(customer.since, self.today - timedelta(days=HISTORY_DAYS))
        self.last = min(customer.ended_on or self.today, self.today)
        self.zone = ZoneInfo(customer.time_zone)

    def facts(self) -> Facts:
        facts = Facts()
        if self.customer.story.key == "no_data":
            return facts
        facts.asked = sorted(self._tickets(), key=lambda ticket: ticket.at)
        facts.answered = [*self._nps(), *self._ces(), *self._csat(facts.asked), *self._indispensable()]
        facts.said = sorted(self._talks(), key=lambda said: said.at)
        facts.judged = list(self._judgements())
        return facts

    def _at(self, day: date, hours: tuple[int, int] = (8, 17)) -> datetime:
        """Return a moment in office hours where the customer is, never later than a while ago."""
        while day.weekday() > 4:
            day -= timedelta(days=1)
        clock = time(self.random.randint(*hours), self.random.choice((0, 5, 10, 15, 20, 30, 40, 45, 50)))
        moment = datetime.combine(day, clock, self.zone).astimezone(UTC)
        return min(moment, self.now - timedelta(minutes=self.random.randint(20, 400)))

    def _days(self, every: float, spread: float = 0.3) -> Iterator[date]:
        """Yield days about `every` days apart, from the beginning to the end."""
        day = self.first + timedelta(days=round(every * self.random.uniform(0.3, 1)))
        while day <= self.last:
            yield day
            day += timedelta(days=max(2, round(every * self.random.uniform(1 - spread, 1 + spread))))

    def _feeling(self, day: date) -> float:
        """Return about 1 to 5: how they feel about us, moving from before to now over the last 20 weeks.

        Some are harder to please than others, whatever happens.
        """
        before, after = self.customer.story.feeling
        weeks_ago = (self.last - day).days / 7
        part = min(1.0, max(0.0, 1 - weeks_ago / 20))
        temper = 1.6 * (self.customer.phase - 0.55)
        return before + (after - before) * part + temper + self.random.uniform(-0.6, 0.6)

    # Tickets

    def _tickets(self) -> Iterator[Asked]:
        story = self.customer.story
        size = {Tier.ENTERPRISE: 2.2, Tier.GROWTH: 1.0, Tier.STARTER: 0.5}[Tier(self.customer.tier)]
        rate = min(story.tickets * size, 14.0)
        if not rate:
            return
        quiet = 2.0 * size if story.trouble > 0.2 else rate
        for n, day in enumerate(self._ticket_days(quiet, rate)):
            yield self._ticket(n, day)

    def _ticket_days(self, quiet: float, rate: float) -> Iterator[date]:
        """Yield days of tickets: `quiet` a year before the trouble, `rate` a year in it."""
        trouble_from = self.last - timedelta(weeks=self.customer.story.trouble_weeks)
        for day in self._days(365 / quiet, 0.7):
            if day < trouble_from or quiet == rate:
                yield day
        if quiet != rate:
            for _ in range(round(rate * self.customer.story.trouble_weeks / 52) + 2):
                yield max(
                    self.first, self.last - timedelta(days=self.random.randint(0, (self.last - trouble_from).days))
                )

    def _ticket(self, number: int, day: date) -> Asked:
        random, story = self.random, self.customer.story
        weeks_ago = (self.last - day).days / 7
        goes_badly = weeks_ago < story.trouble_weeks and random.random() < story.trouble
        deal = random.choice(self.customer.deals)
        offered = [*texts.TICKETS[deal.offer.key], *texts.TICKETS["any"]]
        escalated = goes_badly and random.random() < 0.55
        opened_at = self._at(day, (6, 18))
        priority = random.choices(list(Priority), (2, 6, 2, 1))[0]
        hours = random.uniform(50, 210) if goes_badly else random.lognormvariate(2.2, 0.8)
        responded_at = opened_at + timedelta(hours=hours * random.uniform(0.03, 0.2))
        resolved_at = opened_at + timedelta(hours=hours)
        still_open = resolved_at > self.now or (goes_badly and weeks_ago < 5 and random.random() < 0.6)
        waits = not still_open and weeks_ago < 2 and random.random() < 0.2
        return Asked(
            key=f"{self.customer.key}-{number}",
            at=opened_at,
            subject=random.choice(texts.ESCALATED if escalated else offered),
            priority=Priority.URGENT if escalated else priority,
            is_escalated=escalated,
            product=deal.offer.key,
            who=random.choice(self.customer.people_on(day)),
            responded_at=responded_at if responded_at < self.now else None,
            resolved_at=None if still_open or waits else resolved_at,
            status=TicketStatus.OPEN if still_open else TicketStatus.WAITING if waits else TicketStatus.SOLVED,
        )

    # Answers

    def _nps(self) -> Iterator[Answered]:
        for day in self._days(NPS_DAYS, 0.15):
            for someone in self.customer.people_on(day)[:3]:
                if self.random.random() < ANSWER_RATE:
                    score = round(self._feeling(day) * 2.35 - 0.9 + self.random.uniform(-1.2, 1.2))
                    yield self._answer(day, SurveyKind.NPS, max(0, min(10, score)), someone)

    def _ces(self) -> Iterator[Answered]:
        day = self.customer.since + timedelta(days=70)
        if self.first <= day < self.last:
            score = max(1, min(7, round(self._feeling(day) * 1.5 - 0.5)))
            yield self._answer(day, SurveyKind.CES, score, self.customer.champion)

    def _indispensable(self) -> Iterator[Answered]:
        """Whoever succeeds with the product says so, also where they are unhappy with us."""
        for day in self._days(INDISPENSABLE_DAYS, 0.2):
            for someone in self.customer.people_on(day)[:2]:
                if self.random.random() < ANSWER_RATE:
                    use = self.customer.story.use((self.last - day).days / 7, self.customer.phase)
                    score = round(1 + 3.5 * min(use, 1.1) + self.random.uniform(-0.7, 0.7))
                    yield self._answer(day, SurveyKind.INDISPENSABLE, max(1, min(5, score)), someone)

    def _csat(self, tickets: list[Asked]) -> Iterator[Answered]:
        for ticket in tickets:
            if ticket.resolved_at is None or self.random.random() > CSAT_RATE:
                continue
            hours = (ticket.resolved_at - ticket.at).total_seconds() / 3600
            score = max(1, min(5, round(5.2 - hours / 55 - ticket.is_escalated + self.random.uniform(-0.7, 0.5))))
            at = min(ticket.resolved_at + timedelta(hours=self.random.randint(1, 30)), self.now - timedelta(minutes=5))
            yield Answered(at, SurveyKind.CSAT, score, self._comment(texts.CSAT, score / 5), ticket.who)

    def _answer(self, day: date, kind: str, score: int, who: Someone) -> Answered:
        part = score / SURVEY_RANGE[SurveyKind(kind)][1]
        return Answered(self._at(day), kind, score, self._comment(texts.NPS, part), who)

    def _comment(self, comments: dict[str, tuple[str, ...]], part: float) -> str:
        return self.random.choice(comments["high" if part > 0.85 else "middle" if part > 0.62 else "low"])

    # Talks

    def _talks(self) -> Iterator[Said]:
        yield from self._onboarding()
        yield from self._checkins()
        yield from self._reviews()
        yield from self._commercial()
        yield from self._reactive()
        yield from self._others()

    def _onboarding(self) -> Iterator[Said]:
        if self.customer.since < self.first:
            return
        steps = [(2, ActivityKind.MEETING, texts.KICKOFF)]
        steps += [(12 + 11 * n, ActivityKind.MEETING, training) for n, training in enumerate(texts.TRAINING)]
        for days, kind, text in steps[: 4 if self.customer.tier != Tier.STARTER else 2]:
            day = self.customer.since + timedelta(days=days)
            if day <= self.last:
                yield self._said(day, kind, Function.IMPLEMENTATION, Initiative.PROACTIVE, company.ONBOARDING, text)

    def _checkins(self) -> Iterator[Said]:
        story = self.customer.story
        for day in self._days(CADENCE_DAYS[Tier(self.customer.tier)] / story.reach):
            worried = self._feeling(day) < 3.1
            text = self.random.choice(texts.WORRIED if worried else texts.CHECKINS)
            kind = self.random.choice((ActivityKind.CALL, ActivityKind.CALL, ActivityKind.MEETING, ActivityKind.MAIL))
            yield self._said(day, kind, Function.CSM, Initiative.PROACTIVE, self.customer.csm, text)

    def _reviews(self) -> Iterator[Said]:
        every = REVIEW_DAYS.get(Tier(self.customer.tier))
        if every is None or self.customer.story.key in {"onboarding", "declining"}:
            return
        for day in self._days(every, 0.1):
            text = self.random.choice(texts.REVIEWS)
            who = self.customer.people_on(day)[:3]
            yield self._said(
                day, ActivityKind.MEETING, Function.CSM, Initiative.PROACTIVE, self.customer.csm, text, who
            )

    def _commercial(self) -> Iterator[Said]:
        for deal in self.customer.deals[:1]:
            for change in deal.changes:
                if "ended_on" in change.fields:
                    day, text = change.on - timedelta(days=60), texts.CHURN
                elif "renews_on" in change.fields:
                    day, text = (
                        change.on - timedelta(days=self.random.randint(15, 50)),
                        self.random.choice(texts.RENEWALS),
                    )
                elif self.customer.story.seats_grow > 0:
                    day, text = change.on, texts.EXPANSION
                else:
                    continue
                initiative = Initiative.REACTIVE if text in {texts.CHURN, texts.EXPANSION} else Initiative.PROACTIVE
                if self.first <= day <= self.last:
                    yield self._said(day, ActivityKind.CALL, Function.SALES, initiative, company.SALES, text)

    def _reactive(self) -> Iterator[Said]:
        for day in self._days(CADENCE_DAYS[Tier(self.customer.tier)] * 2.1, 0.6):
            if self.random.random() < 0.6:
                text = self.random.choice(texts.CUSTOMER_MAILS)
                author = self.customer.csm or company.SUPPORT
                yield self._said(day, ActivityKind.MAIL, Function.SERVICE, Initiative.REACTIVE, author, text)
            else:
                text = self.random.choice(texts.CHATS)
                yield self._said(day, ActivityKind.CHAT, Function.SUPPORT, Initiative.REACTIVE, company.SUPPORT, text)

    def _others(self) -> Iterator[Said]:
        champion = self.customer.champion
        if champion.left_on is not None and champion.left_on > self.first:
            day = champion.left_on - timedelta(days=6)
            yield self._said(day, ActivityKind.NOTE, Function.CSM, "", self.customer.csm, texts.LEFT, [champion])
        if self.random.random() < 0.25:
            text = self.random.choice(texts.MARKETING)
            yield self._said(self._some_day(), ActivityKind.MAIL, Function.MARKETING, Initiative.PROACTIVE, "", text)
        if self.random.random() < 0.1:
            text = self.random.choice(texts.PRODUCT_TALKS)
            yield self._said(self._some_day(), ActivityKind.CALL, Function.PRODUCT, Initiative.PROACTIVE, "", text)
        if self.random.random() < 0.2:
            text = self.random.choice(texts.NOTES)
            yield self._said(self._some_day(), ActivityKind.NOTE, Function.CSM, "", self.customer.csm, text)

    def _some_day(self) -> date:
        return self.first + timedelta(days=self.random.randint(0, max(0, (self.last - self.first).days)))

    def _said(  # noqa: PLR0917 -- who said what to whom, in the order in which one says it
        self,
        day: date,
        kind: str,
        function: str,
        initiative: str,
        author: str,
        text: tuple[str, str],
        who: list[Someone] | None = None,
    ) -> Said:
        random, customer = self.random, self.customer
        who = who or [random.choices(customer.people_on(day), [p.weight for p in customer.people_on(day)])[0]]
        offer = random.choice(customer.deals).offer if customer.deals else company.CORE
        words = {
            "who": who[0].name.split()[0] if text is not texts.LEFT else who[0].name,
            "product": offer.name,
            "feature": random.choice(offer.features[company.LEAD]),
            "number": random.randint(3, 24),
            "month": texts.MONTHS[(day.month + random.randint(1, 3)) % 12],
        }
        subject, body = (part.format(**words) for part in text)
        return Said(self._at(day), kind, function, initiative, author, subject, body, who)

    # The CSM's judgement

    def _judgements(self) -> Iterator[Judged]:
        if not self.customer.csm or self.customer.tier == Tier.STARTER:
            return
        every = SENTIMENT_DAYS if self.customer.tier == Tier.ENTERPRISE else SENTIMENT_DAYS * 1.4
        for day in self._days(every, 0.25):
            level = max(1, min(5, round(self._feeling(day))))
            yield Judged(self._at(day), level, self.random.choice(texts.SENTIMENTS[level]))
