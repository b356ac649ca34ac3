"""The endpoint's work: who sends, what is wrong with it, and one durable row.

What is wrong with single events is only told here; the worker finds the same again and puts them
into quarantine, so that a request writes one row and no more.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError, IntegrityError, InterfaceError, connection, transaction

from health.enums import Dialect
from health.ingest.body import Body, Shape, split_body
from health.ingest.calls import Arrival, Call, read_segment_call
from health.ingest.errors import Refused, Rejected
from health.ingest.posthog import read_posthog_call
from health.models import Source
from health.usage.partitions import INGEST_BATCH, ensure_partitions

KEY = re.compile(r"[\x21-\x7e]{1,64}")


@dataclass(frozen=True, slots=True)
class Route:
    """What an address stands for. `call`: the one Segment call it takes; empty where the body says."""

    dialect: Dialect
    call: str = ""
    is_backfill: bool = False

    def split(self, plain: bytes) -> Body:
        """Cut a body that came this way. Raises BadBody."""
        if self.dialect == Dialect.POSTHOG:
            return split_body(plain, shape=Shape.EITHER)
        return split_body(plain, shape=Shape.SINGLE if self.call else Shape.BATCH)


@dataclass(slots=True)
class Receipt:
    """What became of the events of one body; `rejected` in their order."""

    accepted: int = 0
    duplicates: int = 0
    rejected: list[dict[str, object]] = field(default_factory=list)


def accept(*, key: str, body: Body, compressed: bytes, route: Route, now: datetime) -> Receipt:
    """Keep a body durably and return what it holds.

    Raises Refused: 401 unknown key, 403 disabled source, 429 nowhere to keep it.
    """
    receipt = check_events(body, route, now)
    if not body.events:
        check_key(key)
        return receipt
    try:
        is_kept = _keep(key=key, compressed=compressed, event_count=len(body.events), route=route, now=now)
    except (DatabaseError, InterfaceError) as error:
        raise cannot_keep() from error
    if not is_kept:
        check_key(key)
    return receipt


def check_key(key: str) -> Source:
    """Return the enabled source of a write key. Raises Refused."""
    if not key:
        raise Refused(401, "missing_write_key", "Send the source's write key: as user name of Basic authorization.")
    try:
        source = Source.objects.filter(write_key=key).first() if KEY.fullmatch(key) else None
    except (DatabaseError, InterfaceError) as error:
        raise cannot_keep() from error
    if source is None:
        raise Refused(401, "unknown_write_key", "No source has this write key; see Settings → Sources.")
    if not source.is_enabled:
        raise Refused(403, "source_disabled", f"The source “{source.name}” is switched off.")
    return source


def cannot_keep() -> Refused:
    return Refused(429, "try_again_later", "Events cannot be kept right now; send them again after a minute.")


def check_events(body: Body, route: Route, now: datetime) -> Receipt:
    """Return what the worker will make of a body that arrives now, apart from repeats of earlier ones."""
    receipt = Receipt()
    seen: set[str] = set()
    for index, found in enumerate(read_calls(body, route, now)):
        if isinstance(found, Rejected):
            receipt.rejected.append(
                {"index": index, "messageId": found.message_id or None, "code": found.code, "message": found.message}
            )
        elif found.message_id and found.message_id in seen:
            receipt.duplicates += 1
        else:
            seen.add(found.message_id)
            receipt.accepted += 1
    return receipt


def read_calls(body: Body, route: Route, received_at: datetime) -> Iterator[Call | Rejected]:
    """Decode every event of a body alone: a call, or what is wrong with it."""
    is_backfill = route.is_backfill or body.envelope.historical_migration is True
    arrival = Arrival.of(
        received_at=received_at,
        oldest_days=settings.USAGE_OLDEST_DAYS,
        is_backfill=is_backfill,
        sent_at=body.envelope.sent_at,
        context=body.envelope.context,
    )
    for raw in body.events:
        try:
            if route.dialect == Dialect.SEGMENT:
                yield read_segment_call(raw, arrival, call=route.call)
            else:
                yield read_posthog_call(raw, arrival)
        except Rejected as rejected:
            rejected.message_id = _message_id(raw)
            yield rejected


def _message_id(raw: bytes) -> str:
    """Return the message id of an event that may be unreadable, "" when there is none to be found."""
    found = MESSAGE_ID.search(raw)
    return found[1].decode(errors="replace") if found else ""


MESSAGE_ID = re.compile(rb'"(?:messageId|uuid)"\s*:\s*"([^"\\]{1,200})"')


def _keep(*, key: str, compressed: bytes, event_count: int, route: Route, now: datetime) -> bool:
    """Insert the row if the key belongs to an enabled source; return whether it does."""
    if not KEY.fullmatch(key):
        return False
    values = [now, route.dialect, route.call, route.is_backfill, event_count, compressed, key]
    try:
        return _insert(values)
    except IntegrityError:  # no partition for today: the scheduler has been away
        ensure_partitions(INGEST_BATCH, [now.date()])
        return _insert(values)


def _insert(values: list[Any]) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO health_ingestbatch"
            " (received_at, source_id, dialect, call, is_backfill, event_count, body)"
            " SELECT %s, id, %s, %s, %s, %s, %s FROM health_source WHERE write_key = %s AND is_enabled",
            values,
        )
        return bool(cursor.rowcount)
