"""What was restored into another cluster goes on: events come in, are counted and move the score."""

import base64
import json
import time
import urllib.request
from contextlib import closing

import psycopg2
import pytest
from django.utils import timezone

from accounts.models import Account
from cs_platform import backups, servers
from health.models import CurrentScore
from health.services import score_accounts
from tests.cs_platform.test_backups import manage
from tests.factories import SourceFactory
from tests.health.cards import make_scorecard
from tests.health.wire import deliver, group, process, track
from tests.live import LiveSite

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True)]

PATIENCE_SECONDS = 90
SCORES = "SELECT account_id, score, band, hash FROM health_currentscore ORDER BY id"
COUNTED = "SELECT account_id, sum(count)::int FROM health_usageday GROUP BY account_id"


def test_events_flow_on_after_a_restore(tmp_path, data_dir):
    source, card = SourceFactory(write_key="kept-key"), make_scorecard()
    deliver(source, [group("ann", "acme", name="Acme"), *(track("ann", group="acme") for _ in range(3))])
    process()
    score_accounts(scorecard=card, now=timezone.now())
    account, score = Account.objects.get(), CurrentScore.objects.get()
    backups.back_up(tmp_path / "today.backup")
    done = manage("restore", str(tmp_path / "today.backup"), data_dir=data_dir)
    assert done.returncode == 0, done.stderr

    with servers.running(["postgres"], data_dir=data_dir):
        url, _ = servers.urls(data_dir=data_dir, database_url="", redis_url="")
        with closing(psycopg2.connect(url)) as other, other.cursor() as cursor:
            other.autocommit = True
            assert rows(cursor, SCORES) == [(account.pk, score.score, score.band, bytes(score.hash))]
            site = LiveSite(tmp_path, database_url=url)
            try:
                site.start("web", "worker", "scheduler")
                send(site, [track("ann", group="acme") for _ in range(20)])
                wait_until(lambda: rows(cursor, COUNTED) == [(account.pk, 23)], "the events", site)
                wait_until(lambda: rows(cursor, SCORES)[0][1] > score.score, "a higher score", site)
            finally:
                site.stop()
    assert CurrentScore.objects.get().score == score.score


def rows(cursor, statement):
    cursor.execute(statement)
    return [tuple(bytes(value) if isinstance(value, memoryview) else value for value in row) for row in cursor]


def send(site, events):
    key = base64.b64encode(b"kept-key:").decode()
    body = json.dumps({"batch": events}).encode()
    headers = {"Authorization": f"Basic {key}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{site.url}/v1/batch", body, headers)) as answer:
        assert answer.status == 200


def wait_until(condition, what, site):
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < until, f"Waited {PATIENCE_SECONDS} s for {what}:\n{site.log('worker')[-2000:]}"
        time.sleep(0.2)
