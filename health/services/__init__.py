"""Every write about health: scorecards and scores (usage has health/ingest and health/usage)."""

from health.services.overrides import end_override, set_override
from health.services.scorecard_drafts import (
    create_draft,
    discard_draft,
    lock_draft,
    pin_accounts,
    publish_draft,
    replace_draft,
    save_draft,
    undo_draft,
)
from health.services.scorecards import (
    archive_scorecard,
    create_scorecard,
    ensure_starter_scorecards,
    move_scorecard,
    publish_version,
    restore_scorecard,
    roll_back,
    switch_scorecard,
    update_scorecard,
)
from health.services.scores import (
    forget_old_snapshots,
    score_accounts,
    score_changed_accounts,
    score_everybody,
)

__all__ = [
    "archive_scorecard",
    "create_draft",
    "create_scorecard",
    "discard_draft",
    "end_override",
    "ensure_starter_scorecards",
    "forget_old_snapshots",
    "lock_draft",
    "move_scorecard",
    "pin_accounts",
    "publish_draft",
    "publish_version",
    "replace_draft",
    "restore_scorecard",
    "roll_back",
    "save_draft",
    "score_accounts",
    "score_changed_accounts",
    "score_everybody",
    "set_override",
    "switch_scorecard",
    "undo_draft",
    "update_scorecard",
]
