"""One SQL statement for many metrics: account → value and time of the newest input.

Each metric asks a Query for columns of passes over the facts. A pass reads one relation once and
groups it by account; metrics over the same relation and scope share it, so the cost of a scorecard
is the number of relations it looks at, not the number of its measures.

The text holds the placeholders %(as_of)s and %(recorded_by)s and no other; whatever a metric is
given was checked by the registry and is written as a literal here.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from accounts.models.times import MEMBER, VISIBLE
from health.metrics.registry import MetricUse, Scope, get_metric
from health.usage.source import usage_source

LOOKBACK_DAYS = 400
RECENT_DAYS = 28  # in which most accounts that are alive have some usage
BITS = 64

# The UTC day that is no longer counted, and the last one that is (for any instant, the current one).
AS_OF_DAY = "(%(as_of)s AT TIME ZONE 'UTC')::date"
TODAY = "((%(as_of)s - interval '1 microsecond') AT TIME ZONE 'UTC')::date"


@dataclass(frozen=True)
class AccountSet:
    """Which accounts to compute: everybody, a few ids, or a range of ids (both ends included)."""

    ids: tuple[int, ...] | None = None
    first: int | None = None
    last: int | None = None

    def holds(self, column: str) -> str:
        """Return the SQL condition that a column is the id of one of them."""
        if self.ids is not None:
            return f"{column} = ANY('{{{','.join(str(int(pk)) for pk in self.ids)}}}'::bigint[])"
        if self.first is not None and self.last is not None:
            return f"{column} BETWEEN {int(self.first)} AND {int(self.last)}"
        return "true"

    @property
    def is_everybody(self) -> bool:
        return self.ids is None and self.first is None


EVERYBODY = AccountSet()


@dataclass(frozen=True)
class Column:
    """What a metric amounts to: SQL for a number (NULL: unknown) and for the time of its newest input.

    A `fresh` of NULL beside a known value means known without any input: nothing has happened.
    """

    value: str
    fresh: str = "NULL::timestamptz"


class Pass(Protocol):
    alias: str

    def sql(self) -> str:
        """Return the subquery: account_id and the columns asked for."""


@dataclass
class RowPass:
    """Aggregates by account over rows `r` of a subquery that has an account_id."""

    alias: str
    source: str
    columns: dict[str, str] = field(default_factory=dict)

    def column(self, aggregate: str) -> str:
        """Return the name under which an aggregate over `r` can be used; the same twice is one."""
        return f"{self.alias}.{self.columns.setdefault(aggregate, f'c{len(self.columns)}')}"

    def sql(self) -> str:
        columns = "".join(f", {aggregate} AS {name}" for aggregate, name in self.columns.items())
        return f"SELECT r.account_id{columns} FROM ({self.source}) r GROUP BY r.account_id"


@dataclass
class UsagePass:
    """Aggregates over the daily roll-ups `u`: by account, or first by `key` within the account.

    Reads no further back than the longest window asked for.
    """

    alias: str
    source: str
    condition: str
    key: str = ""
    since_days: int = 1
    inner: dict[str, str] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)

    def column(self, aggregate: str, *, days: int) -> str:
        """Return the name of an aggregate over rows `u` of at most the last `days` days."""
        self.since_days = max(self.since_days, days)
        return f"{self.alias}.{self.columns.setdefault(aggregate, f'c{len(self.columns)}')}"

    def keys_active(self, days: int, only: str) -> str:
        """Return the name of: how many keys have a row in the last `days` days that satisfies `only`."""
        last_day = f"max(u.day){_filter(only)}"
        name = self.inner.setdefault(last_day, f"k{len(self.inner)}")
        return self.column(f"count(*) FILTER (WHERE k.{name} >= {AS_OF_DAY} - {days})", days=days)

    def sql(self) -> str:
        rows = f"{self.source} u WHERE u.day >= {AS_OF_DAY} - {self.since_days} AND {self.condition}"
        columns = "".join(f", {aggregate} AS {name}" for aggregate, name in self.columns.items())
        if not self.key:
            return f"SELECT u.account_id{columns} FROM {rows} GROUP BY u.account_id"
        inner = "".join(f", {aggregate} AS {name}" for aggregate, name in self.inner.items())
        return (
            f"SELECT k.account_id{columns} FROM (SELECT u.account_id{inner} FROM {rows}"
            f" GROUP BY u.account_id, u.{self.key}) k GROUP BY k.account_id"
        )


class Query:
    """Collects what metrics need over some accounts, then writes the statement.

    `live`: as_of and recorded_by are the present, so that the roll-ups alone tell everything.
    """

    def __init__(self, accounts: AccountSet = EVERYBODY, *, live: bool) -> None:
        self.accounts = accounts
        self.live = live
        self._passes: dict[object, RowPass | UsagePass] = {}
        self._recent_day = ""

    def rows(self, source: str) -> RowPass:
        """Return the pass over a subquery; its text is its identity."""
        found = self._passes.get(source)
        if not isinstance(found, RowPass):
            found = self._passes[source] = RowPass(self._alias(), source)
        return found

    def usage(self, scope: Scope, key: str = "", name: str = "window") -> UsagePass:
        """Return the pass over usage by people in scope, grouped by account or by `key` within it."""
        identity = (name, key, scope.persona, scope.role)
        found = self._passes.get(identity)
        if not isinstance(found, UsagePass):
            condition = f"{self.accounts.holds('u.account_id')} AND {self.in_scope(scope, 'u')}"
            found = UsagePass(self._alias(), usage_source(live=self.live), condition, key)
            self._passes[identity] = found
        return found

    def last_usage_day(self) -> str:
        """Return the name of the day of an account's last usage by anybody, NULL when there is none.

        The window that is read anyway knows it of nearly every account. The others are looked up by the
        index one by one, which is quicker than to read LOOKBACK_DAYS of everybody. A replay has no such
        index, for it reads raw events too.
        """
        if not self.live:
            return self.usage(Scope(), name="last").column("max(u.day)", days=LOOKBACK_DAYS)
        self._recent_day = self.usage(Scope()).column("max(u.day)", days=RECENT_DAYS)
        return "latest.day"

    def in_scope(self, scope: Scope, row: str) -> str:
        """Return the condition that contact_id of a row is one of the people in scope, as of then."""
        conditions = []
        among = self.accounts.holds("m.account_id")
        if scope.role is not None:
            conditions.append(
                f"({row}.account_id, {row}.contact_id) IN (SELECT m.account_id, m.contact_id"
                f" FROM accounts_membership m WHERE {MEMBER.format(t='m')}"
                f" AND m.role = {quote(scope.role)} AND {among})"
            )
        if scope.persona is not None:
            candidates = (
                "true"
                if self.accounts.is_everybody
                else f"p.contact_id IN (SELECT m.contact_id FROM accounts_membership m WHERE {among})"
            )
            conditions.append(
                f"{row}.contact_id IN (SELECT contact_id FROM (SELECT DISTINCT ON (p.contact_id) p.contact_id,"
                f" p.persona_id FROM accounts_contactpersona p WHERE {VISIBLE.format(t='p')} AND {candidates}"
                f" ORDER BY p.contact_id, p.occurred_at DESC, p.id DESC) latest WHERE persona_id = {scope.persona})"
            )
        return " AND ".join(conditions) or "true"

    def statement(self, columns: Sequence[str], only: str = "true") -> str:
        """Return the statement that yields, for each account, its id and the given SQL expressions.

        `only` is a further condition on the account's row `a`.
        """
        selected = "".join(f", {column}" for column in columns)
        joins = "".join(
            f"\nLEFT JOIN ({each.sql()}) {each.alias} ON {each.alias}.account_id = a.id"
            for each in self._passes.values()
        )
        if self._recent_day:
            joins += f"\nCROSS JOIN LATERAL ({self._latest_day()}) latest"
        return (
            f"SELECT a.id{selected}\nFROM accounts_account a{joins}"
            "\nWHERE (a.deleted_at IS NULL OR a.deleted_at > %(recorded_by)s)"
            f" AND {self.accounts.holds('a.id')} AND {only}"
        )

    def _latest_day(self) -> str:
        """Return the subquery behind last_usage_day(), once it is known how far the window reaches."""
        earlier = (
            f"SELECT u.day FROM {usage_source(live=self.live)} u WHERE u.account_id = a.id"
            f" AND u.day >= {AS_OF_DAY} - {LOOKBACK_DAYS} AND u.day < {AS_OF_DAY} - {self.usage(Scope()).since_days}"
            " ORDER BY u.day DESC LIMIT 1"
        )
        # OFFSET 0: computed once, however many metrics name it.
        return f"SELECT coalesce({self._recent_day}, ({earlier})) AS day OFFSET 0"

    def _alias(self) -> str:
        return f"p{len(self._passes)}"


def columns_of(query: Query, uses: Iterable[MetricUse]) -> list[Column]:
    """Return the columns of metrics, adding the passes they need to the query."""
    return [get_metric(use.metric).build(query, use) for use in uses]


def metric_sql(use: MetricUse, *, live: bool) -> str:
    """Return `SELECT id, value, fresh` for one metric over all accounts; unknown is NULL."""
    query = Query(live=live)
    column = get_metric(use.metric).build(query, use)
    return query.statement([f"({column.value})::float8 AS value", f"{column.fresh} AS fresh"])


def quote(text: str) -> str:
    """Return a text as an SQL literal inside a statement with placeholders."""
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def event_types(names: tuple[str, ...], product: int | None) -> str:
    """Return the condition that row `u` is of one of these event types; empty for all."""
    conditions = []
    if names:
        conditions.append(f"name IN ({', '.join(quote(name) for name in names)})")
    if product is not None:
        conditions.append(f"product_id = {product}")
    if not conditions:
        return ""
    # An array is read once; a subquery in an aggregate's filter would be asked for every row.
    return f"u.event_type_id = ANY(ARRAY(SELECT id FROM health_eventtype WHERE {' AND '.join(conditions)}))"


def in_window(aggregate: str, first: int, last: int, only: str = "") -> str:
    """Return an aggregate over rows `u` that are `first` to `last` days before as_of (1: the day before)."""
    window = f"u.day >= {AS_OF_DAY} - {last}"
    if first > 1:
        window += f" AND u.day <= {AS_OF_DAY} - {first}"
    return aggregate + _filter(window, only)


def active_days(usage: UsagePass, days: int, only: str) -> str:
    """Return SQL for the number of different days with a row among the last `days`.

    A bit for each day, so that nothing has to be sorted; shifts wrap at 64, hence several words.
    """
    words = []
    for start in range(0, days, BITS):
        age = f"({AS_OF_DAY} - u.day)"
        bit = f"1::bigint << ({age} - {start + 1})"
        window = f"{age} BETWEEN {start + 1} AND {start + BITS}"
        word = usage.column(f"bit_or({bit}){_filter(window, only)}", days=days)
        if days - start < BITS:
            word = f"({word} & {(1 << (days - start)) - 1})"
        words.append(f"coalesce(bit_count({word}::bit(64)), 0)")
    return " + ".join(words)


def _filter(*conditions: str) -> str:
    kept = [condition for condition in conditions if condition]
    return f" FILTER (WHERE {' AND '.join(kept)})" if kept else ""


Builder = Callable[[Query, MetricUse], Column]
