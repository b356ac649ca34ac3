"""How long twenty alert rules take over all accounts, over those that changed, and how quickly the inbox answers."""

import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from bench.lists import _milliseconds, _some_ids, fill_book
from bench.scoring import _fill

RULES = 20
CHANGED = 2_000
ROUNDS = 20


def _leaf(field: str, op: str, value: object = None, **params: object) -> dict[str, Any]:
    leaf: dict[str, Any] = {"field": field, "op": op}
    return leaf | ({} if value is None else {"value": value}) | ({"params": params} if params else {})


def rules() -> list[dict[str, Any]]:
    """Return the fields of RULES rules: scores, terms, tickets, answers, people and usage, each with two limits."""
    pairs = [
        (_leaf("health_score", "lt", 20), _leaf("health_score", "gt", 30)),
        (_leaf("health_change", "lte", -15), _leaf("health_change", "gt", -8)),
        (_leaf("health_band", "any_of", ["red"]), _leaf("health_band", "any_of", ["yellow", "green"])),
        (_leaf("days_to_renewal", "between", [0, 20]), None),
        (_leaf("open_tickets", "gt", 3), _leaf("open_tickets", "lt", 2)),
        (_leaf("open_tickets", "gt", 1, priority="urgent"), None),
        (_leaf("survey_score", "lte", 1, kind="nps"), None),
        ({"not": {"contacts": "any", "where": _leaf("role", "any_of", ["champion"])}}, None),
        (_leaf("metric.days_since_event", "gte", 14), _leaf("metric.days_since_event", "lt", 3)),
        (_leaf("metric.seats_used", "gt", 90), _leaf("metric.seats_used", "lt", 80)),
    ]
    return [
        {"name": f"Rule {n}", "kind": "risk" if n % 4 else "opportunity", "enter": enter, "leave": leave}
        for n, (enter, leave) in enumerate(pairs * (RULES // len(pairs)))
    ]


def run(*, accounts: int, rows: int) -> dict[str, float]:
    """Return seconds of whole evaluations and of changed accounts, and milliseconds of the inbox."""
    from django.conf import settings
    from django.test import Client

    from health.models import Alert
    from health.services.alert_evaluation import evaluate_accounts, evaluate_rule
    from health.services.alert_rules import create_rule
    from team.models import User

    now = datetime.now(UTC)
    fill_book(accounts=accounts)
    _fill(accounts, rows, now.date())
    made = [create_rule(fields=fields, now=now) for fields in rules()]
    standing = Alert.objects.filter(state="standing").count()
    times = []
    for day in (1, 2):
        started = time.perf_counter()
        for rule in made:
            evaluate_rule(rule=rule, now=now + timedelta(minutes=day))
        times.append(time.perf_counter() - started)
    ids = _some_ids(CHANGED)
    started = time.perf_counter()
    evaluate_accounts(ids=ids, now=now + timedelta(minutes=3))
    changed = time.perf_counter() - started
    started = time.perf_counter()
    for rule in made:
        evaluate_rule(rule=rule, now=now + timedelta(minutes=4), is_quiet=False)
    flood = time.perf_counter() - started
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE health_alert")
    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client()
    client.force_login(User.objects.get(email="bench1@example.com"))
    mine = [_milliseconds(client.get, "/alerts/") for _ in range(ROUNDS)]
    day_page = [_milliseconds(client.get, "/") for _ in range(ROUNDS)]
    everybody = [_milliseconds(client.get, "/alerts/?book=all") for _ in range(5)]
    return {
        "rules": len(made),
        "rows inside": standing,
        "everybody, s": statistics.mean(times),
        f"{CHANGED:,} changed accounts, s": changed,
        "raise all that stands, s": flood,
        "alerts raised by it": Alert.objects.filter(state="open").count(),
        "my inbox p50 ms": statistics.median(mine),
        "my inbox p95 ms": statistics.quantiles(mine, n=20)[-1],
        "My day p95 ms": statistics.quantiles(day_page, n=20)[-1],
        "inbox of everybody p50 ms": statistics.median(everybody),
    }
