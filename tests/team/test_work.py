from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from team import tasks, work
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


def test_forget_done_keeps_the_last_week():
    work.handler("k")(lambda payload: None)
    work.enqueue(kind="k")
    work.run_due_work()
    assert work.forget_done() == 0
    with connection.cursor() as cursor:
        cursor.execute("UPDATE team_work SET finished_at = now() - interval '8 days'")
    assert work.forget_done() == 1


def test_wake_workers_survives_without_redis(settings, monkeypatch):
    def refuse(**kwargs):
        raise ConnectionError

    monkeypatch.setattr(tasks.run_due_work, "apply_async", refuse)
    monkeypatch.setattr(tasks, "_quiet_until", 0.0)
    assert tasks.wake_workers() is False
    monkeypatch.setattr(tasks.run_due_work, "apply_async", lambda **kwargs: pytest.fail("still asked"))
    assert tasks.wake_workers() is False
