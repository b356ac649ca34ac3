"""Which accounts to look at when all would take too long for a page."""

from dataclasses import dataclass

from django.db import connection

from health.metrics.query import EVERYBODY, AccountSet

MAX_ACCOUNTS = 10_000


@dataclass(frozen=True)
class Sample:
    """`total`: how many accounts there are; `size`: how many of them are looked at."""

    accounts: AccountSet
    total: int
    size: int

    @property
    def is_sample(self) -> bool:
        return self.size < self.total

    @property
    def factor(self) -> float:
        """By what a count in the sample is multiplied to speak of all."""
        return self.total / self.size if self.size else 1.0


def sample_accounts(most: int = MAX_ACCOUNTS, *, including: tuple[int, ...] = ()) -> Sample:
    """Return everybody where they are few, else `most` of them, the same ones every time, and `including`.

    Which ones hangs on a hash of the id: ids in order would favour those created together.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_account WHERE deleted_at IS NULL")
        total = int(cursor.fetchone()[0])
        if total <= most:
            return Sample(EVERYBODY, total, total)
        cursor.execute(
            "SELECT id FROM accounts_account WHERE deleted_at IS NULL ORDER BY hashint8(id), id LIMIT %s", [most]
        )
        ids = {row[0] for row in cursor.fetchall()} | set(including)
    return Sample(AccountSet(ids=tuple(sorted(ids))), total, len(ids))
