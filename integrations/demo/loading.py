"""The book into the database, through services, as history: everything counts as known when it happened."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.hashers import make_password

from accounts.enums import AttributeType, Entity, Tier
from accounts.errors import InvalidInput
from accounts.models import Account, Contact, Persona, Product
from accounts.services import (
    assign_team_member,
    create_persona,
    create_segment,
    define_attribute,
    ensure_product,
    set_exchange_rate,
)
from accounts.services.loading import (
    NewAccount,
    NewActivity,
    NewContact,
    NewResponse,
    NewSentiment,
    NewSubscription,
    NewTicket,
    create_accounts,
    create_contacts,
    create_subscriptions,
    open_tickets,
    record_activities,
    record_sentiments,
    record_survey_responses,
)
from integrations.demo import company, words
from integrations.demo.book import Customer
from integrations.demo.facts import Answered, Asked, Facts, Judged, Said
from team.enums import Function
from team.models import Team, User
from team.services import create_team, create_user, update_profile

SYSTEM = "product"
HELP_DESK = "help desk"
QUARTER_DAYS = 91
# What is younger arrives as if it came in today: the first news, and the first bands that change.
LIVE = timedelta(days=4)
R = TypeVar("R")


@dataclass
class World:
    """What has been written so far, by the keys of the book."""

    now: datetime
    users: dict[str, User] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    personas: dict[str, Persona] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)

    @property
    def admin(self) -> User:
        return self.users[company.PEOPLE[0].email]

    def times(self, *, live: bool = False) -> dict[str, Any]:
        return {"now": self.now, "backfill": not live}

    def is_live(self, fact: Said | Asked | Answered | Judged) -> bool:
        return fact.at >= self.now - LIVE


def load_company(now: datetime) -> World:
    """Write the people who work here, the products, prices abroad, personas and fields."""
    world = World(now)
    for name in company.TEAMS:
        world.teams[name] = create_team(name=name, now=now, actor=None)
    for person in company.PEOPLE:
        user = create_user(
            email=person.email,
            name=person.name,
            access_level=person.access_level,
            function=person.function,
            teams=[world.teams[name] for name in person.teams],
            now=now,
        )
        world.users[person.email] = update_profile(user=user, name=person.name, time_zone=person.time_zone)
    # The same hash for all: hashing a password is slow on purpose, and this one is printed anyway.
    User.objects.update(password=make_password(company.PASSWORD))
    for position, (name, success) in enumerate(company.PERSONAS, start=1):
        world.personas[name] = create_persona(name=name, definition_of_success=success, position=position)
    for offer in company.OFFERS:
        world.products[offer.key] = ensure_product(key=offer.key, name=offer.name, product_line=offer.line)
    _define_fields()
    _set_rates(now.date())
    return world


def _define_fields() -> None:
    account = Entity.ACCOUNT
    trades = list(words.TRADES)
    define_attribute(entity=account, key="industry", label="Industry", type=AttributeType.CHOICE, choices=trades)
    define_attribute(entity=account, key="country", label="Country")
    define_attribute(entity=account, key="employees", label="Employees", type=AttributeType.NUMBER)


def _set_rates(today: date) -> None:
    for currency in company.RATES_IN_USD:
        if currency == settings.REPORTING_CURRENCY:
            continue
        quarters = len(company.RATES_IN_USD[currency])
        for quarter in range(quarters):
            rate = company.rate_in(settings.REPORTING_CURRENCY, currency, quarter)
            if rate is not None:
                on = today - timedelta(days=QUARTER_DAYS * (quarters - quarter))
                set_exchange_rate(currency=currency, on=on, rate=rate)


def load_customers(world: World, book: Sequence[Customer]) -> None:
    """Write accounts, parents first, with their people and what they bought."""
    for generation in ([c for c in book if c.parent is None], [c for c in book if c.parent is not None]):
        rows = [_account(world, customer) for customer in generation]
        for customer, account in zip(generation, _all(create_accounts(rows, **world.times())), strict=True):
            world.accounts[customer.key] = account
    people = [(customer, someone) for customer in book for someone in customer.people]
    contacts = _all(
        create_contacts(
            [
                NewContact(
                    fields={
                        "name": someone.name,
                        "email": someone.email,
                        "title": someone.title,
                        "time_zone": someone.time_zone,
                    },
                    account=world.accounts[customer.key],
                    role=someone.role,
                    persona=world.personas[someone.persona],
                    occurred_at=_start(someone.joined_on),
                    left_at=_start(someone.left_on) if someone.left_on else None,
                    system=SYSTEM,
                    external_id=someone.key,
                )
                for customer, someone in people
            ],
            **world.times(),
        )
    )
    world.contacts = {someone.key: contact for (_, someone), contact in zip(people, contacts, strict=True)}
    _all(
        create_subscriptions(
            [
                NewSubscription(
                    account=world.accounts[customer.key],
                    fields=deal.fields | {"product": world.products[deal.offer.key]},
                    changes=[(_start(change.on), change.fields) for change in deal.changes],
                    system="billing",
                    external_id=deal.key,
                )
                for customer in book
                for deal in customer.deals
            ],
            **world.times(),
        )
    )
    _assign_teams(world, book)
    _save_segments(world)


def _account(world: World, customer: Customer) -> NewAccount:
    first, *later = customer.stages
    fields: dict[str, Any] = {
        "name": customer.name,
        "domain": customer.domain,
        "customer_since": customer.since,
        "tier": customer.tier,
        "team": world.teams[customer.team].pk,
        **first.fields,
        "attributes": {
            "industry": customer.industry,
            "country": customer.country,
            "employees": customer.employees,
        },
    }
    if customer.csm:
        fields["csm"] = world.users[customer.csm].pk
    if customer.parent:
        fields["parent"] = world.accounts[customer.parent]
    return NewAccount(
        fields=fields,
        occurred_at=_start(customer.since),
        changes=[(_start(change.on), change.fields) for change in later],
        system=SYSTEM,
        external_id=customer.key,
    )


def _assign_teams(world: World, book: Sequence[Customer]) -> None:
    """Give the large accounts named people in support, and new ones somebody who brings them on board."""
    for customer in book:
        account = world.accounts[customer.key]
        roles = []
        if customer.tier == Tier.ENTERPRISE:
            roles.append((company.SUPPORT, Function.SUPPORT))
        if customer.story.key == "onboarding":
            roles.append((company.ONBOARDING, Function.IMPLEMENTATION))
        for email, function in roles:
            assign_team_member(account=account, user=world.users[email], function=function, now=world.now)


def _save_segments(world: World) -> None:
    segments = {
        "Renewing in 90 days": {"field": "renews_on", "op": "in_next", "value": 90},
        "Enterprise": {"field": "tier", "op": "any_of", "value": ["enterprise"]},
        "Without CSM": {"field": "csm", "op": "unknown"},
    }
    for name, condition in segments.items():
        create_segment(name=name, condition=condition, owner=world.admin, now=world.now)


def load_facts(world: World, book: Sequence[Customer], told: dict[str, Facts], *, live: bool) -> None:
    """Write what was said, asked, answered and judged: the last days, or the history before them."""
    activities, tickets, responses, sentiments = [], [], [], []
    for customer in book:
        account, facts = world.accounts[customer.key], told[customer.key]
        activities += [
            NewActivity(
                account=account,
                kind=said.kind,
                occurred_at=said.at,
                subject=said.subject,
                body=said.body,
                contacts=[world.contacts[someone.key] for someone in said.who],
                function=said.function,
                initiative=said.initiative,
                author=world.users.get(said.author),
            )
            for said in facts.said
            if world.is_live(said) is live
        ]
        tickets += [
            NewTicket(
                account=account,
                occurred_at=asked.at,
                fields={
                    "subject": asked.subject,
                    "priority": asked.priority,
                    "is_escalated": asked.is_escalated,
                    "contact": world.contacts[asked.who.key],
                    "product": world.products[asked.product],
                    "source": HELP_DESK,
                },
                later={
                    "status": asked.status,
                    "first_responded_at": asked.responded_at,
                    "resolved_at": asked.resolved_at,
                },
                changed_at=asked.resolved_at or asked.responded_at,
                system=HELP_DESK,
                external_id=asked.key,
            )
            for asked in facts.asked
            if world.is_live(asked) is live
        ]
        responses += [
            NewResponse(
                account=account,
                kind=answer.kind,
                score=answer.score,
                comment=answer.comment,
                contact=world.contacts[answer.who.key],
                occurred_at=answer.at,
                source="survey",
            )
            for answer in facts.answered
            if world.is_live(answer) is live
        ]
        sentiments += [
            NewSentiment(
                account=account,
                user=world.users[customer.csm],
                level=judged.level,
                note=judged.note,
                occurred_at=judged.at,
            )
            for judged in facts.judged
            if world.is_live(judged) is live
        ]
    _all(record_activities(activities, **world.times(live=live)))
    _all(open_tickets(tickets, **world.times(live=live)))
    _all(record_survey_responses(responses, **world.times(live=live)))
    _all(record_sentiments(sentiments, **world.times(live=live)))


def _start(day: date) -> datetime:
    return datetime.combine(day, time(7), UTC)


def _all(results: Sequence[R | InvalidInput | None]) -> list[R]:
    """Return the rows written; a book that cannot be written whole is a mistake in the generator."""
    rows: list[R] = []
    for result in results:
        if isinstance(result, InvalidInput):
            raise result
        assert result is not None
        rows.append(result)
    return rows
