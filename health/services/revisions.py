"""Revising the scores of days that are over, where facts about them arrived late.

A day counts what happened and was known before it ended; only history that says so of itself (a
backfill) counts for a day that is over. Then the score of that day gets a further revision by the
version that gave it; the one that was shown stays beside it.
"""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

from django.db import connection

from accounts.enums import Origin
from health.metrics.query import LOOKBACK_DAYS, AccountSet
from health.models import Scorecard, ScorecardVersion
from health.services.scores import ScoreReport, live_as_of, score_accounts
from team.work import enqueue_many

REVISED_DAYS = 7
# Each night looks further back than a day, so that a night that fell out is made up for.
LATE_FOR = timedelta(days=3)
ACCOUNTS_AT_ONCE = 5_000


def revise_late_days(*, now: datetime) -> int:
    """Make it due to revise the last REVISED_DAYS days by each live scorecard. Returns how many jobs that is."""
    if not late_accounts(now=now):
        return 0
    last = live_as_of(now) - timedelta(days=1)
    days = [last - timedelta(days=back) for back in range(REVISED_DAYS)]
    items: list[tuple[str, dict[str, object]]] = [
        (f"{card.pk}:{day}", {"scorecard_id": card.pk, "as_of": day.isoformat()})
        for card in Scorecard.objects.live()
        for day in days
    ]
    return enqueue_many(kind="health.revise_day", items=items, priority=8)


def revise_day(*, scorecard: Scorecard, as_of: date, now: datetime) -> ScoreReport:
    """Score the accounts with late facts as of a day again, each by the version that scored it then."""
    report = ScoreReport()
    by_version: dict[int, list[int]] = defaultdict(list)
    for account_id, version_id in _scored_by(scorecard, as_of, late_accounts(now=now)):
        by_version[version_id].append(account_id)
    versions = ScorecardVersion.objects.select_related("scorecard").in_bulk(by_version)
    for version_id, ids in by_version.items():
        for start in range(0, len(ids), ACCOUNTS_AT_ONCE):
            accounts = AccountSet(ids=tuple(ids[start : start + ACCOUNTS_AT_ONCE]))
            report += score_accounts(
                scorecard=scorecard, version=versions[version_id], accounts=accounts, as_of=as_of, now=now
            )
    return report


def late_accounts(*, now: datetime) -> list[int]:
    """Return the accounts about whose past something was recorded lately."""
    since = now - LATE_FOR
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT account_id FROM accounts_accountevent WHERE origin = %(backfill)s AND recorded_at >= %(since)s"
            " AND recorded_at <= %(now)s AND occurred_at < date_trunc('day', recorded_at, 'UTC')"
            " UNION SELECT account_id FROM health_usageday WHERE is_backfill AND recorded_on >= %(day)s"
            " AND day < recorded_on AND day >= %(oldest)s ORDER BY 1",
            {
                "backfill": Origin.BACKFILL,
                "since": since,
                "now": now,
                "day": since.astimezone(UTC).date(),
                # No metric of usage looks further back.
                "oldest": now.astimezone(UTC).date() - timedelta(days=REVISED_DAYS + LOOKBACK_DAYS),
            },
        )
        return [row[0] for row in cursor.fetchall()]


def _scored_by(scorecard: Scorecard, as_of: date, account_ids: list[int]) -> list[tuple[int, int]]:
    """Return (account, version) of the newest snapshot as of a day for those accounts that have one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (account_id) account_id, version_id FROM health_scoresnapshot"
            " WHERE scorecard_id = %s AND as_of = %s AND account_id = ANY(%s) ORDER BY account_id, revision DESC",
            [scorecard.pk, as_of, account_ids],
        )
        return list(cursor.fetchall())
