"""Loads the demo book: all of it in one transaction, so that a start that was cut off leaves nothing behind."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from time import monotonic

from django.db import connection, transaction

from accounts.events import stamp_events
from accounts.models import Account
from health.models import Source
from health.services import ensure_starter_scorecards, score_accounts, update_scorecard
from health.services.alert_rules import ensure_starter_rules
from health.services.sources import create_source
from health.usage.processor import process_backlog
from integrations.demo import company
from integrations.demo.book import ACCOUNT_COUNT, Customer, make_book
from integrations.demo.facts import make_facts
from integrations.demo.loading import SYSTEM, World, load_company, load_customers, load_facts
from integrations.demo.usage import batched, messages, send
from team.models import User

WEEKS_OF_HISTORY = 26
DAYS_OF_HISTORY = 30
PROCESS_SECONDS = 120.0
Say = Callable[[str], object]


class NotEmptyError(Exception):
    """The database already holds users, accounts or sources."""


@transaction.atomic
def load_demo(*, now: datetime, say: Say, size: int = ACCOUNT_COUNT) -> None:
    """Load a book of `size` accounts; `say` is told after each part how long it took. Raises NotEmptyError."""
    if User.objects.exists() or Account.objects.exists() or Source.objects.exists():
        raise NotEmptyError
    clock = _Clock(say)
    book = make_book(now.date(), size)
    world = load_company(now)
    load_customers(world, book)
    clock.tell(f"{len(world.accounts)} accounts with {len(world.contacts)} contacts and what they bought")
    told = {customer.key: make_facts(customer, now) for customer in book}
    load_facts(world, book, told, live=False)
    clock.tell("activities, tickets, answers and judgements of two years")
    count = _send_usage(world, book)
    clock.tell(f"{count:,} usage events through the ingest")
    # Nobody else has had the time to: without figures about the tables every score is slow.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    scorecards = ensure_starter_scorecards(now=now)
    for scorecard in scorecards:
        owner = world.users[company.SCORECARD_OWNERS[scorecard.kind]]
        update_scorecard(scorecard=scorecard, name=scorecard.name, owner=owner, now=now, actor=world.admin)
    days = [*history_days(now.date()), None]
    for scorecard in scorecards:
        for day in days:
            score_accounts(scorecard=scorecard, now=now, as_of=day)
    load_facts(world, book, told, live=True)
    for scorecard in scorecards:
        score_accounts(scorecard=scorecard, now=now)
    ensure_starter_rules(now=now, raise_standing=True)
    while stamp_events():
        pass
    clock.tell(f"health scores of {len(days)} days")


def history_days(today: date) -> list[date]:
    """Return the days of past snapshots, oldest first: Mondays of half a year, then every day of the last month."""
    monday = today - timedelta(days=today.weekday())
    weeks = {monday - timedelta(weeks=n) for n in range(WEEKS_OF_HISTORY)}
    return sorted(weeks | {today - timedelta(days=n) for n in range(DAYS_OF_HISTORY)})


def _send_usage(world: World, book: list[Customer]) -> int:
    write_keys = {}
    for offer in company.OFFERS:
        source = create_source(
            name=offer.source, system=SYSTEM, product=world.products[offer.key], now=world.now, actor=world.admin
        )
        write_keys[offer.key] = source.write_key
    stream = (message for customer in book for message in messages(customer, world.now))
    count = send(batched(stream), write_keys)
    process_backlog(seconds=PROCESS_SECONDS, linger=0)
    return count


class _Clock:
    def __init__(self, say: Say) -> None:
        self.say = say
        self.at = monotonic()

    def tell(self, what: str) -> None:
        now = monotonic()
        self.say(f"  {now - self.at:5.1f} s  {what}")
        self.at = now
