"""Work survives what machines do. The default run is short; `make test-faults` repeats it with many seeds."""

import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress

import pytest
from celery import current_app
from django.db import connection

from team import work
from team.models import Work

pytestmark = pytest.mark.live

SEEDS = range(int(os.environ.get("FAULT_SEEDS", "1")))
ROWS = int(os.environ.get("FAULT_ROWS", "80"))
POISON = 3
RECOVERY_SECONDS = 90  # a limit for crowded machines; the time itself is printed


def effects():
    with connection.cursor() as cursor:
        cursor.execute("SELECT n FROM fault_effect")
        return Counter(n for (n,) in cursor.fetchall())


def states(kind):
    return Counter(Work.objects.filter(kind=kind).values_list("state", flat=True))


def kill_all_of_a_worker(crew, dice):
    name = dice.choice(["worker", "worker2"])
    crew.site.kill(name)
    crew.site.start(name)


def kill_the_parent_of_a_worker(crew, dice):
    name = dice.choice(["worker", "worker2"])
    process = crew.site.processes.pop(name)
    process.kill()
    process.wait()
    time.sleep(dice.uniform(0, 0.5))
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # its children, as the supervisor does
    crew.site.start(name)


def kill_a_scheduler(crew, dice):
    name = dice.choice(["scheduler", "scheduler2"])
    crew.site.kill(name)
    crew.site.start(name)


def restart_redis_empty(crew, dice):
    crew.redis.kill()
    time.sleep(dice.uniform(0, 2))
    crew.redis.start()


def flush_redis(crew, dice):
    crew.redis.run("FLUSHALL")


def end_all_database_connections(crew, dice):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def wake_three_times(crew, dice):
    with current_app.connection_for_write(crew.redis.url) as broker:
        for _ in range(3):
            current_app.send_task("team.run_due_work", connection=broker, ignore_result=True)


FAULTS = [
    kill_all_of_a_worker,
    kill_the_parent_of_a_worker,
    kill_a_scheduler,
    restart_redis_empty,
    flush_redis,
    end_all_database_connections,
    wake_three_times,
]


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_or_done_twice(crew, seed):
    """Two workers and two schedulers under every fault in random order, their children dying by chance."""
    dice = random.Random(seed)
    crew.site.environment["FAULT_DEATH_CHANCE"] = "0.02"
    for n in range(ROWS):
        work.enqueue(kind="fault.effect", payload={"n": n, "seconds": 0.1}, priority=dice.randint(0, 3))
    for _ in range(POISON):
        work.enqueue(kind="fault.poison", priority=1)
    crew.site.start("worker", "worker2", "scheduler", "scheduler2")
    crew.wait_for(effects, seconds=30, what="first effect")
    for fault in dice.sample(FAULTS, len(FAULTS)):
        fault(crew, dice)
        time.sleep(dice.uniform(0.2, 1))
    ended_at = time.monotonic()
    settled = {"done": ROWS}
    crew.wait_for(lambda: states("fault.effect") == settled, seconds=RECOVERY_SECONDS, what="end of the work")
    print(f"seed {seed}: done {time.monotonic() - ended_at:.1f} s after the last fault")  # noqa: T201
    assert effects() == dict.fromkeys(range(ROWS), 1)
    crew.wait_for(lambda: states("fault.poison") == {"dead": POISON}, seconds=RECOVERY_SECONDS, what="end of poison")
    assert set(Work.objects.filter(kind="fault.poison").values_list("attempts", flat=True)) == {3}


def test_whoever_is_frozen_past_the_lease_writes_nothing_back(crew):
    """A stopped process keeps its connection and locks; the others must get past both."""
    work.enqueue(kind="fault.slow", payload={"n": 1, "seconds": 1})
    crew.site.start("worker", "scheduler")
    crew.wait_for(lambda: states("fault.slow")["running"], seconds=30, what="claim")
    time.sleep(0.3)
    crew.freeze("worker")
    try:
        crew.site.start("worker2")
        crew.wait_for(lambda: states("fault.slow")["done"], seconds=RECOVERY_SECONDS, what="second claim")
    finally:
        crew.thaw("worker")
    crew.wait_for(lambda: "failed (attempt 1)" in crew.site.log("worker"), seconds=15, what="notice in the log")
    row = Work.objects.get(kind="fault.slow")
    assert (row.state, row.attempts) == ("done", 2)
    assert effects() == {1: 1}


def test_work_enqueued_without_redis_is_done_when_it_is_back(crew):
    crew.redis.kill()
    crew.site.start("worker", "scheduler")
    for n in range(5):
        work.enqueue(kind="fault.effect", payload={"n": n, "seconds": 0})
    time.sleep(3)
    assert effects() == {}
    crew.redis.start()
    crew.wait_for(lambda: len(effects()) == 5, seconds=RECOVERY_SECONDS, what="work")
    assert effects() == dict.fromkeys(range(5), 1)
