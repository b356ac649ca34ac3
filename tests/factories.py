"""Rows for tests, with unsurprising defaults; override what a test is about."""

from datetime import UTC, date, datetime
from decimal import Decimal

import factory
from django.utils import timezone

from accounts.enums import ActivityKind, SurveyKind
from accounts.models import (
    Account,
    Activity,
    Contact,
    Membership,
    Persona,
    Product,
    Subscription,
    SubscriptionChange,
    SurveyResponse,
    Ticket,
    TicketChange,
)
from accounts.models.subscriptions import TERMS
from health.models import CurrentScore, Scorecard, ScorecardVersion, Source
from health.scorecards import Band
from health.services.scorecards import starter_config
from team.enums import AccessLevel
from team.models import Team, User

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
PASSWORD = "correct horse battery"


class TeamFactory(factory.django.DjangoModelFactory):
    name = factory.Sequence(lambda n: f"Team {n}")

    class Meta:
        model = Team


class UserFactory(factory.django.DjangoModelFactory):
    """A contributor who can sign in with PASSWORD."""

    email = factory.Sequence(lambda n: f"user{n}@example.com")
    name = factory.Sequence(lambda n: f"User {n}")
    access_level = AccessLevel.CONTRIBUTOR
    password = factory.django.Password(PASSWORD)

    class Meta:
        model = User


class AccountFactory(factory.django.DjangoModelFactory):
    """An account seen by everybody, with no facts."""

    name = factory.Sequence(lambda n: f"Account {n:03}")

    class Meta:
        model = Account


class PersonaFactory(factory.django.DjangoModelFactory):
    name = factory.Sequence(lambda n: f"Persona {n}")

    class Meta:
        model = Persona


class ContactFactory(factory.django.DjangoModelFactory):
    name = factory.Sequence(lambda n: f"Contact {n:03}")
    email = factory.Sequence(lambda n: f"contact{n}@customer.example")

    class Meta:
        model = Contact


class FactFactory(factory.django.DjangoModelFactory):
    """Happened, received and known at `occurred_at` (default: now)."""

    occurred_at = factory.LazyFunction(timezone.now)
    received_at = factory.SelfAttribute("occurred_at")
    known_at = factory.SelfAttribute("occurred_at")

    class Meta:
        abstract = True


class MembershipFactory(FactFactory):
    contact = factory.SubFactory(ContactFactory)
    account = factory.SubFactory(AccountFactory)

    class Meta:
        model = Membership


class ProductFactory(factory.django.DjangoModelFactory):
    key = factory.Sequence(lambda n: f"product-{n}")
    name = factory.Sequence(lambda n: f"Product {n}")

    class Meta:
        model = Product


class SubscriptionFactory(factory.django.DjangoModelFactory):
    """100 a month in the reporting currency since 2025, with the one change that says so."""

    account = factory.SubFactory(AccountFactory)
    plan = "Pro"
    mrr = Decimal(100)
    currency = "USD"
    started_on = date(2025, 1, 1)

    class Meta:
        model = Subscription
        skip_postgeneration_save = True

    @factory.post_generation
    def first_change(self, create, extracted, **kwargs):
        moment = datetime.combine(self.started_on, datetime.min.time(), UTC)
        SubscriptionChange.objects.create(
            subscription=self,
            occurred_at=moment,
            received_at=moment,
            known_at=moment,
            **{name: getattr(self, name) for name in TERMS},
        )


class ActivityFactory(FactFactory):
    account = factory.SubFactory(AccountFactory)
    kind = ActivityKind.CALL
    subject = factory.Sequence(lambda n: f"Call {n}")

    class Meta:
        model = Activity


class TicketFactory(FactFactory):
    """An open ticket with the change that opened it."""

    account = factory.SubFactory(AccountFactory)
    subject = factory.Sequence(lambda n: f"Ticket {n}")

    class Meta:
        model = Ticket
        skip_postgeneration_save = True

    @factory.post_generation
    def first_change(self, create, extracted, **kwargs):
        TicketChange.objects.create(
            ticket=self,
            status=self.status,
            priority=self.priority,
            is_escalated=self.is_escalated,
            occurred_at=self.occurred_at,
            received_at=self.received_at,
            known_at=self.known_at,
        )


class SurveyResponseFactory(FactFactory):
    account = factory.SubFactory(AccountFactory)
    kind = SurveyKind.NPS
    score = 8

    class Meta:
        model = SurveyResponse


class CurrentScoreFactory(factory.django.DjangoModelFactory):
    """A healthy main score by a scorecard of its own."""

    account = factory.SubFactory(AccountFactory)
    score = Decimal(80)
    band = Band.GREEN
    confidence = 100
    main_of = "health"
    band_changed_at = factory.LazyFunction(timezone.now)
    as_of = factory.LazyFunction(lambda: timezone.now().date())
    recorded_by = factory.LazyFunction(timezone.now)
    revision = 1
    hash = b""

    class Meta:
        model = CurrentScore

    @factory.lazy_attribute
    def scorecard(self):
        card, _ = Scorecard.objects.get_or_create(name="Test health", defaults={"is_live": True})
        if card.version is None:
            card.version = ScorecardVersion.objects.create(
                scorecard=card,
                number=1,
                config={k: v for k, v in starter_config().items() if k in {"bands", "children", "minimum_confidence"}},
                hash="",
            )
            card.save()
        return card

    @factory.lazy_attribute
    def version(self):
        return self.scorecard.version


class SourceFactory(factory.django.DjangoModelFactory):
    """An enabled source of events with a write key of its own."""

    name = factory.Sequence(lambda n: f"Source {n}")
    write_key = factory.Sequence(lambda n: f"write-key-{n}")

    class Meta:
        model = Source
