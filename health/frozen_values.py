"""The values of metrics, frozen ones as of when their data stopped coming."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from django.db import connection

from accounts.conditions import Sql
from health.freezes import EPOCH, NOT_FROZEN, Freeze, freezes_at
from health.metrics.query import AccountSet
from health.metrics.registry import MetricUse
from health.metrics.values import Values, read_values

# Up to so many accounts are asked for by their ids, more as part of the set.
FEW_ACCOUNTS = 2_000


def read_with_freezes(
    uses: Sequence[MetricUse],
    accounts: AccountSet,
    *,
    as_of: datetime,
    recorded_by: datetime,
    live: bool,
    only: Sql | None = None,
) -> Values:
    """Compute metrics as `read_values` does, and those that open incidents hold as of the collapse."""
    values = read_values(uses, accounts, as_of=as_of, recorded_by=recorded_by, live=live, only=only)
    for freeze in freezes_at(as_of=as_of, recorded_by=recorded_by):
        values = _freeze(values, freeze, uses, accounts, recorded_by=recorded_by, live=live)
    return values


def _freeze(
    values: Values,
    freeze: Freeze,
    uses: Sequence[MetricUse],
    accounts: AccountSet,
    *,
    recorded_by: datetime,
    live: bool,
) -> Values:
    """Put what the metrics of a freeze were in the place of what they would be now."""
    columns = [place for place, use in enumerate(uses) if freeze.holds(use)]
    ids = _held(freeze, accounts) if columns else []
    if not ids:
        return values
    few = len(ids) <= FEW_ACCOUNTS
    then = read_values(
        [uses[column] for column in columns],
        AccountSet(ids=tuple(ids)) if few else accounts,
        as_of=freeze.frozen_at,
        recorded_by=recorded_by,
        live=live,
        only=None if few else freeze.accounts(),
    )
    _, rows, sources = np.intersect1d(values.account_ids, then.account_ids, return_indices=True)
    cells = np.ix_(rows, np.array(columns))
    value, fresh = values.value.copy(), values.fresh.copy()
    frozen = np.full(fresh.shape, NOT_FROZEN, np.int32) if values.frozen is None else values.frozen.copy()
    value[cells], fresh[cells] = then.value[sources], then.fresh[sources]
    frozen[cells] = (freeze.frozen_on - EPOCH).days
    return replace(values, value=value, fresh=fresh, frozen=frozen)


def _held(freeze: Freeze, accounts: AccountSet) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(f"{freeze.accounts().text} AND {accounts.holds('h.account_id')} ORDER BY 1")
        return [row[0] for row in cursor.fetchall()]
