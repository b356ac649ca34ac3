"""How customers use the product, and what that says about their health."""

from health.models.scores import CurrentScore, Scorecard, ScorecardVersion, ScoreSnapshot
from health.models.sources import EventType, IngestBatch, RejectedEvent, Source
from health.models.usage import (
    DirtyAccount,
    GroupCall,
    HeldEvent,
    SeenMessage,
    UsageDay,
    UsageEvent,
)

__all__ = [
    "CurrentScore",
    "DirtyAccount",
    "EventType",
    "GroupCall",
    "HeldEvent",
    "IngestBatch",
    "RejectedEvent",
    "ScoreSnapshot",
    "Scorecard",
    "ScorecardVersion",
    "SeenMessage",
    "Source",
    "UsageDay",
    "UsageEvent",
]
