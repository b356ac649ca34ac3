"""Subscriptions with dated changes give the revenue movements of dbt's MRR playbook, to the cent."""

import csv
from collections import defaultdict
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from accounts.models import SubscriptionChange
from integrations.imports.mapping import parse_mapping
from integrations.imports.services import plan_import, run_import

FOLDER = Path(__file__).resolve().parents[4] / "shared/data/mrr_movements"
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not FOLDER.exists(), reason=f"the tables are not in {FOLDER}"),
]
MAPPING = """
system: playbook
backfill: true
sections:
  periods:
    files: subscription_periods.csv
    accounts: {id: customer_id}
    subscriptions:
      id: subscription_id
      account: customer_id
      mrr: monthly_amount
      currency: {constant: USD}
      started_on: start_date
      ended_on: end_date
"""


def test_movements_of_imported_subscriptions_are_the_expected_ones():
    mapping = parse_mapping(MAPPING, name="playbook")
    report = run_import(mapping, plan_import(mapping, [FOLDER / "subscription_periods.csv"]))
    assert [outcome.new for outcome in report.sections[0].outcomes] == [55, 121]
    with (FOLDER / "expected_mrr_movements.csv").open() as file:
        expected = {
            date.fromisoformat(row["m"] + "-01"): {k: int(row[k]) for k in row if k not in {"m", "mrr"}}
            for row in csv.DictReader(file)
        }
    months = _months(min(expected), max(expected))
    assert {month: moved for month, moved in _movements(months).items() if any(moved.values())} == expected


def _months(first, last):
    months = [first]
    while months[-1] < last:
        year, month = months[-1].year, months[-1].month
        months.append(date(year + month // 12, month % 12 + 1, 1))
    return months


def _movements(months):
    """Return {month: {kind: amount}}, comparing each account's MRR with that of the month before."""
    before, seen, movements = {}, set(), {}
    for month in months:
        now = _mrr_at(month)
        moved = dict.fromkeys(["churn", "downgrade", "new", "reactivation", "upgrade"], 0)
        for account in before.keys() | now.keys():
            old, new = before.get(account, 0), now.get(account, 0)
            if old == new:
                continue
            if not old:
                kind = "reactivation" if account in seen else "new"
            elif not new:
                kind = "churn"
            else:
                kind = "upgrade" if new > old else "downgrade"
            moved[kind] += new - old
        seen |= now.keys()
        before, movements[month] = now, moved
    return movements


def _mrr_at(day):
    """Return each account's MRR on a day, by what was known then."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    latest = {
        change.subscription_id: change
        for change in SubscriptionChange.objects.filter(occurred_at__lte=at, known_at__lte=at)
        .select_related("subscription")
        .order_by("occurred_at", "id")
    }
    totals = defaultdict(int)
    for change in latest.values():
        if change.ended_on is None or change.ended_on > day:
            totals[change.subscription.account_id] += int(change.mrr)
    return {account: mrr for account, mrr in totals.items() if mrr}
