"""Work that misbehaves, for the processes that the fault tests start."""

import os
import random
import signal
import time

from django.apps import AppConfig
from django.db import connection


class FaultsConfig(AppConfig):
    name = "tests.team.faults"
    label = "faults"

    def ready(self) -> None:
        from team import work

        # What is measured is how soon work goes on, not how long it waits on purpose.
        work.BACKOFF_SECONDS[:] = [1]
        chance = float(os.environ.get("FAULT_DEATH_CHANCE", "0"))
        dice = random.Random()

        def maybe_die() -> None:
            if dice.random() < chance:
                os.kill(os.getpid(), signal.SIGKILL)

        @work.handler("fault.effect", lease_seconds=3, max_attempts=20)
        def effect(payload: work.Payload) -> None:
            """Write one row; die before, or between the effect and its commit."""
            maybe_die()
            time.sleep(dice.uniform(0, payload["seconds"]))
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO fault_effect (n, pid) VALUES (%s, %s)", [payload["n"], os.getpid()])
            maybe_die()

        @work.handler("fault.poison", lease_seconds=1, max_attempts=3)
        def poison(payload: work.Payload) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        @work.handler("fault.slow", lease_seconds=2, max_attempts=10)
        def slow(payload: work.Payload) -> None:
            """Hold the lock of one row long enough to be frozen in the middle."""
            with connection.cursor() as cursor:
                cursor.execute("UPDATE fault_lock SET pid = %s", [os.getpid()])
                cursor.execute("INSERT INTO fault_effect (n, pid) VALUES (%s, %s)", [payload["n"], os.getpid()])
            time.sleep(payload["seconds"])
