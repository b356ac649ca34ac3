"""Incidents by API: read, declared and ended."""

from datetime import timedelta

import pytest
from django.utils import timezone

from health.services.incidents import check_feeds
from tests.factories import AccountFactory, SourceFactory
from tests.health.feed_rows import send, tells_about, this_hour

pytestmark = pytest.mark.django_db


def test_incidents_are_read_declared_and_ended(api):
    source, well = SourceFactory(name="App"), SourceFactory(name="Well")
    tells_about(source, AccountFactory())
    send(source, last_hour_ago=5)
    send(well)
    check_feeds(now=timezone.now())
    (found,) = api.read("/incidents").json()["data"]
    since = this_hour() - timedelta(hours=5)
    assert {name: found[name] for name in ("kind", "feed", "name", "is_open", "account_count", "opened_how")} == {
        "kind": "usage", "feed": str(source.pk), "name": "App", "is_open": True, "account_count": 1,
        "opened_how": "detected",
    }  # fmt: skip
    assert found["finding"] == "nothing in 3 hours instead of about 300 events"
    assert found["frozen_as_of"] == str(since.date())
    ended = api.call("PATCH", f"/incidents/{found['id']}", {"closing_reason": "Off on purpose"})
    assert ended.status_code == 200
    assert (ended.json()["is_open"], ended.json()["closed_how"], ended.json()["closing_reason"]) == (
        False, "person", "Off on purpose",
    )  # fmt: skip
    again = api.call("PATCH", f"/incidents/{found['id']}", {"closing_reason": "Off on purpose"})
    assert again.status_code == 400
    body = {"kind": "usage", "feed": str(well.pk), "collapsed_since": since.isoformat(), "reason": "Half is lost"}
    made = api.call("POST", "/incidents", body)
    assert made.status_code == 201
    assert made.json()["reason"] == "Half is lost"
    assert [row["id"] for row in api.read("/incidents?is_open=true").json()["data"]] == [made.json()["id"]]
    assert [row["id"] for row in api.read("/incidents?is_open=false").json()["data"]] == [found["id"]]
    assert api.read("/incidents?kind=tickets").json()["data"] == []


def test_unknown_feeds_are_refused_with_those_there_are(api):
    body = {"kind": "tickets", "feed": "x", "collapsed_since": timezone.now().isoformat(), "reason": "Broken"}
    refused = api.call("POST", "/incidents", body)
    assert refused.status_code == 400
    assert refused.json()["errors"] == [
        {"pointer": "#/feed", "code": "invalid", "message": "No such data have come; there are none yet."}
    ]
