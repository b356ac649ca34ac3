"""Metrics over usage: how much, how many people, how broad, how recent, rising or falling.

Whole UTC days before as_of count. An account that has never sent usage (within LOOKBACK_DAYS) is
unknown; one that has, but not in the window, is 0.
"""

from health.enums import FeedKind
from health.metrics.query import AS_OF_DAY, LOOKBACK_DAYS, Column, Query, active_days, event_types, in_window
from health.metrics.registry import Metric, MetricUse, Parameter, register
from health.metrics.subscriptions import seats_pass

FAMILY = "Usage"
FEEDS = frozenset({FeedKind.USAGE})
PEOPLE = frozenset({"persona", "role", "product"})
NEVER = "The account has never sent usage."

EVENTS = Parameter("events", "Events", "texts", default=(), help="Names of events; empty for all.")


def window(default: int) -> Parameter:
    """Return the parameter for a number of whole days up to as_of."""
    return Parameter("days", "Window", default=default, unit="days", minimum=1, maximum=LOOKBACK_DAYS)


def _only(use: MetricUse) -> str:
    return event_types(use["events"], use.scope.product)


def _known(query: Query, number: str) -> Column:
    """Return a count as a column: 0 where the window is empty, unknown where usage never came."""
    last = query.last_usage_day()
    fresh = f"({last} + 1)::timestamp AT TIME ZONE 'UTC'"
    return Column(f"CASE WHEN {last} IS NOT NULL THEN coalesce({number}, 0) END", fresh)


def _event_count(query: Query, use: MetricUse) -> Column:
    usage = query.usage(use.scope)
    count = in_window("sum(u.count)", 1, use["days"], _only(use))
    return _known(query, usage.column(count, days=use["days"]))


def _event_value(query: Query, use: MetricUse) -> Column:
    usage = query.usage(use.scope)
    total = in_window("sum(u.value)", 1, use["days"], _only(use))
    return _known(query, usage.column(total, days=use["days"]))


def _active_contacts(query: Query, use: MetricUse) -> Column:
    return _known(query, _people(query, use))


def _people(query: Query, use: MetricUse) -> str:
    only = " AND ".join(filter(None, ["u.contact_id <> 0", _only(use)]))
    return query.usage(use.scope, key="contact_id").keys_active(use["days"], only)


def _seats_used(query: Query, use: MetricUse) -> Column:
    known = _known(query, _people(query, use))
    seats = seats_pass(query, use).column("sum(r.seats)")
    return Column(f"100.0 * ({known.value}) / nullif({seats}, 0)", known.fresh)


def _active_days(query: Query, use: MetricUse) -> Column:
    return _known(query, active_days(query.usage(use.scope), use["days"], _only(use)))


def _feature_breadth(query: Query, use: MetricUse) -> Column:
    usage = query.usage(use.scope, key="event_type_id")
    return _known(query, usage.keys_active(use["days"], _only(use)))


def _trend(query: Query, use: MetricUse) -> Column:
    days = use["days"]
    usage = query.usage(use.scope)
    recent = usage.column(in_window("sum(u.count)", 1, days, _only(use)), days=days)
    before = usage.column(in_window("sum(u.count)", days + 1, 2 * days, _only(use)), days=2 * days)
    known = _known(query, recent)
    change = f"100.0 * (({known.value}) - {before}) / {before}"
    return Column(f"CASE WHEN {before} >= {use['minimum']} THEN {change} END", known.fresh)


def _days_since_event(query: Query, use: MetricUse) -> Column:
    last = query.last_usage_day()
    if use["events"] or use.scope.as_dict():
        usage = query.usage(use.scope, name="last")
        only = _only(use)
        last = usage.column("max(u.day)" + (f" FILTER (WHERE {only})" if only else ""), days=LOOKBACK_DAYS)
    return Column(f"{AS_OF_DAY} - 1 - {last}", _known(query, "0").fresh)


register(
    Metric(
        "event_count", "Events", "events", FAMILY,
        "How many usage events the account sent in the window.",
        NEVER, _event_count, (window(28), EVENTS), PEOPLE, feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "event_value", "Value of events", "", FAMILY,
        "The sum of the values that events carried in the window, for example the worth of orders.",
        NEVER, _event_value, (window(28), EVENTS), PEOPLE, feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "active_contacts", "Active people", "people", FAMILY,
        "How many different people used the product in the window (7 days: WAU, 28 days: MAU).",
        NEVER, _active_contacts, (window(28), EVENTS), PEOPLE, feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "seats_used", "Share of seats used", "%", FAMILY,
        "People active in the window as a share of the seats of the running subscriptions.",
        "No seats are known, or the account has never sent usage.",
        _seats_used, (window(28), EVENTS), PEOPLE, feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "active_days", "Active days", "days", FAMILY,
        "On how many different days of the window there was any usage.",
        NEVER, _active_days, (window(28), EVENTS), PEOPLE, feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "feature_breadth", "Features used", "features", FAMILY,
        "How many different kinds of event occurred in the window.",
        NEVER, _feature_breadth, (window(28), EVENTS), PEOPLE, feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "usage_trend", "Usage trend", "%", FAMILY,
        "Change of the number of events against the window before.",
        "The window before had fewer events than the baseline needs.",
        _trend,
        (
            Parameter("days", "Window", default=28, unit="days", minimum=1, maximum=LOOKBACK_DAYS // 2),
            Parameter(
                "minimum", "Smallest baseline", default=20, unit="events", minimum=1, maximum=1_000_000,
                help="With fewer events in the window before, a trend says nothing.",
            ),
            EVENTS,
        ),
        PEOPLE, feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "days_since_event", "Days since last event", "days", FAMILY,
        "Whole days since the last usage; 0 on the day itself.",
        f"No such event in the last {LOOKBACK_DAYS} days.",
        _days_since_event, (EVENTS,), PEOPLE, feeds=FEEDS,
    )
)  # fmt: skip
