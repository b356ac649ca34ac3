import gzip
import io
import json
import zlib

import pytest

from health.ingest.body import Shape, depth, read_body, split_body
from health.ingest.errors import BadBody

LIMIT = 4 * 1024 * 1024
BATCH = {"batch": [{"type": "track", "event": "A"}], "sentAt": "2026-11-24T08:00:00Z", "writeKey": "wk"}
PLAIN = json.dumps(BATCH).encode()


def read(data: bytes, encoding: str = "", limit: int = LIMIT):
    return read_body(io.BytesIO(data).read, encoding=encoding, limit=limit)


def bare_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (PLAIN, ""),
        (PLAIN, "identity"),
        (PLAIN, "gzip"),  # a proxy unpacked it and left the header
        (gzip.compress(PLAIN), "gzip"),
        (gzip.compress(PLAIN), " GZIP "),
        (gzip.compress(PLAIN), ""),  # the SDK forgot the header
        (zlib.compress(PLAIN), "deflate"),
        (bare_deflate(PLAIN), "deflate"),
        (PLAIN, "deflate"),
    ],
)
def test_read_body_takes_every_encoding(data, encoding):
    plain, compressed = read(data, encoding)
    assert plain == PLAIN
    assert zlib.decompressobj(47).decompress(compressed) == PLAIN


@pytest.mark.parametrize(
    ("data", "encoding", "status", "code"),
    [
        (b"", "", 400, "empty_body"),
        (b" \r\n\t", "", 400, "empty_body"),
        (gzip.compress(b"  "), "gzip", 400, "empty_body"),
        (gzip.compress(PLAIN)[:-9], "gzip", 400, "invalid_compression"),
        (b"\x1f\x8b" + b"x" * 40, "gzip", 400, "invalid_compression"),
        (b"\x07no", "deflate", 400, "invalid_compression"),
        (PLAIN, "br", 415, "unsupported_encoding"),
        (b" " * (LIMIT + 1), "", 413, "body_too_large"),
        (gzip.compress(b" " * 10_000_000), "gzip", 413, "compression_bomb"),
        (gzip.compress(b"[" + b"0," * 1_500_000), "gzip", 413, "compression_bomb"),
        (zlib.compress(json.dumps([i * 7919 for i in range(900_000)]).encode()), "deflate", 413, "body_too_large"),
    ],
)
def test_read_body_refuses(data, encoding, status, code):
    with pytest.raises(BadBody) as caught:
        read(data, encoding)
    assert (caught.value.status, caught.value.code) == (status, code)


def test_read_body_takes_what_the_largest_sdk_batches_need():
    plain = b'{"batch":[' + b" " * (LIMIT - 12) + b"]}"
    assert read(plain)[0] == plain


def test_split_body_cuts_events_raw():
    body = split_body(PLAIN, shape=Shape.BATCH)
    assert body.events == [b'{"type": "track", "event": "A"}']
    assert (body.envelope.key, body.envelope.sent_at) == ("wk", "2026-11-24T08:00:00Z")


def test_split_body_reads_posthog_names():
    body = split_body(b'{"api_key":"pk","sent_at":"x","batch":[]}', shape=Shape.EITHER)
    assert (body.envelope.key, body.envelope.sent_at, body.events) == ("pk", "x", [])


def test_split_body_takes_a_single_call_whole():
    raw = b'{"type":"track","event":"A","writeKey":"wk"}'
    for shape in (Shape.SINGLE, Shape.EITHER):
        body = split_body(raw, shape=shape)
        assert (body.events, body.envelope.key) == ([raw], "wk")


@pytest.mark.parametrize(
    "bad",
    [
        rb'{"a": NaN}',
        rb'{"a": -Infinity}',
        rb'{"a": "\ud800"}',
        b'{"a": "\x00"}',
        rb'{"a": "\x"}',
        b'{"a": "]}"}, ',
        b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        rb'{"a": "quote \" and ] bracket"}, {"b": NaN}',
    ],
)
def test_split_body_isolates_an_event_that_is_no_json(bad):
    good = b'{"type": "track"}'
    parts = [part for part in bad.split(b", ") if part]
    body = split_body(
        b'\xef\xbb\xbf{"writeKey": "wk", "batch": [' + b", ".join([good, *parts, good]) + b'], "sentAt": "t"}',
        shape=Shape.BATCH,
    )
    assert body.events == [good, *parts, good]
    assert (body.envelope.key, body.envelope.sent_at) == ("wk", "t")


def test_split_body_isolates_a_single_event_and_finds_its_key():
    raw = b'{"event": "A", "properties": {"a": NaN}, "writeKey": "wk"}'
    body = split_body(raw, shape=Shape.SINGLE)
    assert (body.events, body.envelope.key) == ([raw], "wk")


@pytest.mark.parametrize(
    ("plain", "status", "code"),
    [
        (b'{"batch":[{"type":"track"}', 400, "invalid_json"),
        (b'{"batch":[{"type":"tra', 400, "invalid_json"),
        (b'{"batch":[{"a":NaN}],"sentAt":', 400, "invalid_json"),
        (b'{"batch":[{"a":NaN}], NaN}', 400, "invalid_json"),
        (b"hello", 400, "invalid_json"),
        (b"\xff\xfe{}", 400, "invalid_json"),
        (b"[]", 400, "invalid_body"),
        (b'"text"', 400, "invalid_body"),
        (b'{"batch":{}}', 400, "invalid_body"),
        (b"{}", 400, "missing_batch"),
        (b'{"batch":null}', 400, "missing_batch"),
        (b'{"batch":[' + b"1," * 2500 + b"1]}", 413, "too_many_events"),
    ],
)
def test_split_body_refuses(plain, status, code):
    with pytest.raises(BadBody) as caught:
        split_body(plain, shape=Shape.BATCH)
    assert (caught.value.status, caught.value.code) == (status, code)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(b"1", 0), (b"{}", 1), (rb'{"a":"[[[\"[[[","b":[{}]}', 3), (b"[" * 100_000 + b"]" * 100_000, 100_000)],
)
def test_depth(raw, expected):
    assert depth(raw) == expected
