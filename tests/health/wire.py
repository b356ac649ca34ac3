"""Events as SDKs send them, and their delivery without a web server."""

import json
import uuid
import zlib
from datetime import datetime

from django.utils import timezone

from accounts.models import Account, ExternalId
from health.enums import Dialect
from health.ingest.accept import Receipt, Route, accept
from health.models import EventType, Source, UsageDay
from health.usage import processor


def track(user, event="Report viewed", *, at=None, group=None, anonymous=None, kind="track", **properties):
    return _call(kind, user, at, anonymous, event=event, properties=properties, **_context(group))


def identify(user, *, at=None, anonymous=None, **traits):
    return _call("identify", user, at, anonymous, traits=traits)


def group(user, account, *, at=None, anonymous=None, **traits):
    return _call("group", user, at, anonymous, groupId=account, traits=traits)


def alias(user, previous):
    return _call("alias", user, None, None, previousId=previous)


def _call(kind, user, at, anonymous, **rest):
    call = {"type": kind, "messageId": str(uuid.uuid4()), **rest}
    if user is not None:
        call["userId"] = user
    if anonymous is not None:
        call["anonymousId"] = anonymous
    if at is not None:
        call["timestamp"] = at.isoformat() if isinstance(at, datetime) else at
    return call


def _context(group):
    return {} if group is None else {"context": {"groupId": group}}


def deliver(
    source: Source,
    events: list[dict | bytes],
    *,
    now: datetime | None = None,
    dialect=Dialect.SEGMENT,
    is_backfill=False,
    **envelope,
) -> Receipt:
    """Accept a body as the endpoint does."""
    raws = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]
    plain = (
        b'{"batch":['
        + b",".join(raws)
        + b"]"
        + "".join(f",{json.dumps(key)}:{json.dumps(value)}" for key, value in envelope.items()).encode()
        + b"}"
    )
    route = Route(dialect, is_backfill=is_backfill)
    return accept(
        key=source.write_key,
        body=route.split(plain),
        compressed=zlib.compress(plain),
        route=route,
        now=now or timezone.now(),
    )


def process() -> None:
    """Process all that waits, as a worker does."""
    processor.process_backlog(seconds=30, linger=0)


def days() -> dict[tuple[str, str, str, str], int]:
    """Return the roll-ups as {(account name, contact's id in "product" or "", event name, day): count}."""
    accounts = dict(Account.all_objects.values_list("pk", "name"))
    names = ExternalId.objects.filter(entity="contact", system="product").order_by("-id")
    people = dict(names.values_list("object_id", "value"))
    types = dict(EventType.objects.values_list("pk", "name"))
    return {
        (accounts[row.account_id], people.get(row.contact_id, ""), types[row.event_type_id], str(row.day)): row.count
        for row in UsageDay.objects.order_by("account_id", "contact_id", "event_type_id", "day")
    }
