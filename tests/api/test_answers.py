"""Idempotency-Key: sent again, a write takes effect once and is answered the same."""

import threading

import pytest
from django.utils import timezone

from accounts import services
from accounts.models import Account, AccountEvent
from team.idempotency import KEPT_FOR, KeptAnswer, purge_answers
from tests.api.conftest import ApiClient, make_key
from tests.api.test_http import problem
from tests.api.test_sync import together
from tests.factories import AccountFactory

pytestmark = pytest.mark.django_db

PATH = "/accounts"


def send(client, body=None, key="k1", method="POST", path=PATH):
    return client.call(method, path, body if body is not None else {"name": "Acme"}, headers={"Idempotency-Key": key})


def test_the_same_request_again_is_answered_the_same_and_does_nothing(api):
    first, again = send(api), send(api)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert (again["Location"], again["ETag"]) == (first["Location"], first["ETag"])
    assert ("Idempotency-Replayed" in first, again["Idempotency-Replayed"]) == (False, "true")
    assert Account.objects.count() == AccountEvent.objects.count() == 1


def test_a_body_that_says_the_same_is_the_same_request(api):
    raw = ['{"name": "Acme", "tier": "growth"}', '{ "tier":"growth","name":"Acme" }']
    answers = [
        api.call("POST", PATH, raw=each, headers={"Idempotency-Key": key})
        for each, key in zip(raw, ("k1", '"k1"'), strict=True)
    ]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert Account.objects.count() == 1


def test_another_request_with_the_key_is_refused(api):
    send(api)
    problem(send(api, {"name": "Other"}), 422, "key_reused")
    problem(send(api, path=f"{PATH}?backfill=true"), 422, "key_reused")
    assert [account.name for account in Account.objects.all()] == ["Acme"]


def test_a_key_belongs_to_its_caller_method_and_address(api, person):
    made = send(api).json()["id"]
    assert send(ApiClient(make_key())).json()["id"] != made
    assert send(person()).json()["id"] != made
    assert send(api, {"plan": "Pro"}, path=f"/accounts/{made}", method="PATCH").status_code == 400
    assert send(api, {"name": "New"}, path=f"/accounts/{made}", method="PATCH").json()["name"] == "New"
    assert Account.objects.count() == 3


def test_a_refused_request_keeps_nothing_and_the_key_may_be_used_again(api):
    problem(send(api, {}), 400, "invalid")
    assert not KeptAnswer.objects.exists()
    assert send(api).status_code == 201


def test_deleting_and_batches_are_kept_too(api):
    account = AccountFactory()
    for _ in range(2):
        assert send(api, {}, method="DELETE", path=f"/accounts/{account.pk}").status_code == 204
    batch = {"inputs": [{"system": "crm", "external_id": "1", "fields": {"name": "A"}}, {"system": "crm"}]}
    answers = [send(api, batch, path="/accounts/batch/upsert") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [207, 207]
    assert answers[0].content == answers[1].content
    assert answers[1].json()["created"] == 1


@pytest.mark.parametrize("key", ["", " ", "é", "a b", '"a', "x" * 256, "a\tb"])
def test_a_key_that_is_none_is_refused(api, key):
    problem(send(api, key=key), 400, "wrong_key")
    assert not Account.objects.exists()


def test_after_a_week_a_key_is_new_again(api):
    first = send(api).json()["id"]
    KeptAnswer.objects.update(created_at=timezone.now() - KEPT_FOR)
    assert send(api).json()["id"] != first
    assert purge_answers(now=timezone.now()) == 0
    assert purge_answers(now=timezone.now() + KEPT_FOR) == 1


@pytest.mark.django_db(transaction=True)
def test_many_at_once_take_effect_once(monkeypatch):
    """While one is being answered the others are told to wait; afterwards they get its answer."""
    key, busy, told = make_key(), threading.Event(), threading.Event()
    create = services.create_account

    def slow(**kwargs):
        busy.set()
        told.wait(10)
        return create(**kwargs)

    monkeypatch.setattr("accounts.api.customers.services.create_account", slow)

    def first():
        return send(ApiClient(key))

    def second():
        busy.wait(10)
        try:
            return send(ApiClient(key))
        finally:
            told.set()

    answered, waiting = together(first, second)
    assert answered.status_code == 201
    assert waiting["Retry-After"] == "1"
    problem(waiting, 409, "in_progress")
    assert send(ApiClient(key)).content == answered.content
    assert Account.objects.count() == 1
