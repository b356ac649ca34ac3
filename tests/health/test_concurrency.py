"""Two processors, an import and a replay at once: each message counts once, and nobody waits in a circle."""

import threading

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Account, Contact, Membership
from health.models import IngestBatch, RejectedEvent, Source, UsageDay, UsageEvent
from health.usage import processor, quarantine
from health.usage.recording import Use, record_usage
from team.enums import AccessLevel
from tests.factories import AccountFactory, SourceFactory, UserFactory
from tests.health.wire import deliver, group, identify, track

pytestmark = pytest.mark.django_db(transaction=True)


def together(*jobs):
    """Run jobs in threads of their own and raise what went wrong in any."""
    failures = []

    def run(job):
        try:
            job()
        except Exception as error:  # noqa: BLE001 -- raised again in the main thread
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_everything_at_once_counts_once(settings):
    source = SourceFactory()
    editor = UserFactory(access_level=AccessLevel.EDITOR)
    imported = AccountFactory(name="Imported")
    settings.MAX_EVENT_TYPES = 0
    deliver(source, [track("u0", "Replayed", group="g0")])
    processor.process_backlog(seconds=30, linger=0)
    settings.MAX_EVENT_TYPES = 100

    events = [track(f"u{n % 7}", group=f"g{n % 3}") for n in range(300)]
    for start in range(0, 300, 10):
        body = [identify(f"u{start % 7}", seats=start), group("u1", f"g{start % 3}"), *events[start : start + 20]]
        deliver(source, body)  # half of every body comes again in the next
        deliver(source, body)

    def work():
        while processor.process_chunk(processor.Pace(100)):
            pass

    def load():
        uses = [Use(str(n), imported.pk, "Imported", timezone.now()) for n in range(50)]
        for start in range(0, 50, 10):
            record_usage(uses=uses[start : start + 20], now=timezone.now())

    def replay():
        quarantine.replay(events=RejectedEvent.objects.all(), user=editor, now=timezone.now())

    together(work, work, load, load, replay)
    while processor.process_chunk(processor.Pace(100)) + processor.process_suspect():
        pass

    assert not IngestBatch.objects.filter(processed_at=None).exists()
    assert UsageEvent.objects.count() == sum(row.count for row in UsageDay.objects.all()) == 300 + 50 + 1
    assert UsageEvent.objects.values("message_hash").distinct().count() == 351
    assert (Account.objects.count(), Contact.objects.count()) == (4, 7)
    assert Membership.objects.filter(until=None).count() == Membership.objects.count()
    assert Source.objects.get().accepted_count == 1 + 300 + 60


def test_commits_come_in_the_order_of_recorded_at():
    source = SourceFactory()
    for _ in range(40):
        deliver(source, [track("u1", group="acme")])
    order = []

    def work():
        while processor.process_chunk(processor.Pace(1)):
            with connection.cursor() as cursor:
                cursor.execute("SELECT max(recorded_at), count(*) FROM health_usageevent")
                order.append(cursor.fetchone())

    together(work, work)
    # A worker that looks before the other's first commit sees nothing yet.
    order = sorted(row for row in order if row[1])
    assert [count for _, count in order] == sorted(count for _, count in order)
    assert order[-1][1] == 40
