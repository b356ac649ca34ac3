"""Generated facts and generated conditions for the property tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from hypothesis import strategies as st

from accounts.conditions.catalogue import Catalogue, Field, FieldType
from accounts.conditions.operators import OPERATORS, Operand
from accounts.enums import (
    ActivityKind,
    AttributeType,
    ContactRole,
    Entity,
    Initiative,
    Priority,
    Stage,
    SurveyKind,
    TicketStatus,
    Tier,
)
from accounts.models import (
    Account,
    Activity,
    AttributeDefinition,
    AttributeValue,
    Contact,
    ContactPersona,
    ExchangeRate,
    Membership,
    Persona,
    Product,
    Segment,
    Sentiment,
    Subscription,
    SubscriptionChange,
    SurveyResponse,
    Ticket,
    TicketChange,
)
from accounts.services import (
    delete_activity,
    join_account,
    leave_account,
    pin_persona,
    record_activity,
    set_attributes,
    set_exchange_rate,
    upsert_subscription,
    upsert_ticket,
)
from accounts.services.subscriptions import refresh_account_terms
from team.models import Team, User

START = datetime(2026, 1, 1, tzinfo=UTC)
# Few moments, so that facts often meet exactly; midnights and noons.
MOMENTS = [START + timedelta(days=10 * n, hours=12 * (n % 2)) for n in range(8)]
DATES = [(START + timedelta(days=n)).date() for n in (-400, -20, 0, 5, 20, 45, 70, 200)]
WORDS = ["Acme", "acme", "ÉCLAIR", "éclair", "50%_off", "O'Hara; --", "Ünïcode"]
NUMBERS = [-1, 0, 1, 2, 100, 1200, 0.1, 2.5]
CUSTOM = {
    AttributeType.TEXT: st.sampled_from(WORDS),
    AttributeType.NUMBER: st.sampled_from(NUMBERS),
    AttributeType.BOOLEAN: st.booleans(),
    AttributeType.DATE: st.sampled_from([day.isoformat() for day in DATES]),
    AttributeType.CHOICE: st.sampled_from(["red", "blue"]),
    AttributeType.USER: st.integers(0, 1),
}
ACCOUNTS, CONTACTS, PRODUCTS, USERS = 4, 5, 2, 2


def _times(draw: st.DrawFn) -> dict[str, datetime]:
    """Live facts are known when received; backfills when they happened."""
    occurred, received = sorted([draw(st.sampled_from(MOMENTS)), draw(st.sampled_from(MOMENTS))])
    known = occurred if draw(st.booleans()) else received
    return {"occurred_at": occurred, "received_at": received, "known_at": known}


def _maybe(draw: st.DrawFn, options: list) -> object:
    return draw(st.sampled_from([None, *options]))


class Cast:
    """The rows that facts are about, made anew in every example."""

    def __init__(self) -> None:
        self.users = [User.objects.create(email=f"user{n}@example.com", name=f"User {n}") for n in range(USERS)]
        self.teams = [Team.objects.create(name=f"Team {n}") for n in range(2)]
        self.products = [Product.objects.create(key=f"p{n}", name=f"Product {n}") for n in range(PRODUCTS)]
        self.personas = [Persona.objects.create(name=f"Persona {n}") for n in range(2)]
        self.definitions = [
            AttributeDefinition.objects.create(
                entity=entity, key=f"a_{kind}", label=f"A {kind}", type=kind, choices=["red", "blue"]
            )
            for entity in (Entity.ACCOUNT, Entity.CONTACT)
            for kind in AttributeType
        ]
        self.builtins = {d.key: d for d in AttributeDefinition.objects.filter(entity=Entity.ACCOUNT, is_builtin=True)}
        self.accounts: list[Account] = []
        self.contacts: list[Contact] = []

    def value(self, draw: st.DrawFn, definition: AttributeDefinition) -> object:
        if draw(st.integers(0, 5)) == 0:
            return None
        match definition.key if definition.is_builtin else "":
            case "stage":
                return draw(st.sampled_from(Stage.values))
            case "tier":
                return draw(st.sampled_from(Tier.values))
            case "csm":
                return draw(st.sampled_from(self.users)).pk
            case "team":
                return draw(st.sampled_from(self.teams)).pk
        value = draw(CUSTOM[AttributeType(definition.type)])
        return self.users[value].pk if definition.type == AttributeType.USER else value


@contextmanager
def undone() -> Iterator[None]:
    """Run one example and take back what it wrote."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def people(draw: st.DrawFn) -> Cast:
    cast = Cast()
    for n in range(ACCOUNTS):
        cast.accounts.append(
            Account.objects.create(
                name=draw(st.sampled_from(WORDS)),
                domain=draw(st.sampled_from(["", "acme.example"])),
                parent=_maybe(draw, cast.accounts[:n]),
                customer_since=_maybe(draw, DATES),
            )
        )
    for _ in range(CONTACTS):
        cast.contacts.append(
            Contact.objects.create(
                name=draw(st.sampled_from(WORDS)),
                email=draw(st.sampled_from(["", "a@acme.example"])),
                title=draw(st.sampled_from(["", *WORDS])),
            )
        )
    return cast


def dated_facts(draw: st.DrawFn, cast: Cast) -> None:
    """Write facts straight into their tables, with times in any order; projections stay empty."""
    account, contact = st.sampled_from(cast.accounts), st.sampled_from(cast.contacts)
    deleted = st.sampled_from([None, None, None, *MOMENTS])
    for _ in range(draw(st.integers(0, 12))):
        definition = draw(st.sampled_from([*cast.builtins.values(), *cast.definitions]))
        owner = {"account": draw(account)} if definition.entity == Entity.ACCOUNT else {"contact": draw(contact)}
        AttributeValue.objects.create(
            definition=definition, value=cast.value(draw, definition), **owner, **_times(draw)
        )
    for pair in {(draw(account).pk, draw(contact).pk) for _ in range(draw(st.integers(0, 6)))}:
        times = _times(draw)
        until = draw(st.sampled_from([None, *[at for at in MOMENTS if at >= times["occurred_at"]]]))
        Membership.objects.create(
            account_id=pair[0],
            contact_id=pair[1],
            role=draw(st.sampled_from(ContactRole.values)),
            until=until,
            until_received_at=None if until is None else draw(st.sampled_from(MOMENTS)),
            **times,
        )
    for _ in range(draw(st.integers(0, 3))):
        ContactPersona.objects.create(contact=draw(contact), persona=_maybe(draw, cast.personas), **_times(draw))
    for _ in range(draw(st.integers(0, 3))):
        _subscription(draw, cast, draw(account), draw(deleted))
    for day in draw(st.sets(st.sampled_from(DATES), max_size=2)):
        rate, received_at = draw(st.sampled_from([1, 1.25, 0.5])), draw(st.sampled_from(MOMENTS))
        ExchangeRate.objects.create(currency="EUR", on=day, rate=rate, received_at=received_at)
    for _ in range(draw(st.integers(0, 4))):
        activity = Activity.objects.create(
            account=draw(account),
            kind=draw(st.sampled_from(ActivityKind.values)),
            initiative=draw(st.sampled_from(["", *Initiative.values])),
            deleted_at=draw(deleted),
            **_times(draw),
        )
        activity.contacts.set(draw(st.sets(contact, max_size=2)))
    for _ in range(draw(st.integers(0, 4))):
        _ticket(draw, draw(account), _maybe(draw, cast.contacts), draw(deleted))
    for _ in range(draw(st.integers(0, 3))):
        SurveyResponse.objects.create(
            account=draw(account),
            contact=_maybe(draw, cast.contacts),
            kind=draw(st.sampled_from(SurveyKind.values)),
            score=draw(st.integers(1, 5)),
            deleted_at=draw(deleted),
            **_times(draw),
        )
    for _ in range(draw(st.integers(0, 2))):
        Sentiment.objects.create(account=draw(account), level=draw(st.integers(1, 5)), **_times(draw))


def _subscription(draw: st.DrawFn, cast: Cast, account: Account, deleted_at: datetime | None) -> None:
    started = draw(st.sampled_from(DATES[:5]))
    subscription = Subscription.objects.create(
        account=account,
        product=_maybe(draw, cast.products),
        started_on=started,
        currency="USD",
        deleted_at=deleted_at,
    )
    for _ in range(draw(st.integers(0, 3))):
        SubscriptionChange.objects.create(
            subscription=subscription,
            mrr=_maybe(draw, [0, 100, 99.99]),
            currency=draw(st.sampled_from(["USD", "USD", "EUR"])),
            seats=_maybe(draw, [1, 2, 100]),
            renews_on=_maybe(draw, DATES),
            notice_on=_maybe(draw, DATES),
            ended_on=_maybe(draw, [day for day in DATES if day >= started]),
            **_times(draw),
        )


def _ticket(draw: st.DrawFn, account: Account, contact: Contact | None, deleted_at: datetime | None) -> None:
    ticket = Ticket.objects.create(account=account, contact=contact, deleted_at=deleted_at, **_times(draw))
    for _ in range(draw(st.integers(0, 3))):
        TicketChange.objects.create(
            ticket=ticket,
            status=draw(st.sampled_from(TicketStatus.values)),
            priority=draw(st.sampled_from(Priority.values)),
            is_escalated=draw(st.booleans()),
            **_times(draw),
        )


def leaf(draw: st.DrawFn, field: Field, catalogue: Catalogue) -> dict:
    """Return a leaf over a field, with any of its operators and parameters."""
    operator = draw(st.sampled_from(list(OPERATORS[field.type].values())))
    tree: dict = {"field": field.key, "op": operator.key}
    value = _operand(draw, operator.operand, field, catalogue)
    if value is not None:
        tree["value"] = value
    params = {
        param.key: draw(st.sampled_from([key for key, _ in param.choices()]))
        for param in field.params
        if param.choices and not param.is_texts and draw(st.booleans())
    }
    return tree | ({"params": params} if params else {})


def _operand(draw: st.DrawFn, operand: Operand, field: Field, catalogue: Catalogue) -> object:
    if operand == Operand.CHOICES:
        return draw(st.lists(st.sampled_from(list(catalogue.choices(field))), min_size=1, max_size=2))
    return draw(_OPERANDS[operand])


_words, _days = st.sampled_from([*WORDS, "e"]), st.sampled_from([day.isoformat() for day in DATES])
_numbers = st.sampled_from(NUMBERS)
_OPERANDS: dict[Operand, st.SearchStrategy] = {
    Operand.NOTHING: st.none(),
    Operand.TEXT: _words,
    Operand.TEXTS: st.lists(_words, min_size=1, max_size=3),
    Operand.NUMBER: _numbers,
    Operand.NUMBERS: st.lists(_numbers, min_size=2, max_size=2).map(sorted),
    Operand.DATE: _days,
    Operand.DATES: st.lists(_days, min_size=2, max_size=2).map(sorted),
    Operand.DAYS: st.sampled_from([0, 1, 5, 15, 20, 30, 365]),
    Operand.BOOLEAN: st.booleans(),
}


FIELDS_OF_HEALTH = ("metric.", "health_")


def condition(draw: st.DrawFn, catalogue: Catalogue, entity: Entity = Entity.ACCOUNT, depth: int = 0) -> dict:
    """Return a tree over every field of accounts; the apps above test their own."""
    fields = [
        field
        for field in catalogue.fields.values()
        if field.entity == entity
        and (field.type != FieldType.SEGMENT or catalogue.segments)
        and not field.key.startswith(FIELDS_OF_HEALTH)
    ]
    shape = draw(st.sampled_from(["leaf", "leaf", "all", "any", "not", "contacts"])) if depth < 3 else "leaf"
    if shape == "contacts" and entity == Entity.ACCOUNT:
        return {
            "contacts": draw(st.sampled_from(["any", "all"])),
            "where": condition(draw, catalogue, Entity.CONTACT, depth + 1),
        }
    if shape in {"all", "any"}:
        return {shape: [condition(draw, catalogue, entity, depth + 1) for _ in range(draw(st.integers(1, 3)))]}
    if shape == "not":
        return {"not": condition(draw, catalogue, entity, depth + 1)}
    return leaf(draw, draw(st.sampled_from(sorted(fields, key=lambda f: f.key))), catalogue)


def segment(draw: st.DrawFn) -> Segment:
    return Segment.objects.create(name="Saved", condition=condition(draw, Catalogue(), depth=2))


LIVED = ["attribute", "attribute", "persona", "subscription", "join", "join", "leave", "activity", "ticket", "change"]


def lived_facts(draw: st.DrawFn, cast: Cast) -> datetime:
    """Write facts through the services, so that projections follow. Returns the present."""
    account, contact = st.sampled_from(cast.accounts), st.sampled_from(cast.contacts)
    for day in draw(st.sets(st.sampled_from(DATES[:3]), max_size=2)):
        rate = draw(st.sampled_from([Decimal("1.25"), Decimal("0.005")]))
        set_exchange_rate(currency="EUR", on=day, rate=rate, now=START)
    tickets: list[Ticket] = []
    for n in range(draw(st.integers(0, 14))):
        now = START + timedelta(days=5 * n, hours=n)
        then = now - timedelta(days=draw(st.sampled_from([0, 0, 0, 3, 12])))
        times = {"occurred_at": then, "now": now, "backfill": draw(st.booleans())}
        match draw(st.sampled_from(LIVED)):
            case "attribute":
                definition = draw(st.sampled_from([*cast.builtins.values(), *cast.definitions]))
                row = draw(account if definition.entity == Entity.ACCOUNT else contact)
                set_attributes(row=row, values={definition.key: cast.value(draw, definition)}, **times)
            case "persona":
                pin_persona(contact=draw(contact), persona=_maybe(draw, cast.personas), **times)
            case "subscription":
                _lived_subscription(draw, cast, draw(account), then, now)
            case "join" | "leave" | "activity" as kind:
                _lived_contact(draw, kind, draw(contact), draw(account), times)
            case "ticket":
                ticket, _ = upsert_ticket(
                    account=draw(account), fields={"priority": draw(st.sampled_from(Priority.values))}, **times
                )
                tickets.append(ticket)
            case "change" if tickets:
                ticket = draw(st.sampled_from(tickets))
                fields = {"status": draw(st.sampled_from(TicketStatus.values)), "is_escalated": draw(st.booleans())}
                upsert_ticket(
                    account=ticket.account, ticket=ticket, fields=fields, occurred_at=then, changed_at=now, now=now
                )
    present = START + timedelta(days=71)
    for row in cast.accounts:
        refresh_account_terms(row, today=present.date())
    return present


def _lived_contact(draw: st.DrawFn, kind: str, contact: Contact, account: Account, times: dict) -> None:
    if kind == "join":
        join_account(contact=contact, account=account, role=_maybe(draw, ContactRole.values), **times)
    elif kind == "leave":
        for membership in contact.memberships.filter(until=None)[:1]:
            leave_account(membership=membership, at=times["occurred_at"], now=times["now"])
    else:
        kind = draw(st.sampled_from(ActivityKind.values))
        activity, _ = record_activity(account=account, kind=kind, contacts=[contact], **times)
        if draw(st.integers(0, 3)) == 0:
            delete_activity(activity=activity, now=times["now"])


def _lived_subscription(draw: st.DrawFn, cast: Cast, account: Account, then: datetime, now: datetime) -> None:
    fields = {
        "product": _maybe(draw, cast.products),
        "mrr": _maybe(draw, [0, 100, "99.99"]),
        "currency": draw(st.sampled_from(["USD", "EUR"])),
        "seats": _maybe(draw, [1, 2, 100]),
        "renews_on": _maybe(draw, DATES),
        "notice_on": _maybe(draw, DATES),
        "ended_on": _maybe(draw, [day for day in DATES if day >= then.date()]),
    }
    known = account.subscriptions.first() if draw(st.booleans()) else None
    if known is not None and fields["ended_on"] is not None:
        fields["ended_on"] = max(fields["ended_on"], known.started_on)
    upsert_subscription(account=account, subscription=known, fields=fields, effective_at=then, now=now)
