"""Which scores are overridden, as of any moment."""

from datetime import UTC, date, datetime, time

from django.db.models import Q, QuerySet

from health.metrics.query import AccountSet
from health.models import ScoreOverride


def overrides_at(
    scorecard_id: int, accounts: AccountSet, *, as_of: date, recorded_by: datetime
) -> QuerySet[ScoreOverride]:
    """Return the overrides that hold for scores as of a day, recorded by then."""
    moment = min(datetime.combine(as_of, time(), UTC), recorded_by)
    rows = ScoreOverride.objects.filter(
        Q(ended_at=None) | Q(ended_at__gt=moment), scorecard=scorecard_id, made_at__lte=moment, expires_at__gt=moment
    )
    if accounts.ids is not None:
        return rows.filter(account__in=accounts.ids)
    return rows if accounts.is_everybody else rows.filter(account_id__gte=accounts.first, account_id__lte=accounts.last)


def override_scores(scorecard_id: int, accounts: AccountSet, *, as_of: date, recorded_by: datetime) -> dict[int, int]:
    """Return by account id the score in hundredths that is shown in the place of the computed one."""
    rows = overrides_at(scorecard_id, accounts, as_of=as_of, recorded_by=recorded_by)
    return {account_id: int(score * 100) for account_id, score in rows.values_list("account_id", "score")}
