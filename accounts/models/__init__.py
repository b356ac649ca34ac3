"""The customers: who they are, what they bought, what happened."""

from accounts.models.attributes import AttributeDefinition, AttributeValue
from accounts.models.customers import (
    Account,
    AccountTeamMember,
    Contact,
    ContactPersona,
    ExternalId,
    ListColumns,
    Membership,
    Persona,
    Segment,
)
from accounts.models.events import AccountEvent, EventConsumer
from accounts.models.facts import (
    Activity,
    ActivityRevision,
    LastActivity,
    Sentiment,
    SurveyResponse,
    Ticket,
    TicketChange,
)
from accounts.models.subscriptions import (
    ExchangeRate,
    Product,
    Subscription,
    SubscriptionChange,
)

__all__ = [
    "Account",
    "AccountEvent",
    "AccountTeamMember",
    "Activity",
    "ActivityRevision",
    "AttributeDefinition",
    "AttributeValue",
    "Contact",
    "ContactPersona",
    "EventConsumer",
    "ExchangeRate",
    "ExternalId",
    "LastActivity",
    "ListColumns",
    "Membership",
    "Persona",
    "Product",
    "Segment",
    "Sentiment",
    "Subscription",
    "SubscriptionChange",
    "SurveyResponse",
    "Ticket",
    "TicketChange",
]
