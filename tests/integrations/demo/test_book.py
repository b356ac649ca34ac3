"""The generator: always the same book, and one that could be true."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from integrations.demo import company
from integrations.demo.book import make_book
from integrations.demo.facts import make_facts
from integrations.demo.stories import STORIES
from integrations.demo.usage import messages

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture(scope="module")
def book():
    return make_book(TODAY)


@pytest.fixture(scope="module")
def told(book):
    return {customer.key: make_facts(customer, NOW) for customer in book}


def test_book_is_the_same_every_time(book, told):
    again = make_book(TODAY)
    assert again == book
    assert all(make_facts(customer, NOW) == told[customer.key] for customer in again[:20])
    assert list(messages(again[40], NOW)) == list(messages(book[40], NOW))


def test_book_moves_with_the_day_and_keeps_its_customers(book):
    later = make_book(TODAY + timedelta(days=30))
    assert [customer.name for customer in later] == [customer.name for customer in book]
    assert [customer.since for customer in later] == [customer.since + timedelta(days=30) for customer in book]


def test_book_has_every_story_and_kind_of_customer(book):
    assert len(book) == 300
    assert {customer.story for customer in book} == set(STORIES)
    assert {customer.team for customer in book} == set(company.TEAMS)
    assert {customer.currency for customer in book} == set(company.RATES_IN_USD)
    assert {deal.offer.key for customer in book for deal in customer.deals} == {offer.key for offer in company.OFFERS}
    assert sum(customer.parent is not None for customer in book) >= 22
    assert 1 <= sum(not customer.csm for customer in book) <= 15


def test_names_and_keys_are_used_once(book):
    for values in (
        [customer.key for customer in book],
        [customer.name for customer in book],
        [customer.domain for customer in book],
        [someone.key for customer in book for someone in customer.people],
        [someone.email for customer in book for someone in customer.people],
        [deal.key for customer in book for deal in customer.deals],
    ):
        assert max(Counter(values).values()) == 1


def test_everybody_is_invented(book):
    assert all(customer.domain.endswith(".example") for customer in book)
    assert all(person.email.endswith("@demo.example") for person in company.PEOPLE)


def test_parents_come_before_their_children(book):
    seen = set()
    for customer in book:
        assert customer.parent is None or customer.parent in seen
        seen.add(customer.key)


def test_terms_change_in_order_and_not_in_the_future(book):
    for customer in book:
        for deal in customer.deals:
            days = [deal.started_on, *(change.on for change in deal.changes)]
            assert days == sorted(days)
            assert days[-1] <= TODAY
            assert all(change.fields.get("mrr", 1) > 0 for change in deal.changes)
        assert [term.on for term in customer.stages] == sorted(term.on for term in customer.stages)


def test_renewals_are_spread_over_the_coming_months(book):
    months = Counter()
    for customer in book:
        if customer.deals and customer.ended_on is None:
            core = customer.deals[0]
            renewal = max(t.get("renews_on", date.min) for t in [core.fields, *(c.fields for c in core.changes)])
            assert TODAY <= renewal <= TODAY + timedelta(days=366)
            months[renewal.year, renewal.month] += 1
    assert len(months) >= 12
    assert max(months.values()) < sum(months.values()) / 4


def test_facts_lie_between_the_beginning_and_now(book, told):
    for customer in book:
        facts = told[customer.key]
        earliest = datetime.combine(customer.since, datetime.min.time(), UTC) - timedelta(days=4)
        for fact in [*facts.said, *facts.asked, *facts.answered, *facts.judged]:
            assert earliest <= fact.at < NOW
        for ticket in facts.asked:
            moments = [ticket.at, ticket.responded_at or ticket.at, ticket.resolved_at or NOW]
            assert moments == sorted(moments)
            assert moments[-1] <= NOW


def test_facts_are_of_every_kind(told):
    said = [said for facts in told.values() for said in facts.said]
    assert {said.kind for said in said} == {"call", "mail", "meeting", "chat", "note"}
    assert {said.function for said in said} == {
        "csm",
        "support",
        "service",
        "sales",
        "marketing",
        "product",
        "implementation",
    }
    assert {said.initiative for said in said} == {"proactive", "reactive", ""}
    assert not any("{" in text.subject + text.body for text in said)
    answers = [answer for facts in told.values() for answer in facts.answered]
    assert {answer.kind for answer in answers} == {"nps", "csat", "ces", "indispensable"}
    assert {ticket.status for facts in told.values() for ticket in facts.asked} == {"open", "waiting", "solved"}


def test_use_follows_the_story(book):
    def recent(story, weeks, earlier):
        """Return use of the last weeks as a share of the same number of weeks `earlier` weeks before."""
        late = early = 0
        for customer in [each for each in book if each.story.key == story][:15]:
            for _, message in messages(customer, NOW):
                weeks_ago = (NOW - datetime.fromisoformat(message["timestamp"])).days / 7
                late += weeks_ago < weeks
                early += earlier <= weeks_ago < earlier + weeks
        return late / early

    assert recent("declining", 4, 30) < 0.25
    assert 0.8 < recent("healthy", 4, 30) < 1.25
    assert recent("growing", 4, 40) > 1.4


@pytest.mark.parametrize(
    "now",
    [datetime(2026, 6, 15, 0, 5, tzinfo=UTC), datetime(2026, 6, 14, 23, 55, tzinfo=UTC)],
    ids=["monday", "sunday"],
)
def test_nothing_lies_in_the_future_at_any_hour(now):
    for customer in make_book(now.date()):
        days = [term.on for deal in customer.deals for term in deal.changes] + [term.on for term in customer.stages]
        days += [someone.joined_on for someone in customer.people] + [customer.since]
        assert max(days) < now.date()
        facts = make_facts(customer, now)
        for fact in [*facts.said, *facts.asked, *facts.answered, *facts.judged]:
            assert fact.at < now
            assert (getattr(fact, "resolved_at", None) or fact.at) < now
            assert (getattr(fact, "responded_at", None) or fact.at) < now


def test_messages_are_unique_and_end_with_the_subscription(book):
    for customer in [c for c in book if c.story.key in {"churned", "no_data", "silent_champion"}]:
        sent = [message for _, message in messages(customer, NOW)]
        times = [datetime.fromisoformat(message["timestamp"]) for message in sent]
        assert len({message["messageId"] for message in sent}) == len(sent)
        assert all(time < NOW for time in times)
        if customer.ended_on:
            assert max(times).date() < customer.ended_on
        if customer.story.key == "no_data":
            assert sent == []
        if customer.story.champion_silent_weeks:
            champion = customer.champion.key
            last = max(t for t, m in zip(times, sent, strict=True) if m["userId"] == champion)
            assert NOW - last > timedelta(weeks=customer.story.champion_silent_weeks - 1)
