"""The HTTP around every address: one error shape, methods, media types, versions, no redirects."""

import json
import re

import pytest
from django.db import OperationalError

from accounts.models import Account
from tests.api.conftest import ApiClient, make_key
from tests.factories import AccountFactory

pytestmark = pytest.mark.django_db


def problem(response, status, code):
    """Check that an answer is a problem and return it."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert {"type", "title", "status", "code", "detail", "errors"} <= set(body)
    assert (body["status"], body["code"]) == (status, code)
    return body


def test_root_names_the_resources_and_each_is_there(api):
    for path in ("/api/v1", "/api/v1/"):
        root = api.call("GET", path).json()
        assert root["accounts"] == "http://testserver/api/v1/accounts"
    for url in root.values():
        assert api.read(url).status_code == 200, url


def test_whoami_for_key_and_person(api, person):
    assert api.read("/whoami").json()["key"] == "Test"
    client = person(name="Ada")
    answer = client.read("/whoami").json()
    assert (answer["key"], answer["scopes"]) == (None, [])
    assert answer["user"]["id"] == str(client.user.pk)
    assert set(answer["user"]) == {"id", "name", "email", "access_level", "function", "teams", "time_zone", "is_active"}


def test_no_key_or_a_wrong_one_is_401_and_says_how(db):
    for headers in ({}, {"Authorization": "Bearer cs_live_wrong"}, {"Authorization": f"Bearer {make_key()}x"}):
        response = ApiClient().call("GET", "/accounts", headers=headers)
        problem(response, 401, "not_authenticated")
        assert response["WWW-Authenticate"] == 'Bearer realm="api"'


def test_an_address_that_is_not_there(api):
    assert "no slash at the end" in problem(api.read("/accounts/"), 404, "not_found")["detail"]
    for path in ("/nothing", "/accounts/1/nothing", "/api/v2/accounts", "/api/"):
        problem(api.read(path), 404, "not_found")
        problem(api.call("POST", path, {}), 404, "not_found")


def test_an_id_that_cannot_be_one_is_not_found(api):
    for text in ("0", "01", "-1", "1.0", "x", "9" * 19, "9" * 40, "%00", "１"):
        problem(api.read(f"/accounts/{text}"), 404, "not_found")


def test_methods(api):
    account = AccountFactory()
    for path, allow in [
        ("/accounts", "GET, POST, HEAD, OPTIONS"),
        (f"/accounts/{account.pk}", "GET, PATCH, DELETE, HEAD, OPTIONS"),
        ("/accounts/by-external/crm/1", "GET, PUT, HEAD, OPTIONS"),
        ("/accounts/batch/upsert", "POST, OPTIONS"),
        ("/whoami", "GET, HEAD, OPTIONS"),
    ]:
        options = api.call("OPTIONS", path)
        assert (options.status_code, options["Allow"], options.content) == (204, allow, b"")
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "LOCK"):
            if method not in allow:
                for query in ("", "?page_size=10"):
                    response = api.call(method, path + query)
                    problem(response, 405, "method_not_allowed")
                    assert response["Allow"] == allow


def test_head_answers_like_get_without_a_body(api):
    account = AccountFactory()
    for path in ("/accounts", f"/accounts/{account.pk}"):
        get, head = api.read(path), api.call("HEAD", path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.get("ETag") == get.get("ETag")


def test_media_types(api):
    problem(api.read("/accounts", Accept="text/csv"), 406, "not_acceptable")
    assert api.read("/accounts", Accept="application/*").status_code == 200
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        response = api.call("POST", "/accounts", raw="name=x", content_type=content_type)
        problem(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "is needed|needs a name"),
        (b"{", "not JSON"),
        (b'{"name": NaN}', "NaN is not a JSON number"),
        (b'{"name": -Infinity}', "not a JSON number"),
        (b'{"name": 1e999}', "too large"),
        (b'{"name": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"name": 12345678901234567890}', "must be text"),
        (b'{"name": "a\\u0000b"}', "NUL"),
        (b'{"name": "\\ud800"}', "surrogate"),
        (b'{"\\udfff": 1}', "surrogate"),
        (b'{"attributes": {"a": ["\\u0000"]}}', "NUL"),
        (b'{"name": "\xff"}', "not UTF-8"),
        (b'{"name": "a", "name": "b"}', "same key twice"),
        (b'{"attributes": ' + b"[" * 40 + b"]" * 40 + b"}", "nested"),
        (b"[" * 100_000, "nested"),
        (b"[]", "dictionary"),
        (b'"text"', "dictionary"),
        (b"null", "may not be null"),
        (b'{"name": "' + b"x" * 201 + b'"}', "no more than 200"),
        (b'{"name": true}', "must be text, not true or false"),
        (b'{"name": {}}', "must be text, not an object"),
        (b'{"name": null}', "may not be null"),
        (b'{"name": "  "}', "may not be blank"),
        (b'{"name": "a", "customer_since": "2026-02-30"}', "not a date"),
        (b'{"name": "a", "customer_since": "20260201"}', "not a date"),
        (b'{"name": "a", "customer_since": "0001-01-01"}', "not a date"),
        (b'{"name": "a", "effective_at": "2026-02-01T00:00:00"}', "not a moment"),
        (b'{"name": "a", "effective_at": "9999-12-31T23:59:59-23:59"}', "not a moment"),
        (b'{"name": "a", "effective_at": 1700000000}', "not a moment"),
        (b'{"name": "a", "stage": "Adoption"}', "none of prospect"),
        (b'{"name": "a", "stage": ["adoption"]}', "none of prospect"),
        (b'{"name": "a", "csm": 7}', "id of a user"),
        (b'{"name": "a", "parent": {"system": "crm"}}', "required"),
        (b'{"name": "a", "external_ids": {"crm": 5}}', "object of texts"),
        (b'{"name": "a", "external_ids": {"": "5"}}', "1 to 60"),
        (b'{"name": "a", "attributes": {"stage": "renewal"}}', "built-in"),
        (b'{"name": "a", "arr": "5.00"}', "no field 'arr'"),
    ],
)
def test_bad_bodies_are_400_with_words(api, raw, words):
    response = api.call("POST", "/accounts", raw=raw)
    body = problem(response, 400, "invalid")
    assert body["errors"]
    assert all(error["pointer"].startswith("#") and error["code"] for error in body["errors"])
    assert re.search(words, json.dumps(body, ensure_ascii=False)), body
    assert not Account.objects.exists()


def test_amounts_and_numbers_are_exact(api):
    api.call("PUT", "/accounts/by-external/crm/1", {})
    base = {"account": {"system": "crm", "external_id": "1"}}
    for name, value in [
        ("mrr", 12.5),
        ("mrr", "12.345"),
        ("mrr", "1e3"),
        ("mrr", "NaN"),
        ("mrr", "999999999999.00"),
        ("mrr", "１"),
        ("seats", "5"),
        ("seats", True),
        ("seats", -1),
        ("seats", 2.5),
        ("seats", 2**31),
        ("currency", "EURO"),
        ("currency", "1$€"),
        ("product", "a b"),
    ]:
        response = api.call("POST", "/subscriptions", {**base, name: value})
        assert [error["pointer"] for error in problem(response, 400, "invalid")["errors"]] == [f"#/{name}"], value
    assert api.call("POST", "/subscriptions", {**base, "seats": 5.0, "mrr": "0"}).json()["mrr"] == "0.00"


def test_too_large_a_body_is_413(api, settings):
    settings.API_MAX_BODY_BYTES = 100
    problem(api.call("POST", "/accounts", {"name": "x" * 100}), 413, "too_large")
    assert api.call("POST", "/accounts", {"name": "x"}).status_code == 201


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("page_size=0", "page_size"),
        ("page_size=1001", "page_size"),
        ("page_size=ten", "page_size"),
        ("cursor=nonsense", "cursor"),
        ("cursor=", "cursor"),
        ("updated_after=yesterday", "updated_after"),
        ("updated_after=2026-01-01", "updated_after"),
        ("include_deleted=maybe", "include_deleted"),
        ("stage=none", "stage"),
        ("csm=%00", "csm"),
        ("updated_since=2026-01-01T00:00:00Z", "updated_since"),
    ],
)
def test_bad_parameters_are_named(api, query, parameter):
    body = problem(api.read(f"/accounts?{query}"), 400, "invalid")
    assert [error["parameter"] for error in body["errors"]] == [parameter]


def test_parameters_that_an_address_does_not_know_are_refused(api):
    account = AccountFactory()
    problem(api.read(f"/accounts/{account.pk}?fields=name"), 400, "invalid")
    problem(api.call("POST", "/accounts?dry_run=true", {"name": "x"}), 400, "invalid")
    assert (
        problem(api.read("/whoami?a=b"), 400, "invalid")["detail"]
        == "There is no field 'a' here; nothing may be given."
    )


def test_versions(api):
    account = AccountFactory()
    path = f"/accounts/{account.pk}"
    tag = api.read(path)["ETag"]
    assert tag == '"1"'
    for sent in (tag, f"W/{tag}", f'"9", {tag}', "*"):
        unchanged = api.call("GET", path, headers={"If-None-Match": sent})
        assert (unchanged.status_code, unchanged.content, unchanged["ETag"]) == (304, b"", tag)
    assert api.call("GET", path, headers={"If-None-Match": '"2"'}).status_code == 200
    changed = api.call("PATCH", path, {"name": "B"}, headers={"If-Match": tag})
    assert (changed.status_code, changed["ETag"]) == (200, '"2"')
    for method, body in [("PATCH", {"name": "C"}), ("DELETE", None)]:
        problem(api.call(method, path, body, headers={"If-Match": tag}), 412, "version_moved")
    account.refresh_from_db()
    assert (account.name, account.deleted_at) == ("B", None)
    assert api.call("DELETE", path, headers={"If-Match": '"2"'}).status_code == 204


def test_versions_on_upsert(api):
    path = "/accounts/by-external/crm/1"
    problem(api.call("PUT", path, {}, headers={"If-Match": '"1"'}), 412, "version_moved")
    assert not Account.objects.exists()
    assert api.call("PUT", path, {}, headers={"If-None-Match": "*"}).status_code == 201
    problem(api.call("PUT", path, {"name": "B"}, headers={"If-None-Match": "*"}), 412, "exists")
    assert api.call("PUT", path, {"name": "B"}, headers={"If-Match": '"1"'})["ETag"] == '"2"'


def test_a_failure_of_ours_is_a_logged_problem(api, monkeypatch, caplog):
    def fail(*args, **kwargs):
        raise RuntimeError("boom")

    monkeypatch.setattr("accounts.api.customers.services.create_account", fail)
    api.raise_request_exception = False
    body = problem(api.call("POST", "/accounts", {"name": "x"}), 500, "server_error")
    assert "boom" not in json.dumps(body)
    assert "boom" in caplog.text


def test_a_database_away_is_503(api, monkeypatch):
    def fail(*args, **kwargs):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr("accounts.api.customers.services.create_account", fail)
    response = api.call("POST", "/accounts", {"name": "x"})
    problem(response, 503, "unavailable")
    assert response["Retry-After"] == "2"


def test_what_fails_before_the_api_is_a_problem_too(api):
    problem(api.call("GET", "/accounts", headers={"Host": "evil.example"}), 400, "invalid")


def test_answers_are_never_stored_by_caches(api):
    assert api.read("/accounts")["Cache-Control"] == "no-store"
    assert api.read("/nothing").status_code == 404


def test_users_and_products_in_pages(api, person):
    for n in range(3):
        person(name=f"User {n}")
    page = api.read("/users?page_size=2").json()
    rest = api.read(page["next"]).json()
    assert [len(page["data"]), len(rest["data"]), rest["next"]] == [2, 1, None]
    one = page["data"][0]
    assert api.read(f"/users/{one['id']}").json() == one
