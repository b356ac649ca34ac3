"""The moment of a reader: what was committed before it is seen, what comes later is not."""

import threading

import pytest
from django.db import connection, transaction

from accounts.models import Account
from health.usage.moment import reading_moment, take_write_moment
from tests.factories import AccountFactory

pytestmark = pytest.mark.django_db(transaction=True)


def in_thread(function):
    """Run a function on a connection of its own."""

    def run():
        try:
            function()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_reading_moment_sees_nothing_that_commits_later():
    AccountFactory()
    with reading_moment() as recorded_by:
        in_thread(AccountFactory).join()
        assert Account.objects.count() == 1
    assert Account.objects.count() == 2
    assert Account.objects.latest("id").created_at > recorded_by


def test_reading_moment_waits_for_a_writer_and_sees_what_it_wrote():
    holding, release, moments = threading.Event(), threading.Event(), []

    def write():
        with transaction.atomic():
            moments.append(take_write_moment())
            AccountFactory()
            holding.set()
            release.wait(10)

    writer = in_thread(write)
    assert holding.wait(10)
    threading.Timer(0.2, release.set).start()
    with reading_moment() as recorded_by:
        assert Account.objects.count() == 1
    writer.join()
    assert moments[0] < recorded_by


def test_reading_moment_lets_writers_go_on_while_it_reads():
    with reading_moment() as recorded_by:
        moments = []

        def write():
            with transaction.atomic():
                moments.append(take_write_moment())

        in_thread(write).join(10)
    assert moments[0] > recorded_by


def test_reading_moment_gives_the_lock_back_after_an_error():
    with pytest.raises(ZeroDivisionError), reading_moment():
        1 / 0  # noqa: B018
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone() == (0,)
