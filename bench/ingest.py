"""How fast events are accepted, and how fast they become committed roll-ups.

`python -m bench.ingest --events 200000 --accounts 10000` makes a database of its own on the server
that DATABASE_URL names (or the embedded one), starts gunicorn on it, and deletes it again.
"""

import argparse
import base64
import io
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

BATCH = 100
CONNECTIONS = 8
WARM_UP_REQUESTS = 50
CONTACTS_PER_ACCOUNT = 5
SESSION_EVENTS = 5
EVENTS = ["Page viewed", "Report viewed", "Export", "Invite sent", "Settings changed"]
WEIGHTS = [50, 20, 15, 10, 5]
MARK = b"@@@@@@@@"
WRITE_KEY = "bench-write-key"


WORKER = """
import django
django.setup()
from health.usage.processor import process_backlog, has_backlog
has_backlog()
print("ready", flush=True)
input()
while process_backlog(linger=0):
    pass
"""


@dataclass
class Accepted:
    """What the load client saw. Latencies in seconds, of requests of BATCH events."""

    events: int
    seconds: float
    latencies: list[float] = field(repr=False)

    @property
    def rate(self) -> float:
        return self.events / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def bodies(count: int, accounts: int, *, seed: int = 1) -> Iterator[bytes]:
    """Yield bodies of BATCH events, in sessions of a few events of one person, each message once."""
    chance = random.Random(seed)
    templates = [_template(chance, accounts) for _ in range(min(count, 400))]
    run = uuid.uuid4().hex[:8].encode()
    for number in range(count):
        yield templates[number % len(templates)].replace(MARK, b"%s-%08d" % (run, number))


def _template(chance: random.Random, accounts: int) -> bytes:
    now = datetime.now(UTC)
    events: list[dict[str, object]] = []
    while len(events) < BATCH:
        account, contact = chance.randrange(accounts), chance.randrange(CONTACTS_PER_ACCOUNT)
        for name in chance.choices(EVENTS, WEIGHTS, k=SESSION_EVENTS):
            moment = now - timedelta(seconds=chance.random() * 3)
            events.append(
                {
                    "type": "track",
                    "event": name,
                    "userId": f"u{account}-{contact}",
                    "messageId": f"{MARK.decode()}-{len(events)}",
                    "timestamp": moment.isoformat(),
                    "context": {"groupId": f"a{account}", "library": {"name": "analytics-python", "version": "2.4.0"}},
                    "properties": {"screen": chance.choice("abcdef"), "duration": chance.randrange(900)},
                    "integrations": {},
                    "anonymousId": None,
                }
            )
    return json.dumps({"batch": events[:BATCH], "sentAt": now.isoformat()}).encode()


def load(port: int, requests: list[bytes], *, connections: int = CONNECTIONS) -> Accepted:
    """Send bodies over keep-alive connections, each as soon as the one before is answered."""
    todo = iter(requests)
    lock = threading.Lock()
    latencies: list[float] = []

    def client() -> None:
        with socket.create_connection(("127.0.0.1", port)) as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answers = link.makefile("rb")
            while True:
                with lock:
                    body = next(todo, None)
                if body is None:
                    return
                started = time.perf_counter()
                link.sendall(_request(body))
                _expect_success(answers)
                latencies.append(time.perf_counter() - started)

    started = time.perf_counter()
    threads = [threading.Thread(target=client) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(latencies) != len(requests):
        raise SystemExit(f"Only {len(latencies)} of {len(requests)} requests were answered with success.")
    return Accepted(len(requests) * BATCH, time.perf_counter() - started, latencies)


def _request(body: bytes) -> bytes:
    key = base64.b64encode(f"{WRITE_KEY}:".encode())
    return (
        b"POST /v1/batch HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic %s\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (key, len(body))
    ) + body


def _expect_success(answers: io.BufferedReader) -> None:
    status = answers.readline()
    length = 0
    while (line := answers.readline()) not in {b"\r\n", b""}:
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    content = answers.read(length)
    if b" 200 " not in status:
        raise SystemExit(f"{status!r} {content!r}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def web_server() -> Iterator[int]:
    """Run the product's web server as in production; yields its port."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "-b", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*command, "cs_platform.wsgi:application"], env={**os.environ, "PORT": str(port), "LOG_LEVEL": "WARNING"}
    )
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def bare_copy(rows: int) -> float:
    """Return rows per second of COPY into a table without index: what everything is compared with."""
    from django.db import connection

    chance = random.Random(1)
    now = datetime.now(UTC).isoformat()
    lines = "".join(
        f"{chance.randrange(10_000)}\t{chance.randrange(50_000)}\t{chance.randrange(5)}\t{now}\t{uuid.UUID(int=chance.getrandbits(128))}"
        f'\t{{"screen": "a", "duration": {chance.randrange(900)}}}\n'
        for _ in range(rows)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "DROP TABLE IF EXISTS bench_copy; CREATE TABLE bench_copy"
            " (account_id int, contact_id int, event_type_id int, occurred_at timestamptz, hash uuid, properties jsonb)"
        )
        started = time.perf_counter()
        cursor.copy_expert("COPY bench_copy FROM STDIN", io.StringIO(lines))
        seconds = time.perf_counter() - started
        cursor.execute("DROP TABLE bench_copy")
    return rows / seconds


def process_all(workers: int) -> float:
    """Process the backlog with so many worker processes; return the seconds from their start to the last commit."""
    from django.db import connection

    connection.close()
    command = [sys.executable, "-c", WORKER]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE) for _ in range(workers)]
    for process in processes:  # all are up before the clock starts
        assert process.stdout is not None
        process.stdout.readline()
    started = time.time()
    for process in processes:
        process.communicate(b"\n")
        if process.returncode:
            raise SystemExit("A worker failed.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM max(processed_at)) FROM health_ingestbatch")
        return float(cursor.fetchone()[0]) - started


def prepare(accounts: int) -> None:
    """Make the source, the accounts and their contacts, as they are after some days of use."""
    from accounts.services.loading import NewAccount, NewContact, create_accounts, create_contacts
    from health.models import Source

    now = datetime.now(UTC) - timedelta(days=30)
    Source.objects.get_or_create(name="Bench", write_key=WRITE_KEY)
    names = {"system": "product"}
    companies = create_accounts(
        [NewAccount(fields={}, external_id=f"a{n}", **names) for n in range(accounts)], now=now, backfill=True
    )
    create_contacts(
        [
            NewContact(fields={}, account=company, external_id=f"u{n}-{c}", **names)
            for n, company in enumerate(companies)
            for c in range(CONTACTS_PER_ACCOUNT)
        ],
        now=now,
        backfill=True,
    )


@contextmanager
def own_database() -> Iterator[None]:
    """Use a database that is made now and deleted afterwards, here and in processes that are started."""
    from django.conf import settings
    from django.db import connection

    name = connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    old = settings.DATABASE_URL
    os.environ["DATABASE_URL"] = (
        old.rpartition("/")[0] + "/" + name if "?" not in old else old.replace("/cs?", f"/{name}?")
    )
    os.environ["DJANGO_SETTINGS_MODULE"] = "cs_platform.settings"
    try:
        yield
    finally:
        connection.creation.destroy_test_db(old.rpartition("/")[2].partition("?")[0], verbosity=0)


def run(*, events: int, accounts: int) -> dict[str, float]:
    """Measure everything; figures are events per second and milliseconds."""
    requests = list(bodies(events // BATCH, accounts))
    prepare(accounts)
    with web_server() as port:
        load(port, list(bodies(WARM_UP_REQUESTS, accounts, seed=2)))
        process_all(1)
        accepted = load(port, requests)
    figures = {
        "accepted events/s": accepted.rate,
        "p50 ms": accepted.percentile(0.5) * 1000,
        "p99 ms": accepted.percentile(0.99) * 1000,
    }
    seconds = process_all(2)
    copied = bare_copy(min(events, 300_000))
    figures["processed events/s"] = events / seconds
    figures["bare COPY rows/s"] = copied
    figures["ratio"] = events / seconds / copied
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--accounts", type=int, default=10_000)
    options = parser.parse_args()

    from cs_platform import env, servers

    names = servers.embedded(database_url=env.text("DATABASE_URL"), redis_url=env.text("REDIS_URL"))
    with servers.running(names, data_dir=env.data_dir()):
        os.environ["DATABASE_URL"], os.environ["REDIS_URL"] = servers.urls(
            data_dir=env.data_dir(), database_url=env.text("DATABASE_URL"), redis_url=env.text("REDIS_URL")
        )
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cs_platform.settings")
        import django

        django.setup()
        with own_database():
            for name, value in run(events=options.events, accounts=options.accounts).items():
                print(f"{name:24} {value:12,.2f}")


if __name__ == "__main__":
    main()
