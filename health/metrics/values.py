"""The values of many metrics for many accounts, in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction

from accounts.conditions import Sql
from health.metrics.query import AccountSet, Query, columns_of
from health.metrics.registry import MetricUse
from health.packed import read_rows

NO_INPUT = -1


@dataclass(frozen=True)
class Values:
    """Rows are accounts, columns the metrics asked for, in their order.

    value: float64, NaN: unknown. fresh: the minute since 1970 of the newest input, NO_INPUT: none.
    frozen: the day since 1970 as of which it was read, where the data it is made from had stopped
    (health/freezes.py), 0 elsewhere; None: nothing is.
    """

    account_ids: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    fresh: npt.NDArray[np.int32]
    frozen: npt.NDArray[np.int32] | None = None


def read_values(
    uses: Sequence[MetricUse],
    accounts: AccountSet,
    *,
    as_of: datetime,
    recorded_by: datetime,
    live: bool,
    only: Sql | None = None,
) -> Values:
    """Compute metrics over accounts as of a UTC midnight, by what was recorded until recorded_by.

    `live`: recorded_by is the present. `only`: SQL that yields the ids of the only accounts wanted.
    """
    query = Query(accounts, live=live)
    distinct = list(dict.fromkeys(uses))
    columns = columns_of(query, distinct)
    selected, names = [], [("account", "int8")]
    for i, column in enumerate(columns):
        selected += [
            f"coalesce(({column.value})::float8, 'NaN')",
            f"coalesce(floor(extract(epoch FROM {column.fresh}) / 60)::int, {NO_INPUT})",
        ]
        names += [(f"value{i}", "float8"), (f"fresh{i}", "int4")]
    sql = query.statement(selected, f"a.id IN ({only.text})" if only else "true")
    params = (only.params if only else {}) | {"as_of": as_of, "recorded_by": recorded_by}
    with transaction.atomic(), connection.cursor() as cursor:
        # Groups of everybody fit into memory; compiling so wide a statement costs more than it saves.
        cursor.execute("SELECT set_config('work_mem', '128MB', true), set_config('jit', 'off', true)")
        rows = read_rows(sql, params, names)
    places = [distinct.index(use) for use in uses]
    return Values(
        account_ids=rows["account"].astype(np.int64),
        value=np.column_stack([rows[f"value{i}"] for i in places]).astype(np.float64),
        fresh=np.column_stack([rows[f"fresh{i}"] for i in places]).astype(np.int32),
    )
