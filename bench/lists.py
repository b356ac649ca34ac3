"""How quickly the accounts list and an account's overview answer, on a generated book of accounts.

Server time: the whole request by Django's test client, without the network. The book is written by
plain SQL: people, activities, tickets, and scores with a snapshot for each of 14 weeks.
"""

import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import connection

ROUNDS = 20
WEEKS = 14
TICKETS_PER_ACCOUNT = 6
ACTIVITIES_PER_ACCOUNT = 10

# Spread by multiplication with odd constants, so that values neither repeat by turns nor need random().
_BOOK = [
    """
    INSERT INTO team_user (email, name, password, access_level, function, time_zone, is_active, created_at)
    SELECT 'bench' || n || '@example.com', 'Bench CSM ' || n, '!', 'contributor', 'csm', 'UTC', true, now()
    FROM generate_series(1, 40) AS n ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO accounts_account (name, domain, customer_since, attributes, stage, tier, csm_id, arr, renews_on,
        created_at, updated_at, row_version, change_xid, change_seq)
    SELECT initcap(substr(md5(n::text), 1, 4 + n %% 5)) || ' ' || (ARRAY['Logistics','Energy','Clinics','Analytics',
            'Furniture','Learning','Bank','Travel','Robotics','Foods'])[1 + n * 7 %% 10] || ' ' || n,
        'c' || n || '.example', current_date - (n * 31 %% 1500)::int,
        jsonb_build_object('plan', (ARRAY['Pro','Team','Basic'])[1 + n %% 3], 'employees', n * 13 %% 5000),
        (ARRAY['onboarding','adoption','mature','renewal','churned'])[1 + n * 3 %% 5],
        (ARRAY['enterprise','growth','starter'])[1 + n * 11 %% 3],
        (SELECT min(id) FROM team_user WHERE email LIKE 'bench%%') + n * 17 %% 40,
        CASE WHEN n %% 50 > 0 THEN (n::bigint * 7919 %% 500000)::numeric END, current_date + (n * 29 %% 400)::int,
        now(), now(), 1, 0, 0
    FROM generate_series(1, %(accounts)s) AS n
    """,
    """
    INSERT INTO accounts_activity (account_id, kind, function, initiative, subject, body, source, occurred_at,
        received_at, known_at, created_at, updated_at, row_version, change_xid, change_seq)
    SELECT a.id, (ARRAY['call','mail','meeting','note'])[1 + (a.id + k) %% 4], 'csm',
        (ARRAY['proactive','reactive',''])[1 + (a.id * 3 + k) %% 3], 'About ' || k, '', '', at, at, at,
        at, at, 1, 0, 0
    FROM accounts_account AS a, generate_series(1, %(activities)s) AS k,
        LATERAL (SELECT now() - interval '1 hour' * (1 + (a.id * 37 + k * 997) %% 9000) AS at) AS t
    """,
    """
    INSERT INTO accounts_ticket (account_id, subject, source, url, status, priority, is_escalated, occurred_at,
        received_at, known_at, created_at, updated_at, row_version, change_xid, change_seq)
    SELECT a.id, 'Ticket ' || k, '', '', CASE WHEN (a.id * 7 + k) %% 10 < 2 THEN 'open' ELSE 'solved' END,
        (ARRAY['low','normal','high','urgent'])[1 + (a.id + k) %% 4], (a.id + k) %% 20 = 0, at, at, at, at, at, 1, 0, 0
    FROM accounts_account AS a, generate_series(1, %(tickets)s) AS k,
        LATERAL (SELECT now() - interval '1 hour' * (1 + (a.id * 41 + k * 1009) %% 9000) AS at) AS t
    """,
    """
    INSERT INTO accounts_contact (name, email, title, phone, time_zone, attributes,
        created_at, updated_at, row_version, change_xid, change_seq)
    SELECT 'Person ' || n, 'p' || n || '@c' || n || '.example',
        (ARRAY['CEO','VP Operations','Engineer','Analyst'])[1 + n %% 4], '', '', '{}', now(), now(), 1, 0, 0
    FROM generate_series(1, %(accounts)s * 2) AS n
    """,
    """
    INSERT INTO accounts_membership (contact_id, account_id, role, occurred_at, received_at, known_at)
    SELECT c.id, a.id, (ARRAY['champion','admin','end_user'])[1 + c.n %% 3], at, at, at
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM accounts_contact) AS c
    JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM accounts_account) AS a ON a.n = (c.n + 1) / 2,
        LATERAL (SELECT now() - interval '300 days' AS at) AS t
    """,
]
# Points go round, so that every band and many changes occur; the arrays are as long as the version's measures.
_SCORES = """
    INSERT INTO health_scoresnapshot (recorded_by, account_id, scorecard_id, version_id, as_of, revision, score, band,
        confidence, is_band_change, value, fresh, points, contribution, hash)
    SELECT now(), a.id, %(scorecard)s, %(version)s, %(as_of)s::date - 7 * week, 1, points,
        CASE WHEN points >= 7000 THEN 3 WHEN points >= 4000 THEN 2 ELSE 1 END, 90, false,
        array_fill(1::real, ARRAY[%(measures)s]), array_fill(0, ARRAY[%(measures)s]),
        array_fill(5000::smallint, ARRAY[%(measures)s]),
        array_fill((a.id * 7 %% 900 - 600)::smallint, ARRAY[%(measures)s]), '\\x'
    FROM accounts_account AS a, generate_series(0, %(weeks)s - 1) AS week,
        LATERAL (SELECT ((a.id * 613 + week * 97) %% 10001)::smallint AS points) AS p
"""
_CURRENT = """
    INSERT INTO health_currentscore (account_id, scorecard_id, version_id, main_of, score, band, confidence,
        previous_score, band_changed_at, as_of, recorded_by, revision, hash, created_at, updated_at, row_version,
        change_xid, change_seq)
    SELECT account_id, scorecard_id, version_id, 'health', score / 100.0, band, confidence, (score + 500) / 110.0,
        now(), as_of, recorded_by, revision, hash, now(), now(), 1, 0, 0
    FROM health_scoresnapshot WHERE as_of = %(as_of)s
"""
_TABLES = [
    "team_user",
    "accounts_account",
    "accounts_activity",
    "accounts_lastactivity",
    "accounts_ticket",
    "accounts_contact",
    "accounts_membership",
    "health_currentscore",
    "health_scoresnapshot",
]


def _leaf(field: str, op: str, value: object = None) -> dict[str, Any]:
    return {"field": field, "op": op} | ({} if value is None else {"value": value})


FILTERS: dict[str, dict[str, Any]] = {
    "stage and ARR": {"all": [_leaf("stage", "any_of", ["onboarding", "adoption"]), _leaf("arr", "gt", 100_000)]},
    "renews in 90 days": _leaf("renews_on", "in_next", 90),
    "band at risk": _leaf("health_band", "any_of", ["red"]),
    "no activity for 30 days": _leaf("last_activity", "more_than_ago", 30),
    "open tickets": _leaf("open_tickets", "gt", 1),
    "a champion": {"contacts": "any", "where": _leaf("role", "any_of", ["champion"])},
}


def run(*, accounts: int) -> dict[str, float]:
    """Return p50 and p95 in milliseconds of the list in its usual forms, and of the overview."""
    from django.conf import settings
    from django.test import Client

    from team.models import User

    settings.ALLOWED_HOSTS = ["testserver"]
    # The names of built assets are looked up in memory, so it makes no difference whether they are built.
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    fill_book(accounts=accounts)
    client = Client()
    client.force_login(User.objects.create(email="bench@example.com", access_level="editor"))
    pages = {"first page": "/accounts/", "search": "/accounts/?q=clin"}
    pages |= {f"by {sort}": f"/accounts/?sort={sort}" for sort in ("-arr", "score", "-activity")}
    pages |= {name: f"/accounts/?{urlencode({'filter': json.dumps(tree)})}" for name, tree in FILTERS.items()}
    figures: dict[str, float] = {}
    everything: list[float] = []
    for name, url in pages.items():
        times = [_milliseconds(client.get, url) for _ in range(ROUNDS)]
        figures[f"list, {name}: p50 ms"] = statistics.median(times)
        everything += times
    figures["list p95 ms"] = _p95(everything)
    client.force_login(User.objects.get(email="bench1@example.com"))
    figures["list, a contributor's view: p50 ms"] = statistics.median(
        _milliseconds(client.get, "/accounts/") for _ in range(ROUNDS)
    )
    ids = _some_ids(ROUNDS * 2)
    figures["360 p95 ms"] = _p95([_milliseconds(client.get, f"/accounts/{pk}/") for pk in ids])
    return figures


def fill_book(*, accounts: int) -> None:
    """Add a generated book by plain SQL and gather statistics. Meant for an empty database."""
    from health.models import Scorecard
    from health.services import ensure_starter_scorecards
    from health.services.scores import SCORE_SNAPSHOT
    from health.usage.partitions import ensure_coming_partitions, ensure_partitions

    now = datetime.now(UTC)
    as_of = now.date() + timedelta(days=1)
    ensure_coming_partitions(now)
    ensure_starter_scorecards(now=now)
    version = Scorecard.objects.select_related("version").get(kind="health").version
    assert version is not None
    ensure_partitions(SCORE_SNAPSHOT, [as_of - timedelta(weeks=week) for week in range(WEEKS)])
    params: dict[str, Any] = {
        "accounts": accounts,
        "tickets": TICKETS_PER_ACCOUNT,
        "activities": ACTIVITIES_PER_ACCOUNT,
        "weeks": WEEKS,
        "as_of": as_of,
        "scorecard": version.scorecard_id,
        "version": version.pk,
        "measures": len(version.card().inputs),
    }
    with connection.cursor() as cursor:
        for statement in [*_BOOK, _SCORES, _CURRENT]:
            cursor.execute(statement, params)
        for table in _TABLES:
            cursor.execute(f"VACUUM ANALYZE {table}")


def _milliseconds(get: Callable[[str], Any], url: str) -> float:
    started = time.perf_counter()
    response = get(url)
    took = (time.perf_counter() - started) * 1000
    assert response.status_code == 200, f"{url} answered {response.status_code}"
    return took


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def _some_ids(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM accounts_account ORDER BY md5(id::text) LIMIT %s", [count])
        return [pk for (pk,) in cursor.fetchall()]
