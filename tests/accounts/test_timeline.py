from datetime import UTC, datetime, timedelta

import pytest

from accounts.events import write_event
from accounts.models import Account
from accounts.services import (
    join_account,
    record_activity,
    record_sentiment,
    record_survey_response,
    set_attributes,
    upsert_subscription,
    upsert_ticket,
)
from accounts.timeline import news, timeline
from tests.factories import AccountFactory, ContactFactory, ProductFactory, UserFactory

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


def busy_account():
    account, csm = AccountFactory(), UserFactory(name="Mira")
    priya = ContactFactory(name="Priya Nair")
    set_attributes(
        row=account,
        values={"stage": "onboarding", "csm": csm.pk},
        occurred_at=NOW,
        now=NOW,
    )
    join_account(contact=priya, account=account, role="champion", occurred_at=NOW + HOUR, now=NOW)
    upsert_ticket(
        account=account,
        fields={"subject": "Export fails", "is_escalated": True},
        occurred_at=NOW + 2 * HOUR,
        now=NOW,
    )
    record_survey_response(
        account=account,
        kind="nps",
        score=4,
        comment="Slow.",
        contact=priya,
        occurred_at=NOW + 3 * HOUR,
        now=NOW,
    )
    record_sentiment(
        account=account,
        user=csm,
        level=2,
        note="Worried",
        occurred_at=NOW + 4 * HOUR,
        now=NOW,
    )
    upsert_subscription(
        account=account,
        fields={"product": ProductFactory(name="Core"), "mrr": 5},
        effective_at=NOW + 5 * HOUR,
        now=NOW,
    )
    record_activity(
        account=account,
        kind="call",
        occurred_at=NOW + 6 * HOUR,
        now=NOW,
        contacts=[priya],
        author=csm,
        initiative="proactive",
        body="Agreed on weekly check-ins.",
    )
    return account


def test_timeline_tells_everything_newest_first():
    entries = [(entry.title, entry.body, entry.tone) for entry in timeline(busy_account())]
    assert entries == [
        ("Call with Priya Nair", "Agreed on weekly check-ins.", ""),
        ("Subscription started", "Core", "green"),
        ("CSM sentiment: Poor", "Worried", "red"),
        ("NPS 4 from Priya Nair", "“Slow.”", "red"),
        ("Ticket escalated", "Export fails", "red"),
        ("Ticket opened", "Export fails", ""),
        ("Priya Nair joined", "As champion", ""),
        ("CSM: nobody → Mira", "", ""),
        ("Lifecycle stage: none → Onboarding", "", ""),
    ]


def test_timeline_names_who_and_how():
    entry = timeline(busy_account())[0]
    assert entry.byline == "Call · Mira · Customer success · Proactive"


@pytest.mark.parametrize(
    ("only", "titles"),
    [
        ("activities", ["Call with Priya Nair"]),
        ("tickets", ["Ticket escalated", "Ticket opened"]),
        ("feedback", ["CSM sentiment: Poor", "NPS 4 from Priya Nair"]),
        ("revenue", ["Subscription started"]),
        ("health", []),
    ],
)
def test_timeline_filters(only, titles):
    assert [entry.title for entry in timeline(busy_account(), only=only)] == titles


def test_timeline_pages_meet_without_gap_or_repeat_even_at_the_same_time():
    account = AccountFactory()
    for number in range(5):
        record_activity(account=account, kind="note", subject=f"n{number}", occurred_at=NOW, now=NOW)
        upsert_ticket(account=account, fields={"subject": f"t{number}"}, occurred_at=NOW, now=NOW)
    whole = timeline(account, limit=100)
    pages, before = [], None
    while page := timeline(account, before=before, limit=3):
        pages += page
        before = (page[-1].occurred_at, page[-1].key)
    assert [entry.key for entry in pages] == [entry.key for entry in whole]
    assert len(whole) == 10


def test_timeline_of_another_account_stays_there():
    busy_account()
    assert timeline(AccountFactory()) == []


def test_timeline_queries_do_not_grow(django_assert_num_queries):
    account = busy_account()
    with django_assert_num_queries(10):
        timeline(account)
    for number in range(3):
        priya = ContactFactory()
        record_activity(account=account, kind="note", occurred_at=NOW, now=NOW, contacts=[priya])
        upsert_ticket(account=account, fields={"subject": f"t{number}"}, occurred_at=NOW, now=NOW)
    with django_assert_num_queries(10):
        timeline(account)


def test_news_is_recent_about_the_customer_and_of_the_book():
    account = busy_account()
    busy_account()
    write_event(account=account, kind="band.changed", occurred_at=NOW, now=NOW, origin="first_score")
    book = Account.objects.filter(pk=account.pk)
    told = [(item.account, item.entry.title) for item in news(book, since=NOW)]
    assert told == [
        (account, "Subscription started"),
        (account, "NPS 4 from Priya Nair"),
        (account, "Ticket escalated"),
    ]
    assert news(book, since=NOW + 6 * HOUR) == []


def test_news_queries_do_not_grow(django_assert_num_queries):
    busy_account()
    with django_assert_num_queries(4):
        news(Account.objects.all(), since=NOW)
    busy_account()
    with django_assert_num_queries(4):
        news(Account.objects.all(), since=NOW)


@pytest.mark.parametrize(("kind", "word"), [("nps", "NPS"), ("indispensable", "Indispensability")])
def test_an_answer_names_its_survey(kind, word):
    account = AccountFactory()
    record_survey_response(account=account, kind=kind, score=5, occurred_at=NOW, now=NOW)
    assert [entry.title for entry in timeline(account, limit=1)] == [f"{word} 5"]
