"""PostHog's wire format, turned into the same calls as Segment's. Pure."""

from typing import Any

import msgspec

from health.ingest.calls import (
    ALIAS,
    GROUP,
    IDENTIFY,
    IGNORED,
    MAX_EVENT_BYTES,
    Arrival,
    Call,
    Id,
    clean_id,
    decode,
    encode_properties,
    event_name,
    value_of,
)
from health.ingest.clock import parse_time
from health.ingest.errors import Rejected

# The group types that mean a customer company; PostHog lets everybody choose their own word.
ACCOUNT_GROUPS = ("account", "company", "organization", "organisation", "customer", "workspace", "tenant")
KINDS = {
    "$identify": IDENTIFY,
    "$set": IDENTIFY,
    "$groupidentify": GROUP,
    "$create_alias": ALIAS,
    "$merge_dangerously": ALIAS,
    "$pageview": "page",
    "$screen": "screen",
}
# Written by the SDK rather than done by a person; they say nothing about use.
_NOISE_NAMES = """
    $feature_flag_called $pageleave $autocapture $rageclick $dead_click $heatmap $$heatmap $web_vitals
    $snapshot $performance_event $exception $opt_in $csp_violation $client_ingestion_warning
"""
NOISE = frozenset(_NOISE_NAMES.split())
INTERNAL = frozenset(["distinct_id", "token", "$groups", "$is_identified", "$process_person_profile", "$geoip_disable"])


class _PostHogCall(msgspec.Struct):
    event: str | None = None
    distinct_id: Id = None
    uuid: Id = None
    message_id: Id = msgspec.field(default=None, name="messageId")
    properties: dict[str, Any] | None = None
    timestamp: Id = None
    sent_at: Id = None
    set_: dict[str, Any] | None = msgspec.field(default=None, name="$set")


_decode = msgspec.json.Decoder(_PostHogCall).decode


def read_posthog_call(raw: bytes, arrival: Arrival) -> Call:
    """Decode one PostHog event. Raises Rejected."""
    wire = decode(raw, _decode)
    properties = wire.properties or {}
    event = (wire.event or "").strip()
    kind = IGNORED if event in NOISE else KINDS.get(event, "track")
    distinct_id = clean_id(wire.distinct_id or properties.get("distinct_id"), "distinct_id")
    occurred_at, shift_ms, note = arrival.settle(_lenient_time(wire.timestamp), wire.sent_at)
    found = Call(
        kind=kind,
        message_id=clean_id(wire.uuid or wire.message_id, "uuid", limit=MAX_EVENT_BYTES),
        user_id=distinct_id,
        group_id=_account_group(properties),
        occurred_at=occurred_at,
        shift_ms=shift_ms,
        clock_note=int(note),
        traits=_traits(wire.set_, properties),
    )
    if properties.get("$process_person_profile") is False:
        found.user_id, found.anonymous_id = "", distinct_id
    if kind == GROUP:
        _read_group(found, properties)
    elif not distinct_id:
        raise Rejected("missing_id", "The event needs distinct_id to say who it is about.")
    elif kind == IDENTIFY:
        found.anonymous_id = clean_id(properties.get("$anon_distinct_id"), "$anon_distinct_id")
    elif kind == ALIAS:
        found.previous_id = clean_id(properties.get("alias"), "alias")
        if not found.previous_id:
            raise Rejected("missing_previous_id", "An alias needs properties.alias.")
    elif kind != IGNORED:
        found.name = event_name(_page_name(properties) if kind in {"page", "screen"} else event, kind)
        found.value = value_of(properties)
        found.properties = encode_properties(
            {key: value for key, value in properties.items() if key not in INTERNAL and not key.startswith("$lib")}
        )
    return found


def _read_group(call: Call, properties: dict[str, Any]) -> None:
    """Fill in a $groupidentify, whose distinct_id is made up by the SDK and names nobody."""
    call.user_id = call.anonymous_id = ""
    if str(properties.get("$group_type", "")).lower() not in ACCOUNT_GROUPS:
        call.kind = IGNORED
        return
    call.group_id = clean_id(properties.get("$group_key"), "$group_key")
    if not call.group_id:
        raise Rejected("missing_group_id", "A $groupidentify needs properties.$group_key, the account's id.")
    traits = properties.get("$group_set")
    call.traits = traits if isinstance(traits, dict) else {}


def _account_group(properties: dict[str, Any]) -> str:
    groups = properties.get("$groups")
    if not isinstance(groups, dict):
        return ""
    by_type = {key.lower(): value for key, value in groups.items()}
    return next((clean_id(by_type[name], "$groups") for name in ACCOUNT_GROUPS if by_type.get(name)), "")


def _traits(outer: dict[str, Any] | None, properties: dict[str, Any]) -> dict[str, Any]:
    """Return what $set_once, $set and the event's own $set say of the person, the last winning."""
    traits: dict[str, Any] = {}
    for found in (properties.get("$set_once"), properties.get("$set"), outer):
        if isinstance(found, dict):
            traits |= found
    return traits


def _page_name(properties: dict[str, Any]) -> str:
    name = properties.get("$screen_name") or properties.get("$pathname")
    return name[:200] if isinstance(name, str) else ""


def _lenient_time(value: object) -> Any:
    """PostHog takes an unreadable time for now; so do we, since its SDKs rely on it."""
    try:
        return parse_time(value, "timestamp")
    except Rejected:
        return None
