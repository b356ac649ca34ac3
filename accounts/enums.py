"""Choices about customers and what happens to them."""

from django.db.models import IntegerChoices, TextChoices


class Entity(TextChoices):
    """What an external id or an attribute belongs to."""

    ACCOUNT = "account", "Account"
    CONTACT = "contact", "Contact"
    SUBSCRIPTION = "subscription", "Subscription"
    ACTIVITY = "activity", "Activity"
    TICKET = "ticket", "Ticket"
    SURVEY_RESPONSE = "survey_response", "Survey response"


class Stage(TextChoices):
    """Where an account stands in its life with us."""

    PROSPECT = "prospect", "Prospect"
    ONBOARDING = "onboarding", "Onboarding"
    ADOPTION = "adoption", "Adoption"
    MATURE = "mature", "Mature"
    RENEWAL = "renewal", "Renewal"
    CHURNED = "churned", "Churned"


class Tier(TextChoices):
    ENTERPRISE = "enterprise", "Enterprise"
    GROWTH = "growth", "Growth"
    STARTER = "starter", "Starter"


class ContactRole(TextChoices):
    """A contact's part in an account."""

    CHAMPION = "champion", "Champion"
    ECONOMIC_BUYER = "economic_buyer", "Economic buyer"
    ADMIN = "admin", "Admin"
    END_USER = "end_user", "End user"
    OTHER = "other", "Other"


class AttributeType(TextChoices):
    TEXT = "text", "Text"
    NUMBER = "number", "Number"
    BOOLEAN = "boolean", "Yes or no"
    DATE = "date", "Date"
    CHOICE = "choice", "Choice"
    USER = "user", "User"


class ActivityKind(TextChoices):
    CALL = "call", "Call"
    MAIL = "mail", "Mail"
    MEETING = "meeting", "Meeting"
    CHAT = "chat", "Chat"
    NOTE = "note", "Note"


class Initiative(TextChoices):
    """Who acted first. Unknown stays empty."""

    PROACTIVE = "proactive", "Proactive"
    REACTIVE = "reactive", "Reactive"


class TicketStatus(TextChoices):
    OPEN = "open", "Open"
    WAITING = "waiting", "Waiting for customer"
    SOLVED = "solved", "Solved"
    CLOSED = "closed", "Closed"


class Priority(TextChoices):
    LOW = "low", "Low"
    NORMAL = "normal", "Normal"
    HIGH = "high", "High"
    URGENT = "urgent", "Urgent"


class SurveyKind(TextChoices):
    """NPS 0–10, CSAT 1–5, CES 1–7, and 1–5: how hard it would be to reach their goals without us."""

    NPS = "nps", "NPS"
    CSAT = "csat", "CSAT"
    CES = "ces", "CES"
    INDISPENSABLE = "indispensable", "Indispensability"


class SentimentLevel(IntegerChoices):
    """The CSM's own judgement."""

    VERY_POOR = 1, "Very poor"
    POOR = 2, "Poor"
    NEUTRAL = 3, "Neutral"
    GOOD = 4, "Good"
    VERY_GOOD = 5, "Very good"


class Origin(TextChoices):
    """Why an event is in the log; only live, recent ones trigger anything."""

    LIVE = "live", "Live"
    BACKFILL = "backfill", "Backfill"
    CONFIGURATION = "configuration", "Configuration"
    FIRST_SCORE = "first_score", "First score"
