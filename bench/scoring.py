"""How long a full rescore with 25 measures takes, and its aggregates beside DuckDB's over the same rows.

The book is that of bench/lists.py with subscriptions, feedback and a year of daily roll-ups for 5
event types, written by SQL; that roll-ups equal a recount of ingested events is proved by the tests
of ingest. DuckDB reads the roll-ups from Parquet and must find the same sums.
"""

import resource
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection

EVENT_TYPES = 5
DAYS = 365

_USAGE = """
    INSERT INTO health_usageday (account_id, day, event_type_id, contact_id, recorded_on, is_backfill, count, value)
    SELECT a.id, d.day, t.id, c.first + (a.id * 5 + t.id * 3 + n) %% 2, d.day, false,
        1 + (a.id * 7 + n * 13) %% 9, (a.id + n) %% 50
    FROM generate_series(0, %(days)s - 1) AS n,
        LATERAL (SELECT %(today)s::date - n AS day) AS d, accounts_account AS a
        JOIN (SELECT account_id, min(contact_id)::int AS first FROM accounts_membership GROUP BY 1) AS c
            ON c.account_id = a.id
        CROSS JOIN health_eventtype AS t
    WHERE (a.id * 11 + n * 7 + t.id * 3) %% %(spread)s < 100
    ORDER BY d.day, a.id, t.id ON CONFLICT DO NOTHING
"""
_MORE = [
    """
    INSERT INTO accounts_subscription (account_id, plan, mrr, currency, seats, renews_on, notice_on, started_on,
        created_at, updated_at, row_version, change_xid, change_seq)
    SELECT id, 'Pro', 100 + id %% 900, 'USD', 2 + id %% 40, current_date + (id * 29 %% 400)::int,
        current_date + (id * 29 %% 400)::int - 30, current_date - 400, now(), now(), 1, 0, 0 FROM accounts_account
    """,
    """
    INSERT INTO accounts_subscriptionchange (subscription_id, plan, mrr, currency, seats, renews_on, notice_on,
        occurred_at, received_at, known_at)
    SELECT id, plan, mrr, currency, seats, renews_on, notice_on, at, at, at FROM accounts_subscription,
        LATERAL (SELECT now() - interval '400 days' AS at) AS t
    """,
    """
    INSERT INTO accounts_ticketchange (ticket_id, status, priority, is_escalated, is_first_response, occurred_at,
        received_at, known_at)
    SELECT t.id, CASE WHEN k = 2 THEN t.status ELSE 'open' END, t.priority, t.is_escalated, k = 1, at, at, at
    FROM accounts_ticket AS t, generate_series(0, 2) AS k,
        LATERAL (SELECT t.occurred_at + interval '3 hours' * k AS at) AS c
    """,
    """
    INSERT INTO accounts_surveyresponse (account_id, kind, score, comment, source, occurred_at, received_at, known_at,
        created_at, updated_at, row_version, change_xid, change_seq)
    SELECT a.id, k.kind, 1 + (a.id * 3) %% k.high, '', '', at, at, at, at, at, 1, 0, 0 FROM accounts_account AS a,
        (VALUES ('nps', 10), ('csat', 5), ('ces', 7)) AS k (kind, high),
        LATERAL (SELECT now() - interval '1 day' * (a.id %% 170) AS at) AS t
    """,
    """
    INSERT INTO accounts_sentiment (account_id, level, note, occurred_at, received_at, known_at)
    SELECT a.id, 1 + a.id %% 5, '', at, at, at FROM accounts_account AS a,
        LATERAL (SELECT now() - interval '1 day' * (a.id %% 100) AS at) AS t
    """,
]
_ANALYZE = [
    "health_usageday",
    "accounts_subscription",
    "accounts_subscriptionchange",
    "accounts_ticketchange",
    "accounts_surveyresponse",
    "accounts_sentiment",
]

# (metric, parameters): 25 measures over every relation.
MEASURES: list[tuple[str, dict[str, Any]]] = [
    *[("event_count", {"days": days}) for days in (7, 28, 90)],
    ("event_count", {"days": 28, "events": ["event 1"]}),
    *[("active_contacts", {"days": days}) for days in (7, 28)],
    *[("active_days", {"days": days}) for days in (28, 90)],
    ("seats_used", {"days": 28}),
    ("feature_breadth", {"days": 28}),
    ("usage_trend", {"days": 28}),
    ("days_since_event", {}),
    ("open_tickets", {}),
    ("escalated_tickets", {}),
    ("first_response_hours", {}),
    ("resolution_hours", {}),
    ("reopened_tickets", {}),
    ("csat", {}),
    ("nps", {}),
    ("ces", {}),
    ("csm_sentiment", {}),
    ("days_to_renewal", {}),
    ("mrr", {}),
    ("days_since_activity", {}),
    ("contacts", {}),
]

# What the usage metrics above come to, as well as we know how to ask DuckDB.
_DUCK = """
    WITH rows AS (SELECT * FROM read_parquet('{file}') WHERE day < DATE '{as_of}'),
    sums AS (SELECT account_id, max(day) AS last,
        sum(count) FILTER (day >= DATE '{as_of}' - 7) AS e7, sum(count) FILTER (day >= DATE '{as_of}' - 28) AS e28,
        sum(count) FILTER (day >= DATE '{as_of}' - 90) AS e90,
        sum(count) FILTER (day >= DATE '{as_of}' - 28 AND event_type_id = {one}) AS one28,
        sum(count) FILTER (day >= DATE '{as_of}' - 56 AND day < DATE '{as_of}' - 28) AS before,
        bit_or(CASE WHEN day >= DATE '{as_of}' - 28 THEN 1::BIGINT << (DATE '{as_of}' - day - 1)::INT ELSE 0 END) AS d28
        FROM rows GROUP BY account_id),
    long AS (SELECT account_id, bit_or(1::HUGEINT << (DATE '{as_of}' - day - 1)::INT) AS d90 FROM rows
        WHERE day >= DATE '{as_of}' - 90 GROUP BY account_id),
    people AS (SELECT account_id, count(*) FILTER (last >= DATE '{as_of}' - 7) AS p7, count(*) AS p28 FROM (
        SELECT account_id, contact_id, max(day) AS last FROM rows WHERE day >= DATE '{as_of}' - 28 AND contact_id <> 0
        GROUP BY ALL) GROUP BY account_id),
    types AS (SELECT account_id, count(*) AS types FROM (SELECT DISTINCT account_id, event_type_id FROM rows
        WHERE day >= DATE '{as_of}' - 28) GROUP BY account_id)
    SELECT account_id, e7, e28, e90, one28, coalesce(p7, 0), coalesce(p28, 0), bit_count(d28), bit_count(d90),
        coalesce(types, 0), last FROM sums LEFT JOIN long USING (account_id) LEFT JOIN people USING (account_id)
        LEFT JOIN types USING (account_id) ORDER BY account_id
"""


def run(*, accounts: int, rows: int) -> dict[str, float]:
    """Return seconds, accounts per second, memory, and the ratio of the usage aggregates to DuckDB's."""
    from bench.lists import fill_book
    from health.metrics.query import EVERYBODY
    from health.metrics.registry import clean_use
    from health.metrics.values import read_values
    from health.models import Scorecard
    from health.services import create_scorecard, score_accounts

    now = datetime.now(UTC)
    fill_book(accounts=accounts)
    total = _fill(accounts, rows, now.date())
    Scorecard.objects.update(is_live=False)
    card = create_scorecard(name="Bench", config=_config(), now=now)
    figures: dict[str, float] = {"daily rows": total, "measures": len(MEASURES)}
    for name in ("first score of everybody, s", "rescore, s"):
        now = datetime.now(UTC) + (timedelta(days=1) if name.startswith("rescore") else timedelta())
        started = time.perf_counter()
        report = score_accounts(scorecard=card, now=now)
        figures[name] = time.perf_counter() - started
        assert report.written == accounts, report
    figures["accounts/s"] = accounts / figures["rescore, s"]
    figures["peak memory, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures["a night's run of 3 scorecards, s"] = _night(card, accounts)
    uses = [clean_use({"metric": metric, "params": params}) for metric, params in MEASURES]
    as_of = datetime.combine(datetime.now(UTC).date() + timedelta(days=1), datetime.min.time(), UTC)
    moment = {"as_of": as_of, "recorded_by": datetime.now(UTC), "live": True}
    figures["all values, s"] = _best(lambda: read_values(uses, EVERYBODY, **moment))
    usage = [use for use in uses[:12] if use.metric not in {"seats_used", "usage_trend"}]
    values = read_values(usage, EVERYBODY, **moment)
    figures["usage aggregates, s"] = _best(lambda: read_values(usage, EVERYBODY, **moment))
    figures["DuckDB, the same from Parquet, s"] = _duck(as_of.date(), values)
    figures["ratio"] = figures["usage aggregates, s"] / figures["DuckDB, the same from Parquet, s"]
    return figures


def _night(card: Any, accounts: int) -> float:
    """Return the seconds it takes to score everybody by three scorecards, chunk by chunk, one after the other."""
    from health.services import create_scorecard, score_accounts
    from health.services.scores import account_chunks

    tomorrow = datetime.now(UTC) + timedelta(days=1)
    cards = [card] + [create_scorecard(name=f"Bench {n}", config=_config(), now=tomorrow) for n in (2, 3)]
    for other in cards[1:]:
        score_accounts(scorecard=other, now=tomorrow)
    started = time.perf_counter()
    written = 0
    for chunk in account_chunks():
        for each in cards:
            written += score_accounts(scorecard=each, now=tomorrow + timedelta(days=1), accounts=chunk).written
    assert written == 3 * accounts, written
    return time.perf_counter() - started


def _fill(accounts: int, rows: int, today: date) -> int:
    from health.models import EventType
    from health.usage.partitions import USAGE_DAY, ensure_partitions

    EventType.objects.bulk_create(EventType(name=f"event {n}") for n in range(EVENT_TYPES))
    ensure_partitions(USAGE_DAY, [today - timedelta(days=n) for n in range(DAYS)])
    spread = max(100, round(100 * accounts * DAYS * EVENT_TYPES / rows))
    with connection.cursor() as cursor:
        cursor.execute(_USAGE, {"days": DAYS, "today": today, "spread": spread})
        total = cursor.rowcount
        for statement in _MORE:
            cursor.execute(statement, {})
        for table in _ANALYZE:
            cursor.execute(f"VACUUM ANALYZE {table}")
    return int(total)


def _config() -> dict[str, Any]:
    children = [
        {"key": f"m{n}", "label": f"{metric} {n}", "metric": metric, "params": params, "curve": [[0, 0], [100, 100]]}
        for n, (metric, params) in enumerate(MEASURES)
    ]
    return {"children": [{"key": f"g{n}", "label": f"Group {n}", "children": children[n::5]} for n in range(5)]}


def _duck(as_of: date, values: Any) -> float:
    """Return DuckDB's seconds, after its numbers were found equal to ours."""
    import duckdb
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        file, text = Path(folder) / "usage.parquet", Path(folder) / "usage.csv"
        with connection.cursor() as cursor, text.open("wb") as stream:
            cursor.copy_expert(
                "COPY (SELECT account_id, contact_id, event_type_id, day, count FROM health_usageday)"
                " TO STDOUT CSV HEADER",
                stream,
            )
            cursor.execute("SELECT id FROM health_eventtype WHERE name = 'event 1'")
            (one,) = cursor.fetchone()
        duck = duckdb.connect()
        duck.execute("SET threads = 2")
        duck.execute(f"COPY (SELECT * FROM read_csv('{text}')) TO '{file}' (FORMAT parquet)")
        sql = _DUCK.format(file=file, as_of=as_of, one=one)
        theirs = {row[0]: row[1:-1] for row in duck.execute(sql).fetchall()}
        ours = {int(pk): row for pk, row in zip(values.account_ids, values.value, strict=True)}
        for pk, row in theirs.items():
            assert np.array_equal([0 if v is None else float(v) for v in row], ours[pk][: len(row)]), (
                pk,
                row,
                ours[pk],
            )
        return _best(lambda: duck.execute(sql).fetchnumpy())


def _best(function: Any, times: int = 3) -> float:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        function()
        taken.append(time.perf_counter() - started)
    return min(taken)
