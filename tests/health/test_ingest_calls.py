import json
from datetime import UTC, datetime, timedelta

import pytest

from health.enums import ClockNote
from health.ingest.calls import Arrival, read_segment_call
from health.ingest.clock import clock_skew, parse_time, settle_time
from health.ingest.errors import Rejected
from health.ingest.posthog import read_posthog_call

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
EARLIEST = NOW - timedelta(days=5 * 365)


def arrival(**options):
    return Arrival.of(**({"received_at": NOW, "oldest_days": 5 * 365, "is_backfill": False} | options))


def segment(event, call="", **options):
    raw = event if isinstance(event, bytes) else json.dumps(event).encode()
    return read_segment_call(raw, arrival(**options), call=call)


def posthog(event, **options):
    return read_posthog_call(json.dumps(event).encode(), arrival(**options))


def fields(call, *names):
    return tuple(getattr(call, name) for name in names)


TRACK = {"type": "track", "event": "Report viewed", "userId": "u1", "messageId": "m1"}


# The shapes the real SDKs send (measured); all keys but those of interest left as they came.
def test_segment_python_identify():
    call = segment(
        {
            "integrations": {},
            "anonymousId": None,
            "timestamp": "2026-11-24T11:59:58.842+00:00",
            "context": {"library": {"name": "analytics-python", "version": "2.4.0"}},
            "type": "identify",
            "userId": "u1",
            "traits": {"email": "ann@acme.example"},
            "messageId": "5e7f",
        },
        sent_at="2026-11-24T11:59:59.000+00:00",
    )
    assert fields(call, "kind", "user_id", "anonymous_id", "message_id") == ("identify", "u1", "", "5e7f")
    assert call.traits == {"email": "ann@acme.example"}
    assert (call.occurred_at, call.shift_ms) == (datetime(2026, 11, 24, 11, 59, 59, 842_000, UTC), 1000)


def test_segment_node_track():
    call = segment(
        {
            "type": "track",
            "event": "Export",
            "userId": 42,
            "messageId": "node-next-1764000000000-0b5c3a1e-9b1f-4a53-8a0d-0d9f2a9b7d11",
            "properties": {"revenue": 12, "format": "pdf"},
            "_metadata": {"nodeVersion": "24.1.0", "jsRuntime": "node"},
            "context": {"groupId": "acme"},
            "timestamp": "2026-11-24T11:00:00.000Z",
        },
        sent_at="2026-11-24T12:00:00.000Z",
    )
    assert fields(call, "user_id", "group_id", "name", "value", "shift_ms") == ("42", "acme", "Export", 12.0, 0)
    assert json.loads(call.properties) == {"revenue": 12, "format": "pdf"}
    assert len(call.message_id) == 60


def test_rudder_node_uses_original_timestamp_and_its_own_sent_at():
    call = segment(
        {
            "type": "page",
            "name": "Pricing",
            "channel": "server",
            "userId": "u1",
            "messageId": "m",
            "originalTimestamp": "2026-11-24T09:00:00.000Z",
            "timestamp": "2026-11-24T09:30:00.000Z",
            "sentAt": "2026-11-24T10:00:00.000Z",
        },
        sent_at="2026-11-24T12:00:00Z",
    )
    assert (call.occurred_at, call.shift_ms) == (datetime(2026, 11, 24, 11, 0, tzinfo=UTC), 7_200_000)
    assert fields(call, "kind", "name") == ("page", "Pricing")


def test_posthog_groupidentify_and_groups():
    group = posthog(
        {
            "event": "$groupidentify",
            "distinct_id": "$company_acme",
            "uuid": "g1",
            "properties": {"$group_type": "company", "$group_key": "acme", "$group_set": {"name": "Acme"}},
        }
    )
    assert fields(group, "kind", "group_id", "user_id", "traits", "message_id") == (
        "group",
        "acme",
        "",
        {"name": "Acme"},
        "g1",
    )
    event = posthog(
        {
            "event": "report viewed",
            "distinct_id": "u1",
            "uuid": "e1",
            "timestamp": "2026-11-24T11:00:00Z",
            "properties": {"$groups": {"team": "t", "company": "acme"}, "value": 2, "$lib": "posthog-python", "x": 1},
        }
    )
    assert fields(event, "kind", "group_id", "user_id", "name", "value") == (
        "track",
        "acme",
        "u1",
        "report viewed",
        2.0,
    )
    assert json.loads(event.properties) == {"value": 2, "x": 1}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            {"event": "$identify", "distinct_id": "u1", "$set": {"a": 1}, "properties": {"$anon_distinct_id": "anon"}},
            ("identify", "u1", "anon", {"a": 1}),
        ),
        (
            {"event": "$set", "distinct_id": "u1", "properties": {"$set_once": {"a": 1, "b": 1}, "$set": {"a": 2}}},
            ("identify", "u1", "", {"a": 2, "b": 1}),
        ),
        (
            {"event": "x", "properties": {"distinct_id": "anon", "$process_person_profile": False}},
            ("track", "", "anon", {}),
        ),
        (
            {"event": "$groupidentify", "distinct_id": "d", "properties": {"$group_type": "team", "$group_key": "t"}},
            ("ignored", "", "", {}),
        ),
        ({"event": "$feature_flag_called", "distinct_id": "u1", "properties": {}}, ("ignored", "u1", "", {})),
    ],
)
def test_posthog_people(event, expected):
    assert fields(posthog(event), "kind", "user_id", "anonymous_id", "traits") == expected


def test_posthog_alias_and_pages():
    alias = posthog({"event": "$create_alias", "distinct_id": "u1", "properties": {"alias": "anon"}})
    assert fields(alias, "kind", "user_id", "previous_id") == ("alias", "u1", "anon")
    page = posthog({"event": "$pageview", "distinct_id": "u1", "properties": {"$pathname": "/pricing"}})
    assert fields(page, "kind", "name") == ("page", "/pricing")


def test_traits_may_be_in_the_context():
    event = {"type": "identify", "userId": "u", "context": {"traits": {"a": 1, "b": 1}}, "traits": {"b": 2}}
    assert segment(event).traits == {"a": 1, "b": 2}
    assert segment({**TRACK, "traits": {"x": 1}, "context": {"traits": {"a": 1}}}).traits == {"a": 1}


def test_route_says_the_call():
    assert segment({"userId": "u", "traits": {}}, call="identify").kind == "identify"


def test_batch_context_fills_in_for_the_event():
    outer = {"groupId": "acme", "active": False}
    assert fields(segment(TRACK, context=outer), "group_id", "is_active") == ("acme", False)
    inner = {**TRACK, "context": {"groupId": "beta", "active": True}}
    assert fields(segment(inner, context=outer), "group_id", "is_active") == ("beta", True)


@pytest.mark.parametrize(
    ("given", "expected"), [(7, "7"), (7.0, "7"), (1.5, "1.5"), (" a ", "a"), (None, ""), ("", "")]
)
def test_ids_become_text(given, expected):
    assert segment({**TRACK, "anonymousId": given}).anonymous_id == expected


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"value": 3}, 3.0),
        ({"revenue": 2.5, "total": 9}, 2.5),
        ({"value": "3", "total": -1}, -1.0),
        ({"value": True}, None),
        ({"value": None}, None),
        ({}, None),
    ],
)
def test_value_is_the_first_number(properties, expected):
    assert segment({**TRACK, "properties": properties}).value == expected


def test_properties_lose_what_says_who_a_person_is():
    properties = {"email": "a@b.c", "plan": "pro", "user": {"first_name": "Ann", "seats": [{"ip": "::1", "n": 1}]}}
    assert json.loads(segment({**TRACK, "properties": properties}).properties) == {
        "plan": "pro",
        "user": {"seats": [{"n": 1}]},
    }


@pytest.mark.parametrize(
    ("event", "code", "part"),
    [
        ({"event": "A", "userId": "u"}, "missing_type", "track, page"),
        ({"type": "Track", "userId": "u"}, "unknown_type", "'Track'"),
        ({"type": "track", "userId": "u"}, "missing_event", "event"),
        ({"type": "track", "userId": "u", "event": "  "}, "missing_event", "event"),
        ({"type": "track", "userId": "u", "event": "x" * 201}, "event_name_too_long", "201"),
        ({"type": "track", "event": "A", "userId": ""}, "missing_id", "userId"),
        ({"type": "group", "userId": "u"}, "missing_group_id", "groupId"),
        ({"type": "alias", "userId": "u"}, "missing_previous_id", "previousId"),
        ({**TRACK, "userId": ["u"]}, "invalid_field", "$.userId"),
        ({**TRACK, "userId": True}, "invalid_field", "$.userId"),
        ({**TRACK, "userId": "u" * 256}, "id_too_long", "256"),
        ({**TRACK, "properties": []}, "invalid_field", "$.properties"),
        ({**TRACK, "context": "x"}, "invalid_field", "$.context"),
        ({**TRACK, "properties": {"a": "x" * 1_000_000}}, "event_too_large", "65536"),
        ({**TRACK, "properties": {"a": "x\0y"}}, "nul_character", "NUL"),
        ({**TRACK, "properties": {"a\0": 1}}, "nul_character", "NUL"),
        ({**TRACK, "properties": {"a": float("nan")}}, "not_a_number", "NaN"),
        ({**TRACK, "properties": {"a": float("-inf")}}, "not_a_number", "-Infinity"),
        ({**TRACK, "properties": {"a": "\ud800"}}, "lone_surrogate", "surrogate"),
        (
            b'{"type":"track","event":"A","userId":"u","properties":{"a":' + b"9" * 5000 + b"}}",
            "invalid_field",
            "range",
        ),
        (b'{"type":"track","event":"A","userId":"u","properties":{"a":1e999}}', "invalid_field", "out of range"),
        (b'{"type":"track","event":"\xff","userId":"u"}', "invalid_text", "UTF-8"),
        (b'{"type":"track","event":"\x00","userId":"u"}', "invalid_json", "malformed"),
        (b"17", "invalid_field", "object"),
        (b"null", "invalid_field", "object"),
        (b'{"type":"track","properties":{"a":' + b"[" * 40 + b"]" * 40 + b"}}", "too_deep", "32"),
        (b'{"type":"track","properties":{"a":' + b"[" * 9000 + b"]" * 9000 + b"}}", "too_deep", "32"),
        ({**TRACK, "timestamp": "1970-01-01T00:00:00Z"}, "timestamp_too_old", "1970"),
        ({**TRACK, "timestamp": "2099-01-01T00:00:00Z"}, "timestamp_in_future", "2099"),
        ({**TRACK, "timestamp": "yesterday"}, "invalid_timestamp", "yesterday"),
        ({**TRACK, "timestamp": 10**40}, "invalid_timestamp", "1000"),
    ],
)
def test_segment_rejects(event, code, part):
    with pytest.raises(Rejected) as caught:
        segment(event)
    assert caught.value.code == code
    assert part in caught.value.message


def test_escaped_backslash_is_no_nul():
    assert json.loads(segment({**TRACK, "properties": {"a": "\\u0000"}}).properties) == {"a": "\\u0000"}


def test_large_whole_numbers_are_kept():
    assert json.loads(segment({**TRACK, "properties": {"value": 10**400}}).properties) == {"value": 10**400}


def test_many_flat_objects_are_not_deep():
    properties = {"items": [{"n": n} for n in range(200)]}
    assert json.loads(segment({**TRACK, "properties": properties}).properties) == properties


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-24T12:00:00Z", NOW),
        ("2026-11-24T13:00:00+01:00", NOW),
        ("2026-11-24T12:00:00", NOW),
        (1795608000, datetime(2026, 11, 25, 12, 0, tzinfo=UTC)),
        (1795608000000, datetime(2026, 11, 25, 12, 0, tzinfo=UTC)),
        (None, None),
        ("", None),
    ],
)
def test_parse_time(value, expected):
    found = parse_time(value, "timestamp")
    assert found == expected
    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize(
    ("sent_at", "expected"),
    [
        (None, (0, ClockNote.NONE)),
        ("2026-11-24T11:59:59.9995Z", (0, ClockNote.NONE)),
        ("2026-11-24T12:00:10Z", (-10_000, ClockNote.NONE)),
        ("2026-11-23T12:00:00Z", (86_400_000, ClockNote.NONE)),
        ("2026-11-23T11:59:59Z", (0, ClockNote.SKEW_IGNORED)),
        ("nonsense", (0, ClockNote.SKEW_IGNORED)),
    ],
)
def test_clock_skew(sent_at, expected):
    assert clock_skew(sent_at, NOW) == expected


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("original", "shift_ms", "expected"),
    [
        (None, 5000, (NOW, 0, ClockNote.NONE)),
        (NOW - DAY, 0, (NOW - DAY, 0, ClockNote.NONE)),
        (NOW - DAY, 1500, (NOW - DAY + timedelta(seconds=1.5), 1500, ClockNote.NONE)),
        (NOW + timedelta(seconds=1), 0, (NOW, -1000, ClockNote.CLAMPED)),
        (NOW + DAY, 0, (NOW, -86_400_000, ClockNote.CLAMPED)),
        (NOW + DAY + timedelta(microseconds=1), 0, "timestamp_in_future"),
        (EARLIEST, 0, (EARLIEST, 0, ClockNote.NONE)),
        (EARLIEST - timedelta(microseconds=1), 0, "timestamp_too_old"),
        (datetime(1, 1, 1, tzinfo=UTC), -1000, "timestamp_too_old"),
        (datetime.max.replace(tzinfo=UTC), 1000, "timestamp_in_future"),
    ],
)
def test_settle_time(original, shift_ms, expected):
    if isinstance(expected, str):
        with pytest.raises(Rejected) as caught:
            settle_time(original, (shift_ms, ClockNote.NONE), NOW, earliest=EARLIEST)
        assert caught.value.code == expected
        return
    found = settle_time(original, (shift_ms, ClockNote.NONE), NOW, earliest=EARLIEST)
    assert found == expected
    if original is not None:  # the client's own time is not lost
        assert found[0] - timedelta(milliseconds=found[1]) == original


def test_backfill_reaches_back_to_1990():
    old = {**TRACK, "timestamp": "1990-01-01T00:00:00Z"}
    assert segment(old, is_backfill=True).occurred_at == datetime(1990, 1, 1, tzinfo=UTC)
    with pytest.raises(Rejected):
        segment({**TRACK, "timestamp": "1989-12-31T23:59:59Z"}, is_backfill=True)
