import threading
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from accounts.events import advance, read_events, stamp_events, write_event
from accounts.models import AccountEvent
from tests.factories import AccountFactory

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


def write(account, kind="x.happened"):
    return write_event(account=account, kind=kind, occurred_at=NOW, now=NOW)


@pytest.mark.django_db
def test_stamp_events_gives_positions_without_gaps_across_runs():
    account = AccountFactory()
    first = [write(account), write(account)]
    assert stamp_events() == 2
    second = write(account)
    assert stamp_events() == 1
    assert stamp_events() == 0
    positions = dict(AccountEvent.objects.values_list("id", "position"))
    assert positions[second.id] == max(positions[e.id] for e in first) + 1


@pytest.mark.django_db
def test_read_events_goes_on_where_the_consumer_stopped():
    account = AccountFactory()
    for number in range(3):
        write(account, f"x.n{number}")
    stamp_events()
    first = read_events("mail", limit=2)
    assert [e.kind for e in first] == ["x.n0", "x.n1"]
    advance("mail", first[-1].position, now=NOW)
    advance("mail", first[0].position, now=NOW)
    assert [e.kind for e in read_events("mail")] == ["x.n2"]
    assert len(read_events("other")) == 3


@pytest.mark.django_db(transaction=True)
def test_an_event_that_commits_late_still_gets_a_position_after_the_reader():
    account = AccountFactory()
    written, may_commit = threading.Event(), threading.Event()

    def late_writer():
        with transaction.atomic():
            write(account, "x.late")
            written.set()
            may_commit.wait(10)
        connection.close()

    thread = threading.Thread(target=late_writer)
    thread.start()
    written.wait(10)
    write(account, "x.early")
    stamp_events()
    seen = read_events("mail")
    advance("mail", seen[-1].position, now=NOW)
    may_commit.set()
    thread.join()
    stamp_events()
    assert [e.kind for e in seen] == ["x.early"]
    assert [e.kind for e in read_events("mail")] == ["x.late"]
