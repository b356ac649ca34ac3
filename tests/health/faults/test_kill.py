"""Workers die while they process events, at any moment; the roll-ups are what was sent, exactly.

The default run is short; `make test-faults` sends 200,000 events.
"""

import os
import random
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from health.models import HeldEvent, IngestBatch, Source, UsageDay, UsageEvent
from tests.factories import SourceFactory
from tests.health.wire import days, deliver, group, identify, track

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True)]

EVENTS = int(os.environ.get("FAULT_EVENTS", "8000"))
KILLS = int(os.environ.get("FAULT_KILLS", "4"))
BODY_EVENTS = 100
RESENT = 0.1
DRAIN_SECONDS = 600
# A kill comes at most this long after a worker was seen at it: about as long as it takes for so many events.
LATEST_SECONDS = 0.4 if EVENTS > 50_000 else 0.08


def test_roll_ups_are_exact_when_workers_are_killed(live_site):
    dice = random.Random(20261124)
    source = SourceFactory(write_key="wk")
    bodies, expected, value = make_bodies(dice)
    live_site.programs["worker2"] = replace(live_site.programs["worker"], name="worker2")
    live_site.start("worker", "worker2", "scheduler")
    interrupted = 0
    # Some before each kill, so that there is work to interrupt however quick the workers are.
    slices = [bodies[start :: KILLS + 1] for start in range(KILLS + 1)]
    for part in slices[:-1]:
        deliver_all(source, part)
        name = dice.choice(["worker", "worker2"])
        wait_until(lambda: under_way() or not waiting())
        time.sleep(dice.uniform(0, LATEST_SECONDS))
        live_site.kill(name)
        interrupted += waiting() > 0
        live_site.start(name)
    deliver_all(source, slices[-1])
    wait_until(lambda: not waiting(), seconds=DRAIN_SECONDS)
    print(f"{interrupted} of {KILLS} kills came while bodies waited")  # noqa: T201 -- read by people
    assert interrupted > 0
    assert days() == expected
    assert sum(row.value for row in UsageDay.objects.all()) == value
    assert (UsageEvent.objects.count(), HeldEvent.objects.count()) == (sum(expected.values()), 0)
    source = Source.objects.get()
    assert source.accepted_count == EVENTS
    assert source.duplicate_count == IngestBatch.objects.count() * BODY_EVENTS - EVENTS


def make_bodies(dice):
    """Return (bodies, some twice; {(account, user, event, day): count}; the sum of values)."""
    now = timezone.now()
    expected, value = Counter(), 0
    bodies = []
    for _ in range(EVENTS // BODY_EVENTS):
        account = f"a{dice.randrange(80)}"
        user = f"{account}-u{dice.randrange(9)}"
        events = [identify(user, at=now, seats=dice.randrange(3)), group(user, account, at=now - timedelta(days=9))]
        while len(events) < BODY_EVENTS:
            at = now - timedelta(hours=dice.uniform(0, 60))
            worth = dice.randrange(10)
            name = dice.choice("ABCDE")
            events.append(track(user, name, at=at, group=dice.choice([None, account]), value=worth))
            expected[account, user, name, str(at.date())] += 1
            value += worth
        bodies.append(events)
    bodies += [body for body in bodies if dice.random() < RESENT]
    dice.shuffle(bodies)
    return bodies, dict(expected), value


def deliver_all(source, bodies):
    for body in bodies:
        deliver(source, body)


def waiting():
    return IngestBatch.objects.filter(processed_at=None).count()


def under_way():
    """Return whether a worker holds the lock under which usage is written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = %s)", [0x5EED0011])
        return cursor.fetchone()[0]


def wait_until(condition, seconds=120):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"{waiting()} bodies still wait"
        time.sleep(0.02)
