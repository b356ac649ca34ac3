"""The customers of the demo book as plain values: who they are and what they bought. Pure and seeded."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from accounts.enums import ContactRole, Stage, Tier
from integrations.demo import company, words
from integrations.demo.company import AMERICAS, EUROPE, SCALE, Offer
from integrations.demo.stories import BY_KEY, STORIES, Story

SEED = 20260
ACCOUNT_COUNT = 300
# One group of companies for so many accounts.
ACCOUNTS_PER_GROUP = 27
HISTORY_DAYS = 730
YEAR = timedelta(days=365)
PEOPLE = {Tier.ENTERPRISE: (9, 16), Tier.GROWTH: (4, 8), Tier.STARTER: (2, 3)}
# Seats bought for each person there: from just enough to far too many.
SEATS_PER_PERSON = (0.95, 2.4)
EMPLOYEES = {Tier.ENTERPRISE: (600, 5200), Tier.GROWTH: (90, 700), Tier.STARTER: (8, 110)}
TIER_SHARES = {Tier.ENTERPRISE: 15, Tier.GROWTH: 45, Tier.STARTER: 40}
NOTICE_DAYS = {Tier.ENTERPRISE: 90, Tier.GROWTH: 60, Tier.STARTER: 30}
PLAN_OF = {Tier.ENTERPRISE: 2, Tier.GROWTH: 1, Tier.STARTER: 0}


@dataclass
class Someone:
    """A contact. `weight`: their part in the account's use. Left: no longer there from that day on."""

    key: str
    name: str
    email: str
    title: str
    role: str
    persona: str
    joined_on: date
    weight: float
    time_zone: str
    left_on: date | None = None


@dataclass
class Terms:
    """What changes from a day on."""

    on: date
    fields: dict[str, object]


@dataclass
class Deal:
    """A subscription: its terms at the start and all changes."""

    key: str
    offer: Offer
    started_on: date
    fields: dict[str, object]
    changes: list[Terms] = field(default_factory=list)


@dataclass
class Customer:
    key: str
    name: str
    domain: str
    industry: str
    country: str
    currency: str
    time_zone: str
    employees: int
    tier: str
    team: str
    csm: str
    since: date
    story: Story
    phase: float
    stages: list[Terms]
    parent: str | None = None
    ended_on: date | None = None
    people: list[Someone] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)

    @property
    def champion(self) -> Someone:
        return self.people[0]

    def people_on(self, day: date) -> list[Someone]:
        """Return who was there on a day; the champion when nobody else was."""
        there = [p for p in self.people if p.joined_on <= day and (p.left_on is None or p.left_on > day)]
        return there or self.people[:1]


def make_book(today: date, size: int = ACCOUNT_COUNT) -> list[Customer]:
    """Return all customers, parents before their children."""
    random = Random(SEED)  # noqa: S311 -- a demo wants the same book every time
    stems = iter(words.company_stems(random))
    stories = _stories(random, size)
    customers = list(_groups(stems, stories, size // ACCOUNTS_PER_GROUP, today))
    while len(customers) < size:
        customers.append(_customer(len(customers), next(stems), stories.pop(), today))
    return customers


def _stories(random: Random, size: int) -> list[Story]:
    """Return one story for each account, in a shuffled order."""
    total = sum(story.share for story in STORIES)
    stories = [story for story in STORIES for _ in range(story.share * size // total)]
    stories += [BY_KEY["healthy"]] * (size - len(stories))
    random.shuffle(stories)
    return stories


def _groups(stems: Iterator[str], stories: list[Story], count: int, today: date) -> Iterator[Customer]:
    """Yield groups of companies: a parent that buys, and two to four children with deals of their own."""
    number = 0
    for group in range(count):
        random = Random(f"{SEED}:group:{group}")  # noqa: S311
        stem = next(stems)
        parent = _customer(number, stem, BY_KEY["healthy"], today, name=f"{stem} Group", tier=Tier.ENTERPRISE)
        stories.remove(parent.story)
        yield parent
        number += 1
        for region in random.sample(words.REGIONS, random.randint(2, 4)):
            child = _customer(number, stem, stories.pop(), today, name=f"{stem} {region}", tier=Tier.GROWTH)
            child.parent, child.industry = parent.key, parent.industry
            yield child
            number += 1


def _customer(number: int, stem: str, story: Story, today: date, *, name: str = "", tier: str = "") -> Customer:
    random = Random(f"{SEED}:{number}")  # noqa: S311
    industry = random.choice(list(words.TRADES))
    name = name or f"{stem} {random.choice(words.TRADES[industry])}"
    tier = tier or random.choices(list(TIER_SHARES), list(TIER_SHARES.values()))[0]
    region = EUROPE if random.random() < 0.68 else AMERICAS
    countries = company.COUNTRIES[region]
    country, currency, zone, _ = random.choices(
        [(c, cur, z, w) for c, cur, w, z in countries], [w for _, _, w, _ in countries]
    )[0]
    team = SCALE if tier == Tier.STARTER else region
    since = today - timedelta(days=random.randint(max(1, story.age_weeks[0] * 7), story.age_weeks[1] * 7 + 6))
    ended_on = today - timedelta(days=random.randint(20, 200)) if story.ends else None
    customer = Customer(
        key=f"acc-{number:04}",
        name=name,
        domain=f"{name.lower().replace(' ', '-')}.example",
        industry=industry,
        country=country,
        currency=currency,
        time_zone=zone,
        employees=random.randint(*EMPLOYEES[Tier(tier)]),
        tier=tier,
        team=team,
        # A few accounts have lost their CSM, so that the gap can be seen.
        csm="" if random.random() < 0.025 else random.choice(company.CSMS[team]),
        since=since,
        story=story,
        phase=random.random(),
        stages=[],
        ended_on=ended_on,
    )
    customer.people = list(_people(customer, random, today))
    customer.deals = list(_deals(customer, random, today))
    customer.stages = list(_stages(customer, today))
    return customer


def _people(customer: Customer, random: Random, today: date) -> Iterator[Someone]:
    names: set[str] = set()
    personas = [company.LEAD, company.ADMINISTRATOR, company.ANALYST]
    for n in range(random.randint(*PEOPLE[Tier(customer.tier)])):
        persona = personas[n] if n < len(personas) else random.choices(personas, (6, 1, 3))[0]
        role = (
            (ContactRole.CHAMPION, ContactRole.ADMIN, ContactRole.ECONOMIC_BUYER)[n] if n < 3 else ContactRole.END_USER
        )
        title = random.choice(words.BUYER_TITLES if role == ContactRole.ECONOMIC_BUYER else words.TITLES[persona])
        name = words.person(random, names)
        late = random.randint(0, (today - customer.since).days * 2 // 3) if n > 2 and random.random() < 0.4 else 0
        yield Someone(
            key=f"{customer.key}-{n}",
            name=name,
            email=words.address(name, customer.domain),
            title=title,
            role=role,
            persona=persona,
            joined_on=customer.since + timedelta(days=late),
            weight=(2.2, 1.0, 0.25)[n] if n < 3 else random.uniform(0.5, 1.4),
            time_zone=customer.time_zone,
            left_on=_leaving(customer, n, random, today),
        )


def _leaving(customer: Customer, number: int, random: Random, today: date) -> date | None:
    """Return when somebody left: some silent champions, and now and then a colleague."""
    if number == 0:
        left = customer.story.champion_silent_weeks is not None and random.random() < 0.5
        return today - timedelta(days=random.randint(20, 40)) if left else None
    age = (today - customer.since).days
    return (
        today - timedelta(days=random.randint(5, age // 2))
        if number > 2 and age > 200 and random.random() < 0.12
        else None
    )


def _deals(customer: Customer, random: Random, today: date) -> Iterator[Deal]:
    if customer.story.key == "no_data":
        return
    tier = Tier(customer.tier)
    extra = {Tier.ENTERPRISE: (1, 3), Tier.GROWTH: (0, 2), Tier.STARTER: (0, 1)}[tier]
    offers = [company.CORE, *random.sample(company.OFFERS[1:], random.randint(*extra))]
    seats = len(customer.people) * random.uniform(*SEATS_PER_PERSON)
    for n, offer in enumerate(offers):
        later = random.randint(60, 300) if n and random.random() < 0.5 else 0
        started_on = customer.since + timedelta(days=later)
        if started_on > today - timedelta(days=5) or (customer.ended_on and started_on > customer.ended_on - YEAR / 4):
            continue
        yield _deal(customer, offer, started_on, seats=max(1, round(seats / (1 + 3 * n))), random=random, today=today)


def _deal(customer: Customer, offer: Offer, started_on: date, *, seats: int, random: Random, today: date) -> Deal:
    plan = PLAN_OF[Tier(customer.tier)]
    notice = timedelta(days=NOTICE_DAYS[Tier(customer.tier)])
    price = Decimal(offer.seat_price[plan]) * Decimal(company.PRICE_FACTOR[customer.currency])
    price = (price * Decimal(random.randint(86, 104)) / 100).quantize(Decimal("0.5"))
    renews_on = started_on + YEAR
    fields: dict[str, object] = {
        "plan": company.PLANS[plan],
        "currency": customer.currency,
        "seats": seats,
        "mrr": price * seats,
        "started_on": started_on,
        "renews_on": renews_on,
        "notice_on": renews_on - notice,
    }
    deal = Deal(f"{customer.key}-{offer.key}", offer, started_on, fields)
    for day, event in _happenings(customer, started_on, random, today):
        if event == "seats":
            seats = max(1, round(seats * (1 + customer.story.seats_grow * random.uniform(0.15, 0.5))))
            deal.changes.append(Terms(day, {"seats": seats, "mrr": price * seats}))
        elif event == "plan":
            plan += 1
            price = (price * Decimal("1.35")).quantize(Decimal("0.5"))
            deal.changes.append(Terms(day, {"plan": company.PLANS[plan], "mrr": price * seats}))
        elif event == "renewal":
            renews_on += YEAR
            price = (price * Decimal(random.choice(("1", "1.03", "1.05", "1.07")))).quantize(Decimal("0.01"))
            deal.changes.append(
                Terms(day, {"renews_on": renews_on, "notice_on": renews_on - notice, "mrr": price * seats})
            )
        elif event == "end":
            deal.changes.append(Terms(day, {"ended_on": day}))
    return deal


def _happenings(customer: Customer, started_on: date, random: Random, today: date) -> list[tuple[date, str]]:
    """Return (day, what): renewals on every anniversary, changes of seats and plan between, the end."""
    last = min(customer.ended_on or today, today)
    found = []
    day = started_on + YEAR
    while day < last:
        found.append((day, "renewal"))
        day += YEAR
    age = (last - started_on).days
    growth = customer.story.seats_grow
    for _ in range(3 if growth > 0.5 else 1):
        if age > 150 and random.random() < min(1.0, abs(growth) + 0.15):
            # Shrinking customers give seats back late, the others grow at any time.
            since = age - 150 if growth < 0 else 60
            found.append((started_on + timedelta(days=random.randint(since, age - 5)), "seats"))
    if growth > 0 and PLAN_OF[Tier(customer.tier)] < 2 and age > 200 and random.random() < growth / 3:
        found.append((started_on + timedelta(days=random.randint(120, age - 10)), "plan"))
    if customer.ended_on is not None:
        found.append((customer.ended_on, "end"))
    return sorted(found)


def _stages(customer: Customer, today: date) -> Iterator[Terms]:
    """Yield the lifecycle: onboarding, adoption, mature, renewal near the date, churned."""
    if not customer.deals:
        yield Terms(customer.since, {"stage": Stage.PROSPECT})
        return
    last = customer.ended_on or today
    steps = [(0, Stage.ONBOARDING), (75, Stage.ADOPTION), (260, Stage.MATURE)]
    for days, stage in steps:
        day = customer.since + timedelta(days=days)
        if day < last:
            yield Terms(day, {"stage": stage})
    core = customer.deals[0]
    renewals = [core.fields["renews_on"], *(change.fields.get("renews_on") for change in core.changes)]
    next_renewal = max(day for day in renewals if isinstance(day, date))
    if (
        customer.ended_on is None
        and today < next_renewal < today + timedelta(days=60)
        and (today - customer.since).days > 300
    ):
        yield Terms(next_renewal - timedelta(days=60), {"stage": Stage.RENEWAL})
    if customer.ended_on is not None:
        yield Terms(customer.ended_on, {"stage": Stage.CHURNED})
