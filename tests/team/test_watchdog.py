from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from team import work
from team.watchdog import Hearing, Watchdog

DEAF = Hearing(silent_seconds=61, due_seconds=61, is_busy=False, redis_answers=True)


@pytest.mark.parametrize(
    ("change", "is_deaf"),
    [
        ({}, True),
        ({"silent_seconds": 59}, False),
        ({"due_seconds": 59}, False),
        ({"is_busy": True}, False),
        ({"redis_answers": False}, False),
    ],
)
def test_a_worker_is_deaf_when_only_it_can_be_to_blame(change, is_deaf):
    assert replace(DEAF, **change).is_deaf is is_deaf


@pytest.mark.django_db
def test_hearing_reads_the_oldest_due_work_and_redis():
    work.enqueue(kind="team.canary", due_at=datetime.now(UTC) - timedelta(seconds=90))
    watchdog = Watchdog()
    watchdog.note_message()
    hearing = watchdog.hearing()
    assert hearing.redis_answers is True
    assert hearing.is_busy is False
    assert 90 <= hearing.due_seconds < 95
    assert hearing.silent_seconds < 5


@pytest.mark.django_db
def test_hearing_without_redis(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert Watchdog().hearing().redis_answers is False
