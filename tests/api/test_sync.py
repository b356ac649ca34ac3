"""Following rows: what moves a row to a new position, and that nobody who follows misses a change."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from accounts.models import Account, ExternalId
from tests.api.conftest import ApiClient, make_key
from tests.factories import AccountFactory, MembershipFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api(transactional_db) -> ApiClient:
    return ApiClient(make_key())


def test_memberships_and_names_move_the_row_that_shows_them(api):
    """These live in tables of their own, but a follower sees them on the contact or activity."""
    membership = MembershipFactory()
    path = f"/contacts/{membership.contact_id}"
    tags = [api.read(path)["ETag"]]
    position = api.read("/contacts").json()["position"]
    api.call("PATCH", path, {"memberships": []})
    tags.append(api.read(path)["ETag"])
    api.call("PATCH", path, {"external_ids": {"crm": "1"}})
    tags.append(api.read(path)["ETag"])
    activity = {"account": str(membership.account_id), "kind": "call", "occurred_at": "2026-01-01T00:00:00Z"}
    made = api.call("POST", "/activities", activity).json()
    api.call("PATCH", f"/activities/{made['id']}", {"contacts": [str(membership.contact_id)]})
    tags.append(api.read(f"/activities/{made['id']}")["ETag"])
    assert tags == ['"2"', '"3"', '"4"', '"2"']
    (changed,) = api.read(f"/contacts?cursor={position}").json()["data"]
    assert (changed["memberships"], changed["external_ids"]) == ([], {"crm": "1"})


def together(*calls):
    """Run calls at the same moment, each with a connection of its own; return what they return, in order."""
    barrier = threading.Barrier(len(calls))

    def run(call):
        barrier.wait()
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]


def test_one_name_sent_by_many_at_once_is_one_row(api):
    """Singles and batches race for the same external ids; nobody fails for good and no row comes twice."""
    key = api.headers_of_all["Authorization"].removeprefix("Bearer ")
    rows = [{"system": "crm", "external_id": str(n), "fields": {"name": f"Account {n}"}} for n in range(20)]

    def batch():
        return ApiClient(key).call("POST", "/accounts/batch/upsert", {"inputs": rows}).status_code

    def single():
        return ApiClient(key).call("PUT", "/accounts/by-external/crm/7", {"name": "Account 7"}).status_code

    for attempt in range(5):
        Account.all_objects.all().delete()
        ExternalId.objects.all().delete()
        statuses = together(batch, single, batch, single)
        assert set(statuses) <= {200, 201, 207, 409, 503}, attempt
        assert batch() == 200
        assert ExternalId.objects.count() == 20
        assert set(Account.objects.values_list("pk", flat=True)) == set(
            ExternalId.objects.values_list("object_id", flat=True)
        )


def test_followers_miss_nothing_that_commits_late(api, settings):
    """Writers hold their transactions open for a while, so that early positions commit after late ones.

    Each row is written once, so one that is overtaken would stay unseen. One follower goes by position,
    one by time.
    """
    settings.API_REQUESTS_PER_MINUTE = 0
    key = api.headers_of_all["Authorization"].removeprefix("Bearer ")
    stop = threading.Event()

    def write(seed):
        rng = random.Random(seed)
        while not stop.is_set():
            with transaction.atomic():
                for _ in range(rng.randrange(1, 4)):
                    Account.objects.create(name=f"Written by {seed}")
                    time.sleep(rng.random() * 0.2)

    def follow(next_query):
        client, seen, query = ApiClient(key), {}, next_query({"position": None}, {})
        until = time.monotonic() + 4
        while time.monotonic() < until:
            query = next_query(read_on(client, query, seen), seen)
        stop.set()
        for writer in writers:
            writer.join()
        read_on(client, query, seen)
        return set(seen)

    writers = [threading.Thread(target=in_own_connection(write), args=(seed,)) for seed in range(4)]
    for writer in writers:
        writer.start()
    try:
        found = together(lambda: follow(after_position), lambda: follow(after_time))
    finally:
        stop.set()
    wanted = {str(pk) for pk in Account.objects.values_list("pk", flat=True)}
    assert len(wanted) > 50
    assert found == [wanted, wanted]


def read_on(client, query, seen):
    """Read a list to its end into `seen`, by id; return the last page."""
    page = client.read(f"/accounts?page_size=20&{query}").json()
    while True:
        seen.update({row["id"]: row for row in page["data"]})
        if page["next"] is None:
            return page
        page = client.read(page["next"]).json()


def after_position(page, seen):
    return f"cursor={page['position']}" if page["position"] else ""


def after_time(page, seen):
    return f"updated_after={max((row['updated_at'] for row in seen.values()), default='1970-01-01T00:00:00Z')}"


def in_own_connection(run):
    def wrapped(*args):
        try:
            run(*args)
        finally:
            connection.close()

    return wrapped


def test_an_open_transaction_holds_back_what_came_after_it(api):
    """And nothing else: rows from before stay readable."""
    early = AccountFactory(name="Early")
    opened, finish = threading.Event(), threading.Event()

    def slow():
        with transaction.atomic():
            AccountFactory(name="Slow")
            opened.set()
            finish.wait(10)

    writer = threading.Thread(target=in_own_connection(slow))
    writer.start()
    opened.wait(10)
    AccountFactory(name="Quick")
    names = [row["name"] for row in api.read("/accounts").json()["data"]]
    by_time = [row["name"] for row in api.read("/accounts?updated_after=2000-01-01T00:00:00Z").json()["data"]]
    finish.set()
    writer.join()
    assert (names, by_time) == (["Early"], ["Early"])
    later = api.read("/accounts").json()["data"]
    assert [row["name"] for row in later] == ["Early", "Slow", "Quick"]
    assert later[0]["id"] == str(early.pk)
