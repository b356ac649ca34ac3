"""Choices about usage events and health."""

from django.db.models import IntegerChoices, TextChoices


class EventKind(TextChoices):
    """Which call of an SDK reported the use."""

    TRACK = "track", "Event"
    PAGE = "page", "Page"
    SCREEN = "screen", "Screen"


class Dialect(TextChoices):
    """Whose wire format a request body is in."""

    SEGMENT = "segment", "Segment"
    POSTHOG = "posthog", "PostHog"


class ClockNote(IntegerChoices):
    """What was unusual about the time a client gave."""

    NONE = 0, ""
    CLAMPED = 1, "It lay in the future and was set to the time of arrival"
    SKEW_IGNORED = 2, "The client's clock was off by more than a day and was not corrected"


class RejectionState(TextChoices):
    OPEN = "open", "Open"
    REPLAYED = "replayed", "Replayed"
    DISCARDED = "discarded", "Discarded"


class ScoreKind(TextChoices):
    """Success (what the customer achieved) and happiness (how they feel) are never blended."""

    HEALTH = "health", "Health"
    SUCCESS = "success", "Success"
    HAPPINESS = "happiness", "Happiness"


class FeedKind(TextChoices):
    """What a feed brings; metrics name the kinds they are made from."""

    USAGE = "usage", "Usage events"
    TICKETS = "tickets", "Tickets"
    SURVEYS = "surveys", "Survey answers"
    ACTIVITIES = "activities", "Activities"
    SUBSCRIPTIONS = "subscriptions", "Subscriptions"


class Opening(TextChoices):
    """How an incident came to be known."""

    DETECTED = "detected", "Found by its volume"
    DECLARED = "declared", "Declared by a person"


class Closing(TextChoices):
    """How an incident ended."""

    VOLUME = "volume", "The data came back"
    PERSON = "person", "Closed by a person"


class AlertKind(TextChoices):
    RISK = "risk", "Risk"
    OPPORTUNITY = "opportunity", "Opportunity"


class AlertState(TextChoices):
    """A row begins as waiting or standing, is raised to open, and ends closed."""

    WAITING = "waiting", "Waiting"
    """It matches, but not long enough, or too soon after the last alert, or the rule is muted."""
    STANDING = "standing", "Standing"
    """It matched without live news: when the rule was made, or through an import or a new scorecard."""
    OPEN = "open", "Open"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    CLOSED = "closed", "Closed"


class CloseReason(TextChoices):
    LEFT = "left", "No longer so"
    DONE = "done", "Done"
    MUTED = "muted", "Muted"
    RETIRED = "retired", "Rule changed or switched off"


class BacktestState(TextChoices):
    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"

    @property
    def is_over(self) -> bool:
        return self not in {BacktestState.WAITING, BacktestState.RUNNING}
