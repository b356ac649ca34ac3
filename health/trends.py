"""How scores went, week by week, for the small lines in lists."""

from collections.abc import Sequence
from datetime import timedelta

from health.models import CurrentScore, ScoreSnapshot

POINTS = 14


def weekly_scores(scores: Sequence[CurrentScore]) -> dict[int, list[float | None]]:
    """Return by account id the scores of the last POINTS weeks, oldest first, ending with the given one.

    None where there was no score. One query over exact days, which the key of the snapshots serves.
    """
    if not scores:
        return {}
    days = {
        score.account_id: [score.as_of - timedelta(weeks=back) for back in range(POINTS - 1, 0, -1)] for score in scores
    }
    found: dict[tuple[int, object], float | None] = {}
    snapshots = ScoreSnapshot.objects.filter(
        account_id__in=list(days),
        scorecard_id__in={score.scorecard_id for score in scores},
        as_of__in={day for each in days.values() for day in each},
    ).order_by("account_id", "as_of", "revision")
    scorecard_of = {score.account_id: score.scorecard_id for score in scores}
    for account_id, scorecard_id, as_of, points in snapshots.values_list(
        "account_id", "scorecard_id", "as_of", "score"
    ):
        if scorecard_of[account_id] == scorecard_id:
            found[account_id, as_of] = points / 100 if points >= 0 else None
    return {
        score.account_id: [
            *(found.get((score.account_id, day)) for day in days[score.account_id]),
            None if score.score is None else float(score.score),
        ]
        for score in scores
    }
