"""The real SDKs, unmodified, pointed at a running server: every event arrives once."""

import os
import subprocess
import sys
import time
import urllib.request
import zlib
from pathlib import Path

import pytest
from django.db import connection

from accounts.models import Account, Contact, Membership
from health.models import CurrentScore, IngestBatch, RejectedEvent, Source, UsageDay
from tests.factories import SourceFactory

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True)]

HERE = Path(__file__).parent
SDKS = {
    "segment_python.py": "/v1/batch",
    "rudder_python.py": "/v1/batch",
    "posthog_python.py": "/batch/",
    "segment_node.mjs": "/v1/batch",
    "rudder_node.mjs": "/v1/batch",
}
EVENTS = 121
PATIENCE_SECONDS = 60


@pytest.fixture(scope="session")
def node_modules():
    if not (HERE / "node_modules/@segment").exists():
        text = "The Node SDKs are not installed: npm ci --prefix tests/sdk (make test does)."
        if os.environ.get("REQUIRE_SDKS") == "1":
            pytest.fail(text)
        pytest.skip(text)


def test_every_sdk_delivers_every_event_once(live_site, node_modules):
    live_site.start("web", "worker", "scheduler")
    for name, path in SDKS.items():
        source = SourceFactory(name=name, write_key=f"key-{name}", system=Path(name).stem.replace("_", "-"))
        run(name, live_site.url, source.write_key)
        wait_until(lambda pk=source.pk: received(pk) >= EVENTS, f"{name} to deliver\n{live_site.log('web')[-2000:]}")
        before = figures(source)
        assert before == ({("Acme", "Report viewed"): EVENTS - 1, ("Acme", "Pricing"): 1}, 0), name
        check_people(source, name)

        resend(live_site.url + path, source)
        wait_until(lambda pk=source.pk: all_processed(pk), f"the batches of {name} to be processed again")
        assert figures(source) == before, name
        counters = Source.objects.values_list("accepted_count", "duplicate_count", "rejected_count").get(pk=source.pk)
        assert counters[0] == counters[1] >= EVENTS, name
        assert RejectedEvent.objects.count() == 0
    assert sum(row.value for row in UsageDay.objects.all()) == len(SDKS) * (EVENTS - 1)
    wait_until(lambda: CurrentScore.objects.count() >= len(SDKS), "every account to have a score")


def run(name, url, key):
    command = ["node", name] if name.endswith(".mjs") else [sys.executable, name]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        [*command, url, key], cwd=HERE, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), f"{name}: {done.stdout}{done.stderr}"


def figures(source):
    """Return ({(account, event): count}, value) of what one SDK sent."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT account_id FROM health_usageevent WHERE source_id = %s", [source.pk])
        accounts = {row[0] for row in cursor.fetchall()}
    names = dict(Account.objects.values_list("pk", "name"))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT day.account_id, type.name, sum(day.count) FROM health_usageday AS day"
            " JOIN health_eventtype AS type ON type.id = day.event_type_id"
            " WHERE day.account_id = ANY(%s) GROUP BY 1, 2",
            [list(accounts)],
        )
        found = {(names[account], name): int(count) for account, name, count in cursor.fetchall()}
    waiting = IngestBatch.objects.filter(source_id=source.pk, processed_at=None).count()
    return found, waiting


def check_people(source, name):
    account = Account.objects.get(pk=Account.objects.order_by("-pk").values("pk")[:1])
    assert (account.name, account.attributes) == ("Acme", {"plan": "pro"}), name
    contact = Contact.objects.get(memberships__account=account)
    assert (contact.name, contact.email) == ("Ann Arp", "ann@acme.example"), name
    assert Membership.objects.filter(account=account).count() == 1, name


def received(source_id):
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM health_usageevent WHERE source_id = %s", [source_id])
        return cursor.fetchone()[0]


def all_processed(source_id):
    return not IngestBatch.objects.filter(source_id=source_id, processed_at=None).exists()


def resend(url, source):
    """Send every body that was kept once more, as a client does that missed the answer."""
    for body in IngestBatch.objects.filter(source_id=source.pk).values_list("body", flat=True):
        plain = zlib.decompressobj(47).decompress(bytes(body))
        request = urllib.request.Request(f"{url}?again", plain, {"Authorization": f"Bearer {source.write_key}"})
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200


def wait_until(condition, what):
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < until, f"Waited {PATIENCE_SECONDS} s for {what}"
        time.sleep(0.1)
