"""The door of ingest beside Django's: which paths it takes, and what it leaves out."""

import io
import json

import pytest

from cs_platform.wsgi import application
from health.ingest.wsgi import INGEST_PATH
from health.models import IngestBatch
from tests.health.wire import track

pytestmark = pytest.mark.django_db(transaction=True)


def call(path, body=b"", method="POST", **environ):
    """Return (status, headers, body) of the whole WSGI application."""
    answer = []
    given = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "HTTP_HOST": "events.unknown.example",
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
        **environ,
    }
    response = application(given, lambda status, headers, _info=None: answer.extend([status, dict(headers)]))
    content = b"".join(response)
    getattr(response, "close", lambda: None)()
    return int(answer[0][:3]), answer[1], content


@pytest.fixture
def body(source):
    return json.dumps({"batch": [track("u1", group="acme")], "writeKey": source.write_key}).encode()


def test_events_come_in_by_any_host_without_a_cookie(body):
    status, headers, content = call("/v1/batch", body)
    assert (status, json.loads(content)["accepted"]) == (200, 1)
    assert headers.keys() == {"Content-Type", "Content-Length", "Access-Control-Allow-Origin"}
    assert headers["Content-Length"] == str(len(content))


def test_a_body_without_a_length_is_read_to_its_end(body):
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    assert call("/v1/batch", body, **chunked)[0] == 200
    assert IngestBatch.objects.get().event_count == 1


def test_an_unknown_address_of_ingest_is_a_problem_document(db):
    status, headers, content = call("/v1/nonsense")
    assert (status, headers["Content-Type"]) == (404, "application/problem+json")
    assert json.loads(content)["code"] == "unknown_address"


def test_other_addresses_are_djangos(db):
    status, headers, _ = call("/", method="GET", HTTP_HOST="localhost")
    assert status == 302
    assert headers["Location"].startswith("/login/")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/batch", True),
        ("/v1/projects/wk/settings", True),
        ("/batch", True),
        ("/batch/", True),
        ("/capture/", True),
        ("/batches/", False),
        ("/v1", False),
        ("/api/v1/accounts", False),
        ("/", False),
    ],
)
def test_ingest_path(path, expected):
    assert bool(INGEST_PATH.match(path)) is expected
