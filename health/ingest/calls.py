"""One event, decoded and checked: what every wire format is turned into.

Pure. The endpoint runs this to say what it rejects, the worker runs it again to do the work, and
both come to the same answer because it depends on nothing but the event and its envelope.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime, timedelta
from typing import Any

import msgspec

from health.enums import ClockNote
from health.ingest.body import depth
from health.ingest.clock import BACKFILL_FROM, clock_skew, parse_time, settle_time
from health.ingest.errors import Rejected

MAX_EVENT_BYTES = 64 * 1024
MAX_DEPTH = 32
MAX_ID_LENGTH = 255
MAX_NAME_LENGTH = 200
MAX_FLOAT = 1e300
NUMBERS = (int, float)  # exact types, which leaves out booleans and is quick
NESTED = (dict, list)

IDENTIFY, GROUP, ALIAS = "identify", "group", "alias"
USAGE = ("track", "page", "screen")
IGNORED = "ignored"  # taken, and of no use here
DEFAULT_NAMES = {"page": "Page viewed", "screen": "Screen viewed"}
VALUE_PROPERTIES = ("value", "revenue", "total")

# Persons are known by contact, not by what events say of them, so that they can be erased.
_PERSONAL_NAMES = """
    email Email e_mail eMail emailAddress email_address userEmail user_email phone Phone phoneNumber
    phone_number mobile firstName first_name firstname lastName last_name lastname fullName full_name fullname
    userName user_name username Username address Address street ip ipAddress ip_address $ip birthday
    dateOfBirth date_of_birth $set $set_once $user_id $email
"""
PERSONAL = frozenset(_PERSONAL_NAMES.split())


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is known of an event from outside it. `earliest`: the oldest time it may have."""

    received_at: datetime
    earliest: datetime
    skew: tuple[int, ClockNote]
    shift: timedelta  # the same as skew's milliseconds
    context: dict[str, Any]

    @classmethod
    def of(
        cls,
        *,
        received_at: datetime,
        oldest_days: int,
        is_backfill: bool,
        sent_at: object = None,
        context: object = None,
    ) -> "Arrival":
        skew = clock_skew(sent_at, received_at)
        return cls(
            received_at=received_at,
            earliest=BACKFILL_FROM if is_backfill else received_at - timedelta(days=oldest_days),
            skew=skew,
            shift=timedelta(milliseconds=skew[0]),
            context=context if isinstance(context, dict) else {},
        )

    def settle(self, original: datetime | None, sent_at: object) -> tuple[datetime, int, ClockNote]:
        """Return clock.settle_time() for an event; its own sent_at counts before the envelope's."""
        if sent_at is None and original is not None and MINYEAR < original.year < MAXYEAR:
            occurred_at = original + self.shift
            if self.earliest <= occurred_at <= self.received_at:  # the usual case, without its detours
                return occurred_at, *self.skew
        skew = self.skew if sent_at is None else clock_skew(sent_at, self.received_at)
        return settle_time(original, skew, self.received_at, earliest=self.earliest)


class Call(msgspec.Struct, kw_only=True, gc=False):
    """A checked call. Ids are "" when not given; `name` is the event type's for calls of USAGE.

    `properties` is JSON without personal identifiers.
    """

    kind: str
    message_id: str
    occurred_at: datetime
    shift_ms: int = 0
    clock_note: int = 0  # a ClockNote
    user_id: str = ""
    anonymous_id: str = ""
    group_id: str = ""
    previous_id: str = ""
    name: str = ""
    traits: dict[str, Any] = {}
    is_active: bool = True
    value: float | None = None
    properties: bytes = b"{}"


Id = str | int | float | None


class _Context(msgspec.Struct, rename="camel"):
    group_id: Id = None
    traits: dict[str, Any] | None = None
    active: bool | None = None


class _SegmentCall(msgspec.Struct, rename="camel"):
    type: str | None = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    message_id: Id = None
    user_id: Id = None
    anonymous_id: Id = None
    group_id: Id = None
    previous_id: Id = None
    traits: dict[str, Any] | None = None
    properties: dict[str, Any] | None = None
    context: _Context | None = None
    timestamp: Id = None
    original_timestamp: Id = None
    sent_at: Id = None


_decode_segment = msgspec.json.Decoder(_SegmentCall).decode
_encode = msgspec.json.Encoder().encode
_NO_CONTEXT = _Context()


def read_segment_call(raw: bytes, arrival: Arrival, *, call: str = "") -> Call:
    """Decode one Segment call. `call`: what the route says it is. Raises Rejected."""
    wire = decode(raw, _decode_segment)
    kind = call or wire.type or ""
    if kind not in _IDENTITY_RULES:
        known = ", ".join(_IDENTITY_RULES)
        raise Rejected(
            "unknown_type" if kind else "missing_type", f"The event's type must be one of {known}, not {kind[:40]!r}."
        )
    context = wire.context or _NO_CONTEXT
    group_id = wire.group_id if kind == GROUP else context.group_id
    is_active = context.active
    if arrival.context:
        group_id = arrival.context.get("groupId") if group_id is None else group_id
        is_active = arrival.context.get("active") if is_active is None else is_active
    original = wire.timestamp if wire.original_timestamp is None else wire.original_timestamp
    occurred_at, shift_ms, note = arrival.settle(parse_time(original, "timestamp"), wire.sent_at)
    found = Call(
        kind=kind,
        message_id=clean_id(wire.message_id, "messageId", limit=MAX_EVENT_BYTES),
        user_id=clean_id(wire.user_id, "userId"),
        occurred_at=occurred_at,
        shift_ms=shift_ms,
        clock_note=int(note),
        traits=(wire.traits if kind == GROUP else context.traits) or {},
        is_active=is_active is not False,
    )
    if kind == IDENTIFY and wire.traits:  # RudderStack's SDKs put them into the context
        found.traits = {**found.traits, **wire.traits}
    if wire.anonymous_id is not None:
        found.anonymous_id = clean_id(wire.anonymous_id, "anonymousId")
    if group_id is not None:
        found.group_id = clean_id(group_id, "groupId")
    if wire.previous_id is not None:
        found.previous_id = clean_id(wire.previous_id, "previousId")
    _IDENTITY_RULES[kind](found)
    if kind in USAGE:
        found.name = event_name(wire.event if kind == "track" else wire.name or wire.category, kind)
        if wire.properties:
            found.value = value_of(wire.properties)
            found.properties = encode_properties(wire.properties)
    return found


def decode(raw: bytes, decoder: Any) -> Any:
    """Decode one event after the checks on its bytes. Raises Rejected."""
    if len(raw) > MAX_EVENT_BYTES:
        raise Rejected("event_too_large", f"The event has {len(raw)} bytes; at most {MAX_EVENT_BYTES} are taken.")
    # Looking for a single byte is so quick that it pays to do it first.
    openings = raw.count(b"{") + (raw.count(b"[") if b"[" in raw else 0)
    if openings > MAX_DEPTH and depth(raw) > MAX_DEPTH:
        raise Rejected("too_deep", f"The event is nested more than {MAX_DEPTH} levels deep.")
    try:
        wire = decoder(raw)
    except msgspec.ValidationError as error:
        raise Rejected("invalid_field", f"{error}.") from None
    except UnicodeDecodeError as error:
        raise Rejected("invalid_text", f"The event is not UTF-8: {error.reason} at byte {error.start}.") from None
    except msgspec.DecodeError as error:
        raise _malformed(raw, error) from None
    if b"\\" in raw and b"\\u0000" in raw and has_nul(msgspec.json.decode(raw)):
        raise Rejected("nul_character", "The event contains a NUL character (\\u0000), which cannot be stored.")
    return wire


def event_name(name: str | None, kind: str) -> str:
    """Return the event type's name. Raises Rejected for none or one that is too long."""
    name = (name or DEFAULT_NAMES.get(kind, "")).strip()
    if not name:
        raise Rejected("missing_event", "A track call needs “event”, the name of what was done.")
    if len(name) > MAX_NAME_LENGTH:
        raise Rejected(
            "event_name_too_long", f"The event's name has {len(name)} characters; at most {MAX_NAME_LENGTH} fit."
        )
    return name


def clean_id(value: object, field: str, *, limit: int = MAX_ID_LENGTH) -> str:
    """Return an id as text, "" for none; whole numbers lose their decimal point. Raises Rejected."""
    if value is None:
        return ""
    if type(value) is not str:
        if type(value) not in NUMBERS:
            raise Rejected("invalid_field", f"{field} must be text or a number, not {type(value).__name__}.")
        value = str(value).removesuffix(".0")
    value = value.strip()
    if len(value) > limit:
        raise Rejected("id_too_long", f"{field} has {len(value)} characters; at most {limit} fit.")
    return value


def value_of(properties: dict[str, Any]) -> float | None:
    """Return the first of value, revenue and total that is a finite number."""
    for key in VALUE_PROPERTIES:
        if key in properties:
            value = properties[key]
            if type(value) in NUMBERS and abs(value) < MAX_FLOAT:
                return float(value)
    return None


def encode_properties(properties: dict[str, Any]) -> bytes:
    """Return the properties that are kept, as JSON."""
    return _encode(without_personal(properties))


def without_personal(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the properties without those that say who a person is, at any depth."""
    if PERSONAL.isdisjoint(properties):
        for value in properties.values():
            if type(value) in NESTED:
                break
        else:
            return properties
    return {key: _stripped(value) for key, value in properties.items() if key not in PERSONAL}


def has_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any("\x00" in key or has_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(has_nul(item) for item in value)


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return without_personal(value)
    return [_stripped(item) for item in value] if isinstance(value, list) else value


def _malformed(raw: bytes, error: msgspec.DecodeError) -> Rejected:
    """Say in plain words what msgspec cannot: Python's own reader takes these mistakes."""
    constants: list[str] = []
    try:
        text = json.dumps(json.loads(raw, parse_constant=constants.append), ensure_ascii=False)
    except (ValueError, RecursionError):
        return Rejected("invalid_json", f"{error}.")
    if constants:
        return Rejected("not_a_number", f"{constants[0]} is not a JSON number; leave the property out or send null.")
    if any("\ud800" <= char <= "\udfff" for char in text):
        return Rejected("lone_surrogate", "A text contains half of a surrogate pair, which is no character.")
    return Rejected("invalid_json", f"{error}.")


def _needs_person(call: Call) -> None:
    if not call.user_id and not call.anonymous_id:
        raise Rejected("missing_id", "The event needs userId or anonymousId to say who it is about.")


def _needs_group(call: Call) -> None:
    if not call.group_id:
        raise Rejected("missing_group_id", "A group call needs groupId, the account's id.")


def _needs_both_ids(call: Call) -> None:
    if not call.user_id or not call.previous_id:
        raise Rejected("missing_previous_id", "An alias call needs previousId and userId.")


_IDENTITY_RULES: dict[str, Callable[[Call], None]] = {
    "track": _needs_person,
    "page": _needs_person,
    "screen": _needs_person,
    IDENTIFY: _needs_person,
    GROUP: _needs_group,
    ALIAS: _needs_both_ids,
}
