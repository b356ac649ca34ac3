"""How long it takes from an accepted event to a new score, while other events keep coming.

Real web, worker and scheduler processes on the benchmark's own database. Probes are accounts nobody
has heard of: the first event of each is sent at a known moment, and the moment its first score is
committed is read from the database.
"""

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

from bench.ingest import BATCH, WRITE_KEY, bodies, load, prepare, web_server

PROBES = 40
PROBE_EVERY_SECONDS = 0.75
LOAD_EVENTS_PER_SECOND = 2_000
PATIENCE_SECONDS = 90


def run(*, accounts: int) -> dict[str, float]:
    """Return seconds from acceptance to score: p50, p95 and the longest; and the load meanwhile."""
    from health.services import ensure_starter_scorecards

    ensure_starter_scorecards(now=datetime.now(UTC))
    prepare(accounts)
    with ExitStack() as stack:
        port = stack.enter_context(web_server())
        stack.enter_context(_background())
        stop = threading.Event()
        noise = threading.Thread(target=_make_noise, args=(port, accounts, stop))
        noise.start()
        sent: dict[str, float] = {}
        waits: dict[str, float] = {}
        watcher = threading.Thread(target=_watch, args=(sent, waits, stop))
        watcher.start()
        for number in range(PROBES):
            name = f"probe-{number}"
            load(port, [_probe(name)], connections=1)
            sent[name] = time.monotonic()
            time.sleep(PROBE_EVERY_SECONDS)
        until = time.monotonic() + PATIENCE_SECONDS
        while len(waits) < PROBES and time.monotonic() < until:
            time.sleep(0.5)
        stop.set()
        noise.join()
        watcher.join()
    missing = PROBES - len(waits)
    seconds = sorted(waits.values()) + [float(PATIENCE_SECONDS)] * missing
    return {
        "p50 s": seconds[PROBES // 2],
        "p95 s": seconds[int(PROBES * 0.95) - 1],
        "longest s": seconds[-1],
        "probes without score": missing,
        "load events/s": LOAD_EVENTS_PER_SECOND,
    }


def _probe(account: str) -> bytes:
    context = {"groupId": account}
    event = {
        "type": "track",
        "event": "Report viewed",
        "userId": f"user-of-{account}",
        "context": context,
        "messageId": str(uuid.uuid4()),
        "timestamp": datetime.now(UTC).isoformat(),
    }
    return json.dumps({"batch": [event], "sentAt": datetime.now(UTC).isoformat(), "writeKey": WRITE_KEY}).encode()


def _make_noise(port: int, accounts: int, stop: threading.Event) -> None:
    """Send events of the book at a steady rate."""
    seed = 1000
    while not stop.is_set():
        started = time.monotonic()
        load(port, list(bodies(LOAD_EVENTS_PER_SECOND // BATCH, accounts, seed=seed)), connections=2)
        seed += 1
        stop.wait(max(0.0, 1 - (time.monotonic() - started)))


def _watch(sent: dict[str, float], waits: dict[str, float], stop: threading.Event) -> None:
    """Note for each probe how long it took until its first score could be read."""
    from django.db import connection

    while not stop.wait(0.2):
        waiting = sorted(sent.keys() - waits.keys())
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT e.value FROM accounts_externalid AS e"
                " JOIN health_currentscore AS s ON s.account_id = e.object_id"
                " WHERE e.entity = 'account' AND e.value = ANY(%s)",
                [waiting],
            )
            seen = time.monotonic()
            waits.update({name: seen - sent[name] for (name,) in cursor.fetchall()})
    connection.close()


@contextmanager
def _background() -> Iterator[None]:
    """Run a worker and a scheduler as `make run` does."""
    from cs_platform.management.commands.run import programs

    commands = {program.name: program for program in programs() if program.name != "web"}
    processes = [
        subprocess.Popen(
            program.command,
            env={**os.environ, **program.environment, "LOG_LEVEL": "ERROR"},
            stdout=subprocess.DEVNULL,
            stderr=sys.stderr,
        )
        for program in commands.values()
    ]
    time.sleep(5)
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
