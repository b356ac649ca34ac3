"""Reading a request body: inflate it within limits, and cut it into its events.

Pure: bytes in, bytes out. One unreadable event must not cost its neighbours, so events are cut
out raw here and decoded one by one in calls.py.
"""

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec

from health.enums import Dialect
from health.ingest.errors import BadBody

KIB = 1024
MAX_BODY_BYTES = {Dialect.SEGMENT: 4 * KIB * KIB, Dialect.POSTHOG: 6 * KIB * KIB}
MAX_EVENTS = 2500
MAX_RATIO = 200  # real batches of much alike events reach about 50
RATIO_COUNTS_FROM_BYTES = KIB * KIB
READ_BYTES = 64 * KIB
GZIP_OR_ZLIB = 47  # zlib's word for "look at the header"
GZIP_MAGIC = b"\x1f\x8b"
# Strings first, so that a bracket inside one is not taken for structure. Possessive: linear time.
STRUCTURE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},]', re.DOTALL)
WRITE_KEY = re.compile(rb'"(?:writeKey|api_key)"\s*:\s*"([\x21\x23-\x5b\x5d-\x7e]{1,64})"')
BATCH_KEY = re.compile(rb'"batch"\s*:\s*\[')


class Envelope(msgspec.Struct):
    """What a body says around its events; where one thing has two names, the second is PostHog's."""

    write_key: Any = msgspec.field(default=None, name="writeKey")
    api_key: Any = None
    token: Any = None
    segment_sent_at: Any = msgspec.field(default=None, name="sentAt")
    posthog_sent_at: Any = msgspec.field(default=None, name="sent_at")
    context: Any = None
    historical_migration: Any = None

    @property
    def key(self) -> str:
        return next((key for key in (self.write_key, self.api_key, self.token) if isinstance(key, str) and key), "")

    @property
    def sent_at(self) -> Any:
        return self.posthog_sent_at if self.segment_sent_at is None else self.segment_sent_at


class _Batch(Envelope):
    batch: list[msgspec.Raw] | None = None


class Shape(Enum):
    """What a route takes: one call, a batch, or either."""

    SINGLE = 1
    BATCH = 2
    EITHER = 3


@dataclass(frozen=True, slots=True)
class Body:
    envelope: Envelope
    events: list[bytes]


_decode_batch = msgspec.json.Decoder(_Batch).decode
_decode_envelope = msgspec.json.Decoder(Envelope).decode


def read_body(read: Callable[[int], bytes], *, encoding: str, limit: int) -> tuple[bytes, bytes]:
    """Return (the body in plain, the same compressed with gzip or zlib).

    What the bytes look like counts more than `encoding` says, since proxies and SDKs get it wrong.
    Raises BadBody: 400 empty or broken compression, 413 too large, 415 an encoding we do not know.
    """
    encoding = encoding.strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
        raise BadBody(415, "unsupported_encoding", f"Content-Encoding {encoding!r} is not read; use gzip or none.")
    sent = bytearray()
    while chunk := read(READ_BYTES):
        sent += chunk
        if len(sent) > limit:
            raise _too_large(limit)
    data = bytes(sent)
    if data[:2] == GZIP_MAGIC:
        return inflate(data, limit=limit), data
    if encoding == "deflate" and data[:1].strip() not in {b"{", b""}:
        plain = _inflate_deflate(data, limit=limit)
    else:
        plain = data
    if not plain.strip():
        raise BadBody(400, "empty_body", "The body is empty; it must be a JSON object.")
    return plain, zlib.compress(plain, 1)


def inflate(data: bytes, *, limit: int, window: int = GZIP_OR_ZLIB) -> bytes:
    """Return the plain bytes of gzip or zlib data, never holding more than `limit`. Raises BadBody."""
    stream = zlib.decompressobj(window)
    try:
        plain = stream.decompress(data, limit + 1)
    except zlib.error as error:
        raise BadBody(400, "invalid_compression", f"The compressed body cannot be read: {error}.") from None
    if len(plain) > RATIO_COUNTS_FROM_BYTES and len(plain) > MAX_RATIO * len(data):
        raise BadBody(413, "compression_bomb", f"The body grows more than {MAX_RATIO} times when it is unpacked.")
    if len(plain) > limit:
        raise _too_large(limit)
    if not stream.eof:
        raise BadBody(400, "invalid_compression", "The compressed body ends too early.")
    if not plain.strip():
        raise BadBody(400, "empty_body", "The body is empty; it must be a JSON object.")
    return plain


def split_body(plain: bytes, *, shape: Shape) -> Body:
    """Cut a body into its events. Raises BadBody: 400 not as expected, 413 too many events."""
    plain = plain.removeprefix(b"\xef\xbb\xbf")
    try:
        body = _split(plain, shape)
    except msgspec.ValidationError as error:
        raise BadBody(400, "invalid_body", f"The body is not as expected: {error}.") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        tolerated = _split_tolerantly(plain, shape)
        if tolerated is None:
            raise BadBody(400, "invalid_json", f"The body is not JSON: {error}.") from None
        body = tolerated
    if len(body.events) > MAX_EVENTS:
        raise BadBody(
            413, "too_many_events", f"The body has {len(body.events)} events; at most {MAX_EVENTS} are taken at once."
        )
    return body


def depth(raw: bytes) -> int:
    """Return how deeply objects and lists are nested; without recursion, whatever the depth."""
    level = deepest = 0
    for match in STRUCTURE.finditer(raw):
        if match[0] in b"[{":
            level += 1
            deepest = max(deepest, level)
        elif match[0] in b"]}":
            level -= 1
    return deepest


def _split(plain: bytes, shape: Shape) -> Body:
    if shape == Shape.SINGLE:
        return Body(_decode_envelope(plain), [plain])
    batch = _decode_batch(plain)
    if batch.batch is not None:
        return Body(batch, [bytes(raw) for raw in batch.batch])
    if shape == Shape.EITHER:
        return Body(batch, [plain])
    raise BadBody(400, "missing_batch", "The body has no “batch”; it must be a list of events.")


def _split_tolerantly(plain: bytes, shape: Shape) -> Body | None:
    """Cut by brackets alone, so that what is no JSON inside one event is that event's own fault.

    Returns None when the structure around the events is broken too.
    """
    start = None if shape == Shape.SINGLE else BATCH_KEY.search(plain)
    if start is None:
        return Body(_salvaged(plain), [plain]) if shape != Shape.BATCH and _is_balanced(plain) else None
    cut = _cut_list(plain, start.end())
    if cut is None:
        return None
    events, end = cut
    try:
        return Body(_decode_envelope(plain[: start.end()] + plain[end:]), events)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def _salvaged(plain: bytes) -> Envelope:
    """Return the envelope of a single event that is no JSON: its write key is all that is needed."""
    key = WRITE_KEY.search(plain)
    return Envelope(write_key=key[1].decode() if key else None)


def _cut_list(plain: bytes, start: int) -> tuple[list[bytes], int] | None:
    """Return the items of the list that opened just before `start`, and where its `]` is."""
    items, level, begin = [], 0, start
    for match in STRUCTURE.finditer(plain, start):
        token = match[0]
        if token in b"[{":
            level += 1
        elif level and token in b"]}":
            level -= 1
        elif level == 0 and token in b",]":
            items.append(plain[begin : match.start()].strip())
            begin = match.end()
            if token == b"]":
                return ([] if items == [b""] else items), match.start()
    return None


def _is_balanced(plain: bytes) -> bool:
    cut = _cut_list(plain + b"]", 0)
    return cut is not None and cut[1] == len(plain) and len(cut[0]) == 1 and plain.lstrip()[:1] == b"{"


def _inflate_deflate(data: bytes, *, limit: int) -> bytes:
    """`deflate` means zlib, but some clients send it bare."""
    try:
        return inflate(data, limit=limit)
    except BadBody as error:
        if error.code != "invalid_compression":
            raise
        return inflate(data, limit=limit, window=-zlib.MAX_WBITS)


def _too_large(limit: int) -> BadBody:
    return BadBody(413, "body_too_large", f"The body is larger than {limit // KIB} KiB; send fewer events at once.")
