import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from team import work
from team.errors import GiveUp, RetryLater
from team.models import Team, Work

pytestmark = pytest.mark.django_db
FAR = datetime(2099, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _only_test_kinds(monkeypatch):
    monkeypatch.setattr(work, "_handlers", {})


def test_enqueue_joins_what_is_due_under_the_same_key():
    work.enqueue(kind="k", key="a", payload={"n": 1}, due_at=FAR)
    work.enqueue(kind="k", key="a", payload={"n": 2})
    row = Work.objects.get()
    assert row.payload == {"n": 2}
    assert row.due_at < FAR


def test_enqueue_without_key_never_joins():
    work.enqueue(kind="k")
    work.enqueue(kind="k")
    assert Work.objects.count() == 2


def test_run_due_work_does_lower_priorities_first_and_leaves_the_future():
    seen = []
    work.handler("k")(lambda payload: seen.append(payload["n"]))
    work.enqueue(kind="k", payload={"n": 1}, priority=5)
    work.enqueue(kind="k", payload={"n": 2})
    work.enqueue(kind="k", payload={"n": 3}, due_at=FAR)
    assert work.run_due_work() == 2
    assert seen == [2, 1]
    assert sorted(Work.objects.values_list("state", flat=True)) == ["done", "done", "due"]


def test_work_of_a_kind_nobody_handles_stays_due():
    work.handler("other")(lambda payload: None)
    work.enqueue(kind="k")
    assert work.run_due_work() == 0
    assert Work.objects.get().state == "due"


def test_a_failure_takes_its_effects_back_and_waits():
    @work.handler("k")
    def fail(payload):
        Team.objects.create(name="half-done")
        raise ValueError("no")

    work.enqueue(kind="k")
    assert work.run_due_work() == 1
    row = Work.objects.get()
    assert not Team.objects.exists()
    assert (row.state, row.attempts, row.error) == ("due", 1, "ValueError: no")
    assert row.due_at > datetime.now(UTC) + timedelta(seconds=3)


def test_poison_is_given_up_after_its_attempts_and_can_be_tried_again():
    @work.handler("k", max_attempts=2)
    def fail(payload):
        raise ValueError

    work.enqueue(kind="k")
    for _ in range(3):
        Work.objects.filter(state="due").update(due_at=datetime(2020, 1, 1, tzinfo=UTC))
        work.run_due_work()
    row = Work.objects.get()
    assert (row.state, row.attempts) == ("dead", 2)
    assert work.retry(row.pk)
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("due", 0)
    assert not work.retry(row.pk)


def test_whoever_lost_the_lease_writes_nothing():
    @work.handler("k")
    def create(payload):
        Team.objects.create(name="mine")

    work.enqueue(kind="k")
    frozen = work.claim_next()
    Work.objects.update(lease_until=datetime(2020, 1, 1, tzinfo=UTC))
    assert work.sweep() == 1
    assert work.run_due_work() == 1
    assert Team.objects.get().name == "mine"
    Team.objects.all().delete()
    work.run_claim(frozen)
    assert not Team.objects.exists()
    assert Work.objects.get().state == "done"


def test_sweep_leaves_leases_that_run():
    work.handler("k")(lambda payload: None)
    work.enqueue(kind="k")
    work.claim_next()
    assert work.sweep() == 0


def test_a_failure_gives_way_to_newer_work_of_the_same_key():
    @work.handler("k")
    def fail_and_meet_new(payload):
        raise ValueError

    work.enqueue(kind="k", key="a")
    claim = work.claim_next()
    work.enqueue(kind="k", key="a")
    work.run_claim(claim)
    assert sorted(Work.objects.values_list("state", flat=True)) == ["done", "due"]


def test_forget_done_keeps_a_week_and_an_hour_of_the_timetable():
    work.handler("k")(lambda payload: None)
    for key, ages in {"schedule": ["59 minutes", "61 minutes"], "other": ["6 days", "8 days"]}.items():
        for age in ages:
            work.enqueue(kind="k", key=key, payload={"age": age})
            work.run_due_work()
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE team_work SET finished_at = now() - %s::interval WHERE payload ->> 'age' = %s", [age, age]
                )
    assert work.forget_done() == 2
    assert set(Work.objects.values_list("payload__age", flat=True)) == {"59 minutes", "6 days"}


def test_enqueue_many_joins_by_key_and_counts():
    work.enqueue(kind="k", key="b", payload={"n": 0})
    assert work.enqueue_many(kind="k", items=[("b", {"n": 1}), ("a", {"n": 2}), ("", {}), ("", {})]) == 4
    assert sorted(Work.objects.values_list("key", "payload__n")) == [("", None), ("", None), ("a", 2), ("b", 1)]
    assert work.enqueue_many(kind="k", items=[]) == 0


def test_work_of_one_key_runs_one_at_a_time():
    work.handler("k")(lambda payload: None)
    work.enqueue(kind="k", key="a")
    first = work.claim_next()
    work.enqueue(kind="k", key="a")
    work.enqueue(kind="k", key="b")
    assert work.claim_next().key == "b"
    assert work.claim_next() is None
    work.complete(first)
    assert work.claim_next().key == "a"


def test_newer_work_inherits_the_attempts_so_that_poison_ends():
    @work.handler("k", max_attempts=3)
    def fail(payload):
        raise ValueError("poison")

    for _ in range(4):
        work.enqueue(kind="k", key="a")
        Work.objects.filter(state="due").update(due_at=datetime(2020, 1, 1, tzinfo=UTC))
        claim = work.claim_next()
        work.enqueue(kind="k", key="a")
        work.run_claim(claim)
        if Work.objects.filter(state="dead").exists():
            break
    dead = Work.objects.get(state="dead")
    assert (dead.attempts, dead.error) == (3, "ValueError: poison")


def test_retry_later_waits_as_long_as_it_says():
    @work.handler("k")
    def busy(payload):
        raise RetryLater("429 from the help desk", seconds=900)

    work.enqueue(kind="k")
    work.run_due_work()
    row = Work.objects.get()
    assert (row.state, row.error) == ("due", "RetryLater: 429 from the help desk")
    assert timedelta(seconds=890) < row.due_at - datetime.now(UTC) < timedelta(seconds=910)


def test_give_up_is_dead_at_once_and_can_be_discarded():
    @work.handler("k")
    def hopeless(payload):
        raise GiveUp("no such account")

    work.enqueue(kind="k")
    work.run_due_work()
    row = Work.objects.get()
    assert (row.state, row.attempts, row.error) == ("dead", 1, "GiveUp: no such account")
    assert work.discard(row.pk)
    assert not work.discard(row.pk)


def test_renew_lease_keeps_the_row_until_somebody_else_has_it():
    leases = []

    @work.handler("k", lease_seconds=5, atomic=False)
    def long(payload):
        work.renew_lease(200)
        leases.append(Work.objects.get().lease_until - datetime.now(UTC))
        Work.objects.update(lease_until=datetime(2020, 1, 1, tzinfo=UTC))
        work.sweep()
        work.renew_lease(200)
        leases.append("never")

    work.enqueue(kind="k")
    assert work.run_due_work(limit=1) == 1
    assert len(leases) == 1
    assert timedelta(seconds=190) < leases[0] <= timedelta(seconds=200)
    assert Work.objects.get().state == "due"


def test_renew_lease_outside_work_does_nothing():
    work.renew_lease()


@pytest.mark.parametrize("seconds", [0, 241])
def test_handler_refuses_a_lease_that_does_not_fit(seconds):
    with pytest.raises(ValueError, match="1 to 240 seconds"):
        work.handler("k", lease_seconds=seconds)


def test_an_atomic_handler_is_ended_by_the_server_at_its_lease():
    @work.handler("k", lease_seconds=1)
    def sleep(payload):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")

    work.enqueue(kind="k")
    started = time.monotonic()
    work.run_due_work()
    assert time.monotonic() - started < 5
    assert Work.objects.get().error.startswith("OperationalError: canceling statement due to statement timeout")


def test_sweep_gives_up_work_that_killed_its_worker_every_time():
    work.handler("k", max_attempts=2)(lambda payload: None)
    work.enqueue(kind="k")
    for _ in range(2):
        assert work.claim_next() is not None
        Work.objects.update(lease_until=datetime(2020, 1, 1, tzinfo=UTC))
        work.sweep()
    row = Work.objects.get()
    assert (row.state, row.attempts) == ("dead", 2)
    assert work.claim_next() is None


def test_oldest_due_seconds_counts_what_can_be_taken_only():
    work.handler("k")(lambda payload: None)
    assert work.oldest_due_seconds() == 0
    work.enqueue(kind="other", due_at=datetime.now(UTC) - timedelta(hours=2))
    work.enqueue(kind="k", due_at=datetime.now(UTC) - timedelta(minutes=1))
    work.enqueue(kind="k", due_at=FAR)
    assert 60 <= work.oldest_due_seconds() < 65


def test_run_due_work_wakes_another_worker_for_the_rest(monkeypatch):
    asked = []
    monkeypatch.setattr(work, "wake_workers", lambda: asked.append(Work.objects.filter(state="due").count()))
    work.handler("k")(lambda payload: None)
    for _ in range(3):
        work.enqueue(kind="k")
    assert work.run_due_work(limit=2) == 2
    assert asked == [2, 1]


def test_retry_leaves_a_row_whose_newer_work_is_due():
    work.handler("k")(lambda payload: None)
    dead = Work.objects.create(kind="k", key="a", state="dead")
    work.enqueue(kind="k", key="a")
    assert not work.retry(dead.pk)
    assert Work.objects.get(pk=dead.pk).state == "dead"
