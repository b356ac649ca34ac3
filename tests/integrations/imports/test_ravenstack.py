"""The mapping `ravenstack` on the real tables, where they are there."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection

from accounts.models import Account, AttributeValue, SurveyResponse, Ticket
from health.models import UsageDay
from integrations.imports.mapping import load_mapping
from integrations.imports.services import plan_import, run_import

FOLDER = Path(__file__).resolve().parents[4] / "shared/data/ravenstack"
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not FOLDER.exists(), reason=f"the tables are not in {FOLDER}"),
]

# What ran on the first of a month, by what was known then.
RUNNING = """
    SELECT count(*), count(DISTINCT s.account_id), sum(c.mrr) FROM accounts_subscription s
    CROSS JOIN LATERAL (
        SELECT * FROM accounts_subscriptionchange WHERE subscription_id = s.id
        AND occurred_at <= %(at)s AND known_at <= %(at)s ORDER BY occurred_at DESC, id DESC LIMIT 1
    ) c WHERE c.ended_on IS NULL OR c.ended_on > %(at)s::date
"""


def test_tables_are_imported_and_their_dirt_is_reported():
    mapping = load_mapping("ravenstack")
    paths = sorted(FOLDER.glob("ravenstack_*.csv"))
    report = run_import(mapping, plan_import(mapping, paths))
    assert {
        (section.name, outcome.target): (outcome.new, outcome.repeated, outcome.failed)
        for section in report.sections
        for outcome in section.outcomes
    } == {
        ("accounts", "accounts"): (500, 0, 0),
        ("subscriptions", "subscriptions"): (5_000, 0, 0),
        ("usage", "events"): (24_979, 0, 21),
        ("tickets", "tickets"): (2_000, 0, 0),
        ("tickets", "surveys"): (1_175, 0, 0),
        ("churn", "accounts"): (599, 1, 0),
        ("churn", "activities"): (600, 0, 0),
    }
    assert report.errors == {"duplicate_id": 21}
    assert set(report.notices) == {"before_start"}
    early = report.notices["before_start"]
    # 76.6 % of usage and 53.9 % of tickets lie before their beginning; some churn reports too.
    assert early > 0.76 * 24_979 + 0.53 * 2_000
    assert UsageDay.objects.filter(is_backfill=False).count() == 0
    assert Ticket.objects.filter(is_escalated=True).count() == 95
    assert SurveyResponse.objects.filter(kind="csat").count() == 1_175
    _check_months()
    _check_label()
    again = run_import(mapping, plan_import(mapping, paths))
    assert sum(outcome.new + outcome.changed for section in again.sections for outcome in section.outcomes) == 0


def _check_months():
    """Active subscriptions, accounts and MRR of each month are those of the reference."""
    with (FOLDER / "expected_monthly.csv").open() as file, connection.cursor() as cursor:
        for month in csv.DictReader(file):
            at = datetime.fromisoformat(month["month"]).replace(tzinfo=UTC)
            cursor.execute(RUNNING, {"at": at})
            expected = (int(month["active_subs"]), int(month["active_accounts"]), int(month["mrr"]))
            assert cursor.fetchone() == expected, month["month"]


def _check_label():
    """The label of the whole history is not known before its end."""
    assert Account.objects.filter(attributes__churn_flag=True).count() == 110
    values = AttributeValue.objects.filter(definition__key="churn_flag")
    assert set(values.values_list("known_at", flat=True)) == {datetime(2024, 12, 31, tzinfo=UTC)}
