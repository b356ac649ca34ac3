import base64
import gzip
import json

import pytest
from django.db import OperationalError
from django.test import Client

from health.ingest import accept as accept_module
from health.models import IngestBatch, RejectedEvent, UsageDay
from tests.factories import SourceFactory
from tests.health.wire import days, identify, process, track

pytestmark = pytest.mark.django_db

BATCH = {"batch": [track("u1", group="acme")], "writeKey": "wk"}


def basic(key, password=""):
    return {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"{key}{password}".encode()).decode()}


def post(path, content, content_type="application/json", **headers):
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Client(enforce_csrf_checks=True).post(path, data, content_type=content_type, **headers)


def problem(response):
    assert response["Content-Type"] == "application/problem+json"
    content = response.json()
    assert content["status"] == response.status_code
    assert content["detail"] == content["message"]
    assert {"type", "title", "code"} < content.keys()
    return response.status_code, content["code"]


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b", "/v1/import"])
def test_batches(source, path, slash):
    response = post(path + slash, BATCH)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == {
        "success": True,
        "status": 1,
        "code": 200,
        "accepted": 1,
        "duplicates": 0,
        "rejected": [],
    }
    assert response["Access-Control-Allow-Origin"] == "*"
    assert not response.cookies
    row = IngestBatch.objects.get()
    assert (row.source_id, row.event_count, row.is_backfill) == (source.pk, 1, path == "/v1/import")


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(
    ("paths", "event"),
    [
        (("track", "t"), {"event": "A", "userId": "u1", "context": {"groupId": "acme"}}),
        (("page", "p"), {"name": "A", "userId": "u1", "context": {"groupId": "acme"}}),
        (("screen", "s"), {"name": "A", "userId": "u1", "context": {"groupId": "acme"}}),
        (("identify", "i"), {"userId": "u1", "traits": {}}),
        (("group", "g"), {"userId": "u1", "groupId": "acme"}),
        (("alias", "a"), {"userId": "u1", "previousId": "u0"}),
    ],
)
def test_single_calls(source, paths, event, slash):
    for path in paths:
        response = post(f"/v1/{path}{slash}", {**event, "writeKey": "wk"}, "text/plain")
        assert (response.status_code, response.json()["accepted"], response.json()["rejected"]) == (200, 1, [])
    process()
    assert sum(days().values()) == (2 if "event" in event or "name" in event else 0)


@pytest.mark.parametrize("path", ["/batch/", "/batch", "/capture/", "/capture"])
def test_posthog_routes_take_batches_and_single_events(source, path):
    event = {"event": "A", "distinct_id": "u1", "properties": {"$groups": {"company": "acme"}}}
    assert post(path, {"api_key": "wk", "batch": [event, event]}).json()["accepted"] == 2
    assert post(path, {"api_key": "wk", **event}).json()["accepted"] == 1
    process()
    assert list(days().values()) == [3]


def test_historical_migration_of_posthog_is_backfill(source):
    event = {"event": "A", "distinct_id": "u1", "timestamp": "2001-01-01T00:00:00Z"}
    event["properties"] = {"$groups": {"company": "acme"}}
    post("/batch/", {"api_key": "wk", "batch": [event], "historical_migration": True})
    process()
    assert UsageDay.objects.get().is_backfill


@pytest.mark.parametrize(
    "headers",
    [
        basic("wk", ":"),
        basic("wk"),
        basic("wk", ":anything"),
        {"HTTP_AUTHORIZATION": "Bearer wk"},
    ],
)
def test_write_key_in_the_header(source, headers):
    assert post("/v1/batch", {"batch": BATCH["batch"]}, **headers).status_code == 200


def test_basic_comes_before_the_body_and_the_body_before_bearer(source):
    SourceFactory(write_key="other")
    assert post("/v1/batch", {**BATCH, "writeKey": "nobody"}, **basic("wk", ":")).status_code == 200
    assert problem(post("/v1/batch", BATCH, **basic("nobody", ":"))) == (401, "unknown_write_key")
    bearer = {"HTTP_AUTHORIZATION": "Bearer nobody"}
    assert post("/v1/batch", BATCH, **bearer).status_code == 200


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
def test_the_content_type_does_not_matter(source, content_type):
    body = gzip.compress(json.dumps(BATCH).encode())
    response = post("/v1/batch", body, content_type, HTTP_CONTENT_ENCODING="gzip")
    assert (response.status_code, response.json()["accepted"]) == (200, 1)


@pytest.mark.parametrize(
    ("content", "headers", "expected"),
    [
        (b"", {}, (400, "empty_body")),
        (b'{"batch":[{"type":"tra', {}, (400, "invalid_json")),
        (b'{"writeKey":"wk"}', {}, (400, "missing_batch")),
        (b" " * 10_000_000, {}, (413, "body_too_large")),
        (gzip.compress(b" " * 10_000_000), {"HTTP_CONTENT_ENCODING": "gzip"}, (413, "compression_bomb")),
        (BATCH, {"HTTP_CONTENT_ENCODING": "br"}, (415, "unsupported_encoding")),
        ({"batch": BATCH["batch"]}, {}, (401, "missing_write_key")),
        ({**BATCH, "writeKey": "nobody"}, {}, (401, "unknown_write_key")),
        ({**BATCH, "writeKey": "nul\0"}, {}, (401, "unknown_write_key")),
        ({**BATCH, "writeKey": 7}, {}, (401, "missing_write_key")),
        (BATCH, {"HTTP_AUTHORIZATION": "Basic §§"}, (200, None)),
        ({"batch": [], "writeKey": "nobody"}, {}, (401, "unknown_write_key")),
        (b"no json", basic("nobody", ":"), (401, "unknown_write_key")),
        (b"no json", basic("wk", ":"), (400, "invalid_json")),
    ],
)
def test_refusals(source, content, headers, expected):
    response = post("/v1/batch", content, **headers)
    assert (response.status_code, None if response.status_code == 200 else problem(response)[1]) == expected
    assert IngestBatch.objects.count() == (1 if expected[0] == 200 else 0)


def test_a_disabled_source_is_forbidden(source):
    source.is_enabled = False
    source.save()
    assert problem(post("/v1/batch", BATCH)) == (403, "source_disabled")
    assert IngestBatch.objects.count() == 0


def test_an_empty_batch_is_fine_and_leaves_nothing(source):
    response = post("/v1/batch", {"batch": [], "writeKey": "wk"})
    assert (response.status_code, response.json()["accepted"]) == (200, 0)
    assert IngestBatch.objects.count() == 0


def test_rejected_events_are_named_and_quarantined(source):
    event = track("u1", group="acme")
    body = (
        b'{"writeKey":"wk","batch":['
        + b",".join(
            [
                json.dumps(event).encode(),
                json.dumps(event).encode(),
                b'{"type":"track","messageId":"n","userId":"u","event":"A","properties":{"a":NaN}}',
                json.dumps(track("u", "A", text="x\0")).encode(),
                rb'{"type":"track","messageId":"s","userId":"u","event":"\ud800"}',
                json.dumps(track("u", "A", text="x" * 1_000_000)).encode(),
                json.dumps(track("u", "A", at="1970-01-01T00:00:00Z")).encode(),
                json.dumps(track("u", "A", at="2099-01-01T00:00:00Z")).encode(),
                b'{"type":"track","deep":' + b"[" * 5000 + b"]" * 5000 + b"}",
                b"7",
            ]
        )
        + b"]}"
    )
    answer = post("/v1/batch", body).json()
    assert (answer["accepted"], answer["duplicates"]) == (1, 1)
    codes = {row["index"]: row["code"] for row in answer["rejected"]}
    assert codes == {
        2: "not_a_number",
        3: "nul_character",
        4: "lone_surrogate",
        5: "event_too_large",
        6: "timestamp_too_old",
        7: "timestamp_in_future",
        8: "too_deep",
        9: "invalid_field",
    }
    assert answer["rejected"][0]["messageId"] == "n"
    assert answer["rejected"][7]["messageId"] is None
    process()
    assert list(days().values()) == [1]
    kept = {row.code: bytes(row.raw) for row in RejectedEvent.objects.all()}
    assert kept.keys() == set(codes.values())
    assert kept["not_a_number"].endswith(b'{"a":NaN}}')
    assert len(kept["event_too_large"]) > 1_000_000
    source.refresh_from_db()
    assert (source.accepted_count, source.duplicate_count, source.rejected_count) == (1, 1, 8)


def test_nothing_is_accepted_while_the_database_cannot_keep_it(source, monkeypatch):
    def fail(values):
        raise OperationalError

    monkeypatch.setattr(accept_module, "_insert", fail)
    response = post("/v1/batch", BATCH)
    assert problem(response) == (429, "try_again_later")
    assert response["Retry-After"] == "60"


def test_an_unforeseen_fault_is_a_problem_document_too(source, monkeypatch):
    def fail(values):
        raise ZeroDivisionError

    monkeypatch.setattr(accept_module, "_insert", fail)
    assert problem(post("/v1/batch", BATCH)) == (500, "internal_error")


def test_a_missing_partition_is_made_on_the_way(source):
    assert post("/v1/batch", BATCH).status_code == 200
    assert post("/v1/batch", BATCH).status_code == 200
    assert IngestBatch.objects.count() == 2


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/t", "/batch/", "/v1/projects/wk/settings"])
def test_preflight(db, path):
    response = Client().options(path)
    assert (response.status_code, response.content) == (204, b"")
    assert response["Access-Control-Allow-Origin"] == "*"
    assert {"authorization", "content-type", "x-retry-count"} <= set(
        response["Access-Control-Allow-Headers"].split(", ")
    )
    assert response["Access-Control-Max-Age"] == "86400"
    assert "Access-Control-Allow-Credentials" not in response


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_other_methods_are_refused_without_a_redirect(db, method):
    response = getattr(Client(), method)("/v1/batch")
    assert problem(response) == (405, "method_not_allowed")
    assert response["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("slash", ["", "/"])
def test_settings_of_the_browser_sdk(source, settings, slash):
    settings.PUBLIC_URL = "https://cs.example:8443"
    response = Client().get(f"/v1/projects/wk/settings{slash}")
    segment = response.json()["integrations"]["Segment.io"]
    assert (segment["apiKey"], segment["apiHost"], segment["protocol"]) == ("wk", "cs.example:8443/v1", "https")
    assert response["Access-Control-Allow-Origin"] == "*"
    assert problem(Client().get("/v1/projects/nobody/settings")) == (404, "unknown_write_key")


def test_null_ids_are_normal(source):
    event = {**identify("u1"), "anonymousId": None, "context": None, "timestamp": None}
    assert post("/v1/batch", {"batch": [event], "writeKey": "wk", "context": None}).json()["accepted"] == 1
