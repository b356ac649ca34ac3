"""Accepted bodies on their way in: unpacked, decoded, each event alone."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from health.enums import Dialect
from health.ingest.accept import Route, read_calls
from health.ingest.body import MAX_BODY_BYTES, Body, inflate
from health.ingest.calls import Call
from health.ingest.errors import Rejected

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class SourceRow:
    """What writing needs to know of a source."""

    id: int
    system: str
    product_id: int | None


@dataclass(frozen=True, slots=True)
class Batch:
    """A body that was accepted. `key` tells it from every other, for messages that have no id."""

    key: str
    source: SourceRow
    route: Route
    received_at: datetime
    is_backfill: bool
    envelope: bytes = b"{}"


class Incoming(msgspec.Struct, gc=False):
    """A decoded call with where it came from."""

    call: Call
    batch: Batch
    raw: bytes
    message_hash: bytes


class Quarantined(msgspec.Struct, gc=False):
    """An event that cannot be taken, and why."""

    batch: Batch
    raw: bytes
    code: str
    message: str
    message_id: str


@dataclass(slots=True)
class Decoded:
    calls: list[Incoming] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)


def hash_message(*parts: object) -> bytes:
    """Return 16 bytes that stand for a message of a source."""
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode(errors="surrogatepass"), digest_size=16).digest()


def unpack(body: bytes, route: Route) -> Body:
    """Return the events of a stored body. Raises BadBody, which acceptance has made impossible."""
    return route.split(inflate(bytes(body), limit=MAX_BODY_BYTES[Dialect(route.dialect)]))


def decode_body(body: Body, batch: Batch, into: Decoded) -> None:
    """Decode the events of one body. A message without an id is known by its place."""
    source_id = batch.source.id
    calls = read_calls(body, batch.route, batch.received_at)
    for index, (raw, found) in enumerate(zip(body.events, calls, strict=True)):
        if isinstance(found, Rejected):
            into.quarantined.append(Quarantined(batch, raw, found.code, found.message, found.message_id))
        else:
            identity = (source_id, found.message_id) if found.message_id else (source_id, "", batch.key, index)
            into.calls.append(Incoming(found, batch, raw, hash_message(*identity)))


def envelope_json(body: Body) -> bytes:
    """Return what a quarantined event needs of its envelope, without the write key."""
    return _encode({"sentAt": body.envelope.sent_at, "context": body.envelope.context})


def only_fresh(calls: Iterable[Incoming], seen: set[bytes]) -> list[Incoming]:
    """Return the calls whose message is not in `seen`, the first of each; adds them to `seen`."""
    fresh = []
    for incoming in calls:
        if incoming.message_hash not in seen:
            seen.add(incoming.message_hash)
            fresh.append(incoming)
    return fresh
