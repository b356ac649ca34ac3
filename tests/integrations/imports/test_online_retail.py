"""The mapping `online_retail`: on lines with the same quirks, and on the real file where it is there."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.db.models import Min, Sum

from accounts.models import Account
from health.metrics.query import EVERYBODY
from health.metrics.registry import clean_use
from health.metrics.values import read_values
from health.models import EventType, UsageDay, UsageEvent
from health.usage.moment import reading_moment
from integrations.imports.mapping import load_mapping
from integrations.imports.services import plan_import, run_import

EXCERPT = Path(__file__).parent.parent / "data" / "orders_excerpt.csv"
REAL = Path(__file__).resolve().parents[4] / "shared/data/online_retail/online_retail.csv.gz"
PLACED, RETURNED = "Order placed", "Order returned"
pytestmark = pytest.mark.django_db


def load(path, tmp_path):
    # The mapping knows its files by their name.
    link = tmp_path / f"online_retail{''.join(path.suffixes)}"
    if not link.exists():
        link.write_bytes(path.read_bytes())
    mapping = load_mapping("online_retail")
    return run_import(mapping, plan_import(mapping, [link]))


def counts(report):
    """Return {event name or target: (new, unchanged)}."""
    return {
        next(iter(outcome.counts), outcome.target): (outcome.new, outcome.unchanged)
        for outcome in report.sections[0].outcomes
    }


def orders():
    """Return {event name: (events, sum of values)} as the platform has them."""
    names = dict(EventType.objects.values_list("pk", "name"))
    rows = UsageDay.objects.values("event_type_id").annotate(events=Sum("count"), total=Sum("value"))
    return {names[row["event_type_id"]]: (row["events"], round(row["total"], 2)) for row in rows}


def values_at(as_of, *metrics):
    """Return {account name: values} of metrics as of a time, by all that is recorded now."""
    uses = [clean_use(metric) for metric in metrics]
    with reading_moment() as recorded_by:
        values = read_values(uses, EVERYBODY, as_of=as_of, recorded_by=recorded_by, live=True)
    names = dict(Account.objects.values_list("pk", "name"))
    return {names[pk]: list(row) for pk, row in zip(values.account_ids, values.value, strict=True)}


def test_excerpt_becomes_orders_and_returns(tmp_path):
    report = load(EXCERPT, tmp_path)
    assert report.sections[0].skipped == {"no customer": 3}
    assert counts(report) == {"accounts": (3, 0), PLACED: (5, 0), RETURNED: (2, 0)}
    assert report.errors == report.notices == {}
    assert orders() == {PLACED: (5, 130.76), RETURNED: (2, pytest.approx(-10.425, abs=0.006))}
    names = dict(Account.objects.values_list("pk", "name"))
    assert sorted(
        (names[event.account_id], event.occurred_at, round(event.value, 3), event.properties["lines"])
        for event in UsageEvent.objects.all()
    ) == [
        # 8:26 in London is 8:26 UTC in March, and 8:00 is 7:00 in September.
        ("Customer 20001", datetime(2011, 3, 1, 8, 26, tzinfo=UTC), 59.3, 3),
        ("Customer 20001", datetime(2011, 3, 1, 9, 59, tzinfo=UTC), 26.05, 2),
        ("Customer 20001", datetime(2011, 3, 2, 9, 41, tzinfo=UTC), -6.225, 2),
        ("Customer 20002", datetime(2011, 3, 1, 9, 2, tzinfo=UTC), 24.21, 2),
        ("Customer 20003", datetime(2011, 9, 5, 7, 0, tzinfo=UTC), 17.0, 1),
        ("Customer 20003", datetime(2011, 10, 30, 0, 30, tzinfo=UTC), 4.2, 1),
        ("Customer 20003", datetime(2011, 11, 1, 16, 5, tzinfo=UTC), -4.2, 1),
    ]
    account = Account.objects.get(name="Customer 20003")
    assert (str(account.customer_since), account.attributes) == ("2011-09-05", {"country": "Spain"})


def test_excerpt_twice_changes_nothing(tmp_path):
    load(EXCERPT, tmp_path)
    before = orders()
    report = load(EXCERPT, tmp_path)
    assert counts(report) == {"accounts": (0, 3), PLACED: (0, 5), RETURNED: (0, 2)}
    assert orders() == before


def test_metrics_as_of_a_day_see_what_was_known_then(tmp_path):
    load(EXCERPT, tmp_path)
    metrics = [
        {"metric": "event_count", "params": {"days": 365}},
        {"metric": "event_value", "params": {"days": 365, "events": [PLACED]}},
    ]
    before = values_at(datetime(2011, 9, 1, tzinfo=UTC), *metrics)
    assert before["Customer 20001"] == pytest.approx([3, 85.35])
    assert before["Customer 20003"] == pytest.approx([float("nan")] * 2, nan_ok=True)
    after = values_at(datetime(2011, 12, 1, tzinfo=UTC), *metrics)
    assert after["Customer 20003"] == pytest.approx([3, 21.2])


@pytest.mark.skipif(not REAL.exists(), reason=f"the real file is not at {REAL}")
def test_real_file_gives_the_known_figures_twice(tmp_path):
    first, second = load(REAL, tmp_path), load(REAL, tmp_path)
    for report in (first, second):
        assert report.sections[0].rows == 541_909
        assert report.sections[0].skipped == {"no customer": 135_080}
        assert report.errors == report.notices == {}
        assert sum(sum(o.sums.values(), Decimal(0)) for o in report.sections[0].outcomes).quantize(
            Decimal("0.01")
        ) == Decimal("8300065.81")
    assert counts(first) == {"accounts": (4_372, 0), PLACED: (18_536, 0), RETURNED: (3_654, 0)}
    assert counts(second) == {"accounts": (0, 4_372), PLACED: (0, 18_536), RETURNED: (0, 3_654)}
    assert orders() == {PLACED: (18_536, 8_911_407.9), RETURNED: (3_654, -611_342.09)}
    assert Account.objects.count() == 4_372
    assert UsageEvent.objects.aggregate(first=Min("occurred_at"))["first"] == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)
    # Orders until the end of August 2011, counted from the file itself.
    values = values_at(datetime(2011, 9, 1, tzinfo=UTC), {"metric": "event_count", "params": {"days": 365}})
    known = [row[0] for row in values.values() if row[0] == row[0]]
    assert (len(known), sum(known)) == (3_360, 13_842)
