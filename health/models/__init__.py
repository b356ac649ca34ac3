"""How customers use the product, and what that says about their health."""

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
    "DirtyAccount",
    "EventType",
    "GroupCall",
    "HeldEvent",
    "IngestBatch",
    "RejectedEvent",
    "SeenMessage",
    "Source",
    "UsageDay",
    "UsageEvent",
]
