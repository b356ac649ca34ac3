"""A draft beside the version in force: what differs in words, and what would change."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from accounts.conditions import ConditionError, describe
from health.drafts import from_draft
from health.models import ScorecardDraft
from health.previews import Preview, Standing, preview
from health.receipts import scope_names
from health.scorecard_changes import Change, changes_between
from health.scorecards import Card, InvalidScorecard, read_card


def preview_of(draft: ScorecardDraft, *, now: datetime) -> Preview:
    """Compare a draft without problems with the version in force."""
    return preview(read_card(from_draft(draft.config)), _card_in_force(draft), now=now, pinned_ids=draft.pinned_ids)


def changes_of_draft(draft: ScorecardDraft) -> list[Change] | None:
    """Return what the draft changes; None while it has problems."""
    try:
        after = read_card(from_draft(draft.config))
    except InvalidScorecard:
        return None
    before = _card_in_force(draft)
    names = scope_names(after) | (scope_names(before) if before else {})
    return changes_between(before, after, condition_words, names)


def condition_words(condition: Any) -> str:
    """Say whom a condition holds for."""
    try:
        return describe(condition) if condition else "all accounts"
    except ConditionError as error:
        return f"nobody: {error.message}"


def table_of_moves(found: Preview) -> tuple[list[str], Iterator[list[Any]]]:
    """Return the head and rows of a file of the accounts whose band changes."""
    head = ["account_id", "account", "score_now", "band_now", "score_with_draft", "band_with_draft"]
    rows = ([move.account_id, move.name, *_cells(move.before), *_cells(move.after)] for move in found.moves)
    return head, rows


def _cells(standing: Standing | None) -> list[Any]:
    return [None, "not scored"] if standing is None else [standing.score, standing.band.label]


def _card_in_force(draft: ScorecardDraft) -> Card | None:
    version = draft.scorecard.version if draft.scorecard else None
    return version.card() if version else None
