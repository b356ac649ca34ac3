from datetime import UTC, datetime, time, timedelta

import pytest

from team.models import Schedule, Work
from team.schedules import Entry, declare, run_schedule, tick

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
MINUTE = Entry("minute", every_seconds=60)
NIGHT = Entry("night", daily_at=time(2, 30))


def test_next_after_a_daily_time_is_today_or_tomorrow():
    assert NIGHT.next_after(datetime(2026, 6, 15, 2, 29, tzinfo=UTC)) == datetime(2026, 6, 15, 2, 30, tzinfo=UTC)
    assert NIGHT.next_after(datetime(2026, 6, 15, 2, 30, tzinfo=UTC)) == datetime(2026, 6, 16, 2, 30, tzinfo=UTC)


@pytest.mark.django_db
def test_declare_adds_changes_and_drops():
    declare([MINUTE, NIGHT], now=NOW)
    declare([Entry("minute", every_seconds=30)], now=NOW)
    row = Schedule.objects.get()
    assert (row.name, row.every_seconds, row.next_run_at) == ("minute", 30, NOW + timedelta(seconds=30))


@pytest.mark.django_db
def test_declare_again_leaves_the_next_run_alone():
    declare([MINUTE], now=NOW)
    declare([MINUTE], now=NOW + timedelta(seconds=59))
    assert Schedule.objects.get().next_run_at == NOW + timedelta(seconds=60)


@pytest.mark.django_db
def test_tick_makes_missed_runs_once():
    declare([MINUTE], now=NOW)
    later = NOW + timedelta(minutes=10)
    assert tick([MINUTE], now=later) == 1
    assert tick([MINUTE], now=later) == 0
    assert Work.objects.get().kind == "minute"
    assert Schedule.objects.get().next_run_at == later + timedelta(seconds=60)


@pytest.mark.django_db
def test_two_schedulers_make_one_run():
    declare([MINUTE], now=NOW)
    seen_by_both = Schedule.objects.get()
    later = NOW + timedelta(minutes=2)
    assert run_schedule(seen_by_both, MINUTE, now=later) is True
    assert run_schedule(seen_by_both, MINUTE, now=later) is False
    assert Work.objects.count() == 1


@pytest.mark.django_db
def test_a_disabled_schedule_makes_nothing():
    declare([MINUTE], now=NOW)
    Schedule.objects.update(is_enabled=False)
    assert tick([MINUTE], now=NOW + timedelta(hours=1)) == 0
