"""Reads of scores as they were."""

from datetime import date

from django.db.models import QuerySet

from accounts.models import Account
from health.enums import ScoreKind
from health.models import CurrentScore, ScoreSnapshot


def score_history(
    account: Account, *, scorecard_id: int | None = None, first: date | None = None, last: date | None = None
) -> QuerySet[ScoreSnapshot]:
    """Return an account's snapshots as of the days from `first` to `last`, both included."""
    rows = ScoreSnapshot.objects.filter(account_id=account.pk)
    if scorecard_id is not None:
        rows = rows.filter(scorecard_id=scorecard_id)
    if first is not None:
        rows = rows.filter(as_of__gte=first)
    return rows if last is None else rows.filter(as_of__lte=last)


def snapshot_at(
    account: Account, *, scorecard_id: int | None = None, as_of: date | None = None
) -> ScoreSnapshot | None:
    """Return the newest snapshot as of a day (None: of all) by a scorecard (None: the account's main one)."""
    if scorecard_id is None:
        main = (
            CurrentScore.objects.filter(account=account, main_of=ScoreKind.HEALTH)
            .values_list("scorecard", flat=True)
            .first()
        )
        if main is None:
            return None
        scorecard_id = main
    rows = score_history(account, scorecard_id=scorecard_id, last=as_of)
    return rows.order_by("-as_of", "-revision").first()
