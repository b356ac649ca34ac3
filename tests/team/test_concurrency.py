"""What holds when several processes do the same at once: threads with a connection each stand for them."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from team import work
from team.errors import InvalidTeamInput
from team.models import Team, User, Work
from team.schedules import Entry, declare, tick
from team.security import check_chain, log_security
from team.services import update_user
from tests.factories import NOW, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*calls):
    """Run the calls at the same moment, each with a connection of its own; return what each returned or raised."""
    ready = Barrier(len(calls))

    def run(call):
        try:
            ready.wait(10)
            return call()
        except Exception as error:  # noqa: BLE001 -- the test looks at it
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.fixture
def kinds(monkeypatch):
    monkeypatch.setattr(work, "_handlers", {})
    work.handler("k")(lambda payload: Team.objects.create(name=f"done {payload['n']}"))


def test_each_row_is_claimed_once(kinds):
    work.enqueue_many(kind="k", items=[("", {"n": n}) for n in range(40)])

    def claim_until_empty():
        found = []
        while claim := work.claim_next():
            found.append(claim.payload["n"])
        return found

    claims = at_once(*[claim_until_empty] * 6)
    assert Counter(n for found in claims for n in found) == Counter(range(40))


def test_each_row_is_done_once(kinds):
    work.enqueue_many(kind="k", items=[("", {"n": n}) for n in range(40)])
    assert sum(at_once(*[work.run_due_work] * 6)) == 40
    assert sorted(Team.objects.values_list("name", flat=True)) == sorted(f"done {n}" for n in range(40))
    assert set(Work.objects.values_list("state", "attempts")) == {("done", 1)}


def test_one_row_is_due_however_many_ask_for_it(kinds):
    at_once(*[lambda: work.enqueue(kind="k", key="a", payload={"n": 1})] * 8)
    assert Work.objects.count() == 1


def test_enqueueing_the_same_keys_in_any_order_does_not_deadlock(kinds):
    keys = [f"account {n}" for n in range(200)]
    ways = [keys, keys[::-1], sorted(keys, key=hash), keys]
    results = at_once(*[lambda way=way: work.enqueue_many(kind="k", items=[(key, {}) for key in way]) for way in ways])
    assert results == [200] * 4
    assert Work.objects.count() == 200


def test_sweepers_offer_a_row_again_once(kinds):
    work.enqueue_many(kind="k", items=[("", {"n": n}) for n in range(20)])
    while work.claim_next():
        pass
    Work.objects.update(lease_until=NOW)
    at_once(*[work.sweep] * 4)
    assert set(Work.objects.values_list("state", "attempts", "fence")) == {("due", 1, 2)}


def test_a_row_that_comes_back_meets_newer_work_of_its_key(kinds):
    """Put back and enqueue meet at the same unique row in any order; neither fails and nothing is lost."""
    for n in range(20):
        work.enqueue(kind="k", key="a", payload={"n": n})
        claim = work.claim_next()
        results = at_once(
            lambda claim=claim: work.fail(claim, ValueError("no")),
            lambda n=n: work.enqueue(kind="k", key="a", payload={"n": n}),
        )
        assert results == [None, None]
        assert Work.objects.filter(state="due", key="a").count() == 1
        Work.objects.all().delete()


def test_two_schedulers_make_one_run():
    entry = Entry("k", every_seconds=60)
    declare([entry], now=NOW)
    now = timezone.now()
    assert sum(at_once(*[lambda: tick([entry], now=now)] * 4)) == 1
    assert Work.objects.count() == 1


def test_two_admins_cannot_take_each_other_down():
    for _ in range(5):
        one, two = UserFactory.create_batch(2, access_level="admin")
        User.objects.exclude(pk__in=[one.pk, two.pk]).update(access_level="viewer")

        def demote(actor, user):
            fields = {"name": user.name, "function": user.function, "teams": [], "is_active": True}
            update_user(user=user, actor=actor, now=NOW, access_level="viewer", **fields)

        results = at_once(lambda one=one, two=two: demote(one, two), lambda one=one, two=two: demote(two, one))
        assert [type(result) for result in results if result] == [InvalidTeamInput]
        assert User.objects.filter(access_level="admin").count() == 1


def test_the_security_log_stays_one_chain():
    def write(worker):
        for n in range(10):
            log_security(kind="x", now=timezone.now(), subject=f"{worker}.{n}")

    at_once(*[lambda worker=worker: write(worker) for worker in range(6)])
    chain = check_chain()
    assert (chain.count, chain.broken) == (60, None)
