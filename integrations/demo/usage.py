"""What customers' people do in the products, as an SDK would send it: Segment messages to the public ingest."""

import gzip
import io
import math
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import msgspec
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from accounts.enums import Tier
from health.ingest.wsgi import IngestHandler
from integrations.demo.book import SEED, Customer, Someone
from integrations.demo.company import Offer
from integrations.demo.stories import USAGE_WEEKS

BATCH_EVENTS = 2000
# Uses in a normal week.
WEEKLY = {Tier.ENTERPRISE: 21.0, Tier.GROWTH: 10.0, Tier.STARTER: 6.0}
ONBOARDING_WEEKS = 6
WEEKDAYS = (21, 22, 21, 20, 16, 2, 1)
Message = dict[str, object]


class IngestRefusedError(Exception):
    """The ingest did not take a batch whole."""


def messages(customer: Customer, now: datetime) -> Iterator[tuple[str, Message]]:
    """Yield (offer's key, Segment track message) of a customer, week by week."""
    random = Random(f"{SEED}:usage:{customer.key}")  # noqa: S311 -- the same book every time
    zone = ZoneInfo(customer.time_zone)
    monday = now.date() - timedelta(days=now.weekday())
    number = 0
    for weeks_ago in range(USAGE_WEEKS - 1, -1, -1):
        week = monday - timedelta(weeks=weeks_ago)
        offers = _offers(customer, week)
        people = customer.people_on(week + timedelta(days=4))
        total = sum(person.weight for person in people)
        for person in people:
            expected = WEEKLY[Tier(customer.tier)] * person.weight / total * _busy(customer, person, week, now)
            for _ in range(_count(random, expected)) if offers else ():
                at = _moment(random, week, zone)
                if not _runs(customer, at.date(), now) or at >= now:
                    continue
                offer = offers[0] if len(offers) == 1 or random.random() < 0.6 else random.choice(offers[1:])
                number += 1
                yield (
                    offer.key,
                    {
                        "type": "track",
                        "event": _feature(random, offer.features[person.persona]),
                        "userId": person.key,
                        "timestamp": at.isoformat(),
                        "messageId": f"{customer.key}-{number}",
                        "context": {"groupId": customer.key},
                    },
                )


def send(batches: Iterable[tuple[str, list[Message]]], write_keys: Mapping[str, str]) -> int:
    """Post batches to the ingest as history (`/v1/import`).

    Returns how many events it took. Raises IngestRefusedError.
    """
    handler = IngestHandler()
    encode = msgspec.json.Encoder().encode
    taken = 0
    with _one_connection():
        for offer_key, batch in batches:
            body = gzip.compress(encode({"batch": batch}), compresslevel=1)
            status, answer = _post(handler, "/v1/import", body, write_keys[offer_key])
            if status != "200 OK" or answer.get("accepted") != len(batch):
                raise IngestRefusedError(f"{status}: {answer}")
            taken += len(batch)
    return taken


@contextmanager
def _one_connection() -> Iterator[None]:
    """Keep requests in the caller's transaction, as Django's test client does: normally they drop connections."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)


def batched(stream: Iterable[tuple[str, Message]]) -> Iterator[tuple[str, list[Message]]]:
    """Yield (offer's key, messages) in batches as large as the ingest takes."""
    waiting: dict[str, list[Message]] = {}
    for key, message in stream:
        batch = waiting.setdefault(key, [])
        batch.append(message)
        if len(batch) == BATCH_EVENTS:
            yield key, batch
            waiting[key] = []
    yield from ((key, batch) for key, batch in waiting.items() if batch)


def _post(handler: IngestHandler, path: str, body: bytes, write_key: str) -> tuple[str, dict[str, object]]:
    """Call the ingest's WSGI application in this process; no socket is needed for a first start."""
    statuses: list[str] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": "gzip",
        "HTTP_AUTHORIZATION": "Basic " + b64encode(f"{write_key}:".encode()).decode(),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
    }

    def start_response(status: str, *_: object) -> Callable[[bytes], object]:
        statuses.append(status)
        return len

    response = handler(environ, start_response)
    try:
        content = b"".join(response)
    finally:
        response.close()
    return statuses[0], msgspec.json.decode(content, type=dict[str, object])


def _offers(customer: Customer, week: date) -> list[Offer]:
    end = week + timedelta(days=7)
    return [deal.offer for deal in customer.deals if deal.started_on < end]


def _busy(customer: Customer, person: Someone, week: date, now: datetime) -> float:
    """Return how busy somebody's week is compared with a normal one."""
    story = customer.story
    last = customer.ended_on or now.date()
    weeks_ago = (last - week).days / 7
    busy = story.use(max(0.0, weeks_ago), customer.phase)
    age_weeks = (week - customer.since).days / 7
    if age_weeks < ONBOARDING_WEEKS:
        busy *= max(0.15, (age_weeks + 1) / ONBOARDING_WEEKS)
    is_silent = story.champion_silent_weeks is not None and person is customer.champion
    return 0.0 if is_silent and weeks_ago < (story.champion_silent_weeks or 0) else busy


def _runs(customer: Customer, day: date, now: datetime) -> bool:
    return customer.since <= day and (customer.ended_on is None or day < customer.ended_on) and day <= now.date()


def _count(random: Random, expected: float) -> int:
    """Return a whole number around an expected one (a rounded normal, close to Poisson above 2)."""
    spread = random.gauss(0, math.sqrt(expected)) if expected > 0 else 0.0
    whole, part = divmod(max(0.0, expected + 0.7 * spread), 1)
    return int(whole) + (random.random() < part)


def _moment(random: Random, week: date, zone: ZoneInfo) -> datetime:
    day = week + timedelta(days=random.choices(range(7), WEEKDAYS)[0])
    clock = time(min(23, max(5, round(random.gauss(10.5, 2.6)))), random.randint(0, 59), random.randint(0, 59))
    return datetime.combine(day, clock, zone).astimezone(UTC)


def _feature(random: Random, features: tuple[str, ...]) -> str:
    """Return a feature: the first ones are the daily ones, the last are found late."""
    return features[min(len(features) - 1, int(random.expovariate(0.7)))]
