"""Every write about health: scorecards and scores (usage has health/ingest and health/usage)."""

from health.services.scorecards import create_scorecard, ensure_starter_scorecard, publish_version
from health.services.scores import (
    forget_old_snapshots,
    score_accounts,
    score_changed_accounts,
    score_everybody,
)

__all__ = [
    "create_scorecard",
    "ensure_starter_scorecard",
    "forget_old_snapshots",
    "publish_version",
    "score_accounts",
    "score_changed_accounts",
    "score_everybody",
]
