"""Reading one metric of one account in tests."""

import math
from datetime import UTC, datetime

from health.metrics.query import AccountSet
from health.metrics.registry import clean_use
from health.metrics.values import NO_INPUT, read_values
from health.scoring import canonical

AS_OF = datetime(2026, 6, 16, tzinfo=UTC)
LATER = datetime(2030, 1, 1, tzinfo=UTC)


def use_of(metric, scope=None, **params):
    return clean_use({"metric": metric, "params": params, "scope": scope or {}})


def read(metric, account, *, as_of=AS_OF, recorded_by=LATER, live=True, scope=None, **params):
    """Return (canonical value or None, time of the newest input or None)."""
    values = read_values(
        [use_of(metric, scope, **params)],
        AccountSet(ids=(account.pk,)),
        as_of=as_of,
        recorded_by=recorded_by,
        live=live,
    )
    assert list(values.account_ids) == [account.pk]
    value, minute = float(canonical(values.value)[0, 0]), int(values.fresh[0, 0])
    fresh = None if minute == NO_INPUT else datetime.fromtimestamp(minute * 60, UTC)
    return (None if math.isnan(value) else value), fresh


def value_of(metric, account, **options):
    return read(metric, account, **options)[0]
