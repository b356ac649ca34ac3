"""How long a backtest of 12 dates takes: 25 measures, churn by subscription, from the question to the verdict.

The book is that of bench/scoring.py; every tenth account's subscription ended some time in the last year.
"""

import itertools
import resource
import time
from datetime import UTC, datetime, timedelta

from django.db import connection

DATES = 12
STEP_DAYS = 20
HORIZON_DAYS = 90

_ENDS = [
    """
    INSERT INTO accounts_subscriptionchange (subscription_id, plan, mrr, currency, seats, ended_on, occurred_at,
        received_at, known_at)
    SELECT id, plan, mrr, currency, seats, at::date, at, at, at FROM accounts_subscription,
        LATERAL (SELECT date_trunc('day', now()) - interval '1 day' * (id * 31 %% 330)) AS t (at) WHERE id %% 10 = 0
    """,
    "VACUUM ANALYZE accounts_subscriptionchange",
]


def run(*, accounts: int, rows: int) -> dict[str, float]:
    """Return the seconds of reading the dates and of judging them, and what was judged."""
    from bench.lists import fill_book
    from bench.scoring import _config, _fill
    from health.outcomes import ChurnRule
    from health.services import create_scorecard
    from health.services.backtests import Candidate, create_backtest, run_backtest

    now = datetime.now(UTC)
    fill_book(accounts=accounts)
    total = _fill(accounts, rows, now.date())
    with connection.cursor() as cursor:
        for statement in _ENDS:
            cursor.execute(statement, {})
    card = create_scorecard(name="Bench", config=_config(), now=now)
    assert card.version is not None
    newest = now.date() - timedelta(days=HORIZON_DAYS + 1)
    backtest = create_backtest(
        candidates=[Candidate.of_version(card.version)],
        rule=ChurnRule("subscription", horizon_days=HORIZON_DAYS),
        dates=[newest - timedelta(days=STEP_DAYS * step) for step in range(DATES)],
        now=now,
        in_background=False,
    )
    marks = [time.perf_counter()]
    run_backtest(backtest=backtest, on_date=lambda: marks.append(time.perf_counter()))
    ended = time.perf_counter()
    backtest.refresh_from_db()
    judgement = (backtest.result or {})["judgement"]
    assert len(marks) == DATES + 1, marks
    return {
        "daily rows": total,
        "dates": DATES,
        "rows judged": judgement["rows"],
        "churned accounts": judgement["churned_accounts"],
        "the slowest date, s": max(later - before for before, later in itertools.pairwise(marks)),
        "judging, s": ended - marks[-1],
        "whole backtest, s": ended - marks[0],
        "peak memory, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
