"""Accepted bodies on their way in: unpacked, decoded, each event alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

import msgspec

from health.enums import Dialect
from health.ingest.accept import Route, read_calls
from health.ingest.body import MAX_BODY_BYTES, Body, inflate
from health.ingest.calls import USAGE, Call
from health.ingest.errors import Rejected
from health.usage.copying import Told, microseconds, told

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
    """A decoded call with where it came from; `told` for calls of USAGE."""

    call: Call
    batch: Batch
    raw: bytes
    message_hash: bytes
    told: Told | None = None


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
    return _hash("\x1f".join(map(str, parts)))


def _hash(text: str) -> bytes:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


def unpack(body: bytes, route: Route) -> Body:
    """Return the events of a stored body. Raises BadBody, which acceptance has made impossible."""
    return route.split(inflate(bytes(body), limit=MAX_BODY_BYTES[Dialect(route.dialect)]))


def decode_body(body: Body, batch: Batch, into: Decoded) -> None:
    """Decode the events of one body. A message without an id is known by its place."""
    source_id, is_backfill = batch.source.id, batch.is_backfill
    received = microseconds(batch.received_at)
    calls = read_calls(body, batch.route, batch.received_at)
    for index, (raw, found) in enumerate(zip(body.events, calls, strict=True)):
        if isinstance(found, Rejected):
            into.quarantined.append(Quarantined(batch, raw, found.code, found.message, found.message_id))
            continue
        # As hash_message(source_id, message_id) and hash_message(source_id, "", batch.key, index).
        name = found.message_id or f"\x1f{batch.key}\x1f{index}"
        message_hash = _hash(f"{source_id}\x1f{name}")
        said = None
        if found.kind in USAGE:
            said = told(
                source_id,
                found.occurred_at,
                received,
                message_hash,
                found.value,
                found.shift_ms,
                found.clock_note,
                is_backfill,
                found.properties,
            )
        into.calls.append(Incoming(found, batch, raw, message_hash, said))


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
