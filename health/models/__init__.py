"""How customers use the product, and what that says about their health."""

from health.models.alerts import Alert, AlertBudget, AlertMute, AlertRule, AlertRuleVersion
from health.models.backtests import Backtest, BacktestDay, LearnedModel
from health.models.drafts import ScorecardDraft
from health.models.incidents import AccountSource, FeedHour, Incident, IncidentAccount
from health.models.overrides import ScoreOverride
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
    "AccountSource",
    "Alert",
    "AlertBudget",
    "AlertMute",
    "AlertRule",
    "AlertRuleVersion",
    "Backtest",
    "BacktestDay",
    "CurrentScore",
    "DirtyAccount",
    "EventType",
    "FeedHour",
    "GroupCall",
    "HeldEvent",
    "Incident",
    "IncidentAccount",
    "IngestBatch",
    "LearnedModel",
    "RejectedEvent",
    "ScoreOverride",
    "ScoreSnapshot",
    "Scorecard",
    "ScorecardDraft",
    "ScorecardVersion",
    "SeenMessage",
    "Source",
    "UsageDay",
    "UsageEvent",
]
