"""Setting a score in the place of the computed one, and ending that."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from accounts.errors import InvalidInput
from accounts.events import write_event
from accounts.models import Account
from health.metrics.query import AccountSet
from health.models import Scorecard, ScoreOverride, ScoreSnapshot
from health.queries import snapshot_at
from health.services.scores import score_accounts
from team.models import User
from team.work import enqueue

MAX_OVERRIDE_DAYS = 180
MAX_REASON_LENGTH = 500
MAX_SCORE = 100


def set_override(
    *,
    account: Account,
    scorecard: Scorecard,
    score: Decimal,
    reason: str,
    expires_at: datetime,
    now: datetime,
    actor: User | None,
) -> ScoreOverride:
    """Show a score instead of the computed one until it expires, and score the account again.

    Another override of the account by the scorecard ends with it. Raises InvalidInput.
    """
    override = _set_override(
        account=account,
        scorecard=scorecard,
        score=_checked_score(score),
        reason=_checked_reason(reason),
        expires_at=_checked_expiry(expires_at, now),
        now=now,
        actor=actor,
    )
    score_accounts(scorecard=scorecard, accounts=AccountSet(ids=(account.pk,)), now=now)
    return override


def end_override(*, override: ScoreOverride, now: datetime, actor: User | None) -> ScoreOverride:
    """Show the computed score again. Does nothing to one that has ended."""
    if _end(override, at=min(now, override.expires_at), now=now, actor=actor):
        score_accounts(scorecard=override.scorecard, accounts=AccountSet(ids=(override.account_id,)), now=now)
    override.refresh_from_db()
    return override


def end_expired(*, override_id: int, now: datetime) -> None:
    """End an override whose time is over; bears to run twice."""
    override = ScoreOverride.objects.select_related("scorecard__version", "account").filter(pk=override_id).first()
    if override is None or override.expires_at > now:
        return
    _end(override, at=override.expires_at, now=now, actor=None)
    if override.scorecard.is_live:
        score_accounts(scorecard=override.scorecard, accounts=AccountSet(ids=(override.account_id,)), now=now)


@transaction.atomic
def _set_override(
    *,
    account: Account,
    scorecard: Scorecard,
    score: Decimal,
    reason: str,
    expires_at: datetime,
    now: datetime,
    actor: User | None,
) -> ScoreOverride:
    Account.objects.select_for_update().get(pk=account.pk)
    if not scorecard.is_live or scorecard.version_id is None:
        raise InvalidInput(f"The scorecard {scorecard} is not computed; choose one that is.", "scorecard")
    for old in ScoreOverride.objects.filter(account=account, scorecard=scorecard, ended_at=None):
        _end(old, at=min(now, old.expires_at), now=now, actor=actor)
    override = ScoreOverride.objects.create(
        account=account,
        scorecard=scorecard,
        score=score,
        computed=computed_score(snapshot_at(account, scorecard_id=scorecard.pk)),
        reason=reason,
        made_by=actor,
        made_at=now,
        expires_at=expires_at,
    )
    _tell(override, "override.set", at=now, now=now, actor=actor)
    enqueue(kind="health.end_override", key=str(override.pk), payload={"override_id": override.pk}, due_at=expires_at)
    return override


def computed_score(snapshot: ScoreSnapshot | None) -> Decimal | None:
    """Return what a snapshot's inputs came to, whatever was set in its place."""
    from health.receipts import build_receipt

    return None if snapshot is None else build_receipt(snapshot).computed


@transaction.atomic
def _end(override: ScoreOverride, *, at: datetime, now: datetime, actor: User | None) -> bool:
    changed = ScoreOverride.objects.filter(pk=override.pk, ended_at=None).update(
        ended_at=at, ended_by=actor, deleted_at=at
    )
    if changed:
        _tell(override, "override.ended", at=at, now=now, actor=actor)
    return bool(changed)


def _tell(override: ScoreOverride, kind: str, *, at: datetime, now: datetime, actor: User | None) -> None:
    write_event(
        account=override.account,
        kind=kind,
        occurred_at=at,
        now=now,
        actor=actor,
        payload={
            "override_id": override.pk,
            "scorecard_id": override.scorecard_id,
            "score": float(override.score),
            "expires_at": override.expires_at.isoformat(),
        },
    )


def _checked_score(score: Decimal) -> Decimal:
    if not 0 <= score <= MAX_SCORE or score != round(score, 2):
        raise InvalidInput(f"A score goes from 0 to {MAX_SCORE} with at most two decimals, not {score}.", "score")
    return score


def _checked_reason(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise InvalidInput("Say why, so that others understand the score and its outcome can be judged.", "reason")
    if len(reason) > MAX_REASON_LENGTH:
        raise InvalidInput(f"The reason has at most {MAX_REASON_LENGTH} characters.", "reason")
    return reason


def _checked_expiry(expires_at: datetime, now: datetime) -> datetime:
    if not now < expires_at <= now + timedelta(days=MAX_OVERRIDE_DAYS):
        raise InvalidInput(f"An override ends within {MAX_OVERRIDE_DAYS} days, and not before now.", "expires_at")
    return expires_at
