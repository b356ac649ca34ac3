"""The demo book in the database: all of it or nothing, as history, with scores of the past."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F, Sum

from accounts.models import (
    Account,
    AccountEvent,
    Activity,
    Contact,
    ExchangeRate,
    Persona,
    Segment,
    Sentiment,
    Subscription,
    SurveyResponse,
    Ticket,
)
from health.models import CurrentScore, HeldEvent, RejectedEvent, ScoreSnapshot, Source, UsageDay
from health.scorecards import Band
from integrations.demo import company, services
from integrations.demo.book import make_book
from integrations.demo.loading import LIVE
from integrations.demo.services import NotEmptyError, history_days, load_demo
from integrations.demo.usage import messages
from team.models import User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
SIZE = 60


def test_demo_is_loaded_whole():
    now = datetime.now(UTC)
    lines = []
    load_demo(now=now, say=lines.append, size=SIZE)
    book = make_book(now.date(), SIZE)
    assert len(lines) == 4
    assert Account.objects.count() == SIZE
    assert Contact.objects.count() == sum(len(customer.people) for customer in book)
    assert Subscription.objects.count() == sum(len(customer.deals) for customer in book)
    assert Account.objects.exclude(parent=None).count() == sum(customer.parent is not None for customer in book)
    assert (User.objects.count(), Persona.objects.count(), Segment.objects.count()) == (8, 3, 3)
    assert all(model.objects.exists() for model in (Activity, Ticket, SurveyResponse, Sentiment, ExchangeRate))
    _check_known_when_it_happened(now)
    _check_usage(book, now)
    _check_scores(now)


def _check_known_when_it_happened(now):
    """A score of the past sees the demo's facts as they were known then; the last days came in today."""
    for model in (Activity, Ticket, SurveyResponse, Sentiment):
        assert not model.objects.filter(occurred_at__lt=now - LIVE).exclude(known_at=F("occurred_at")).exists()
        assert not model.objects.filter(occurred_at__gte=now - LIVE).exclude(known_at=now).exists()
    history = AccountEvent.objects.filter(occurred_at__lt=now - LIVE)
    assert set(history.values_list("origin", flat=True)) == {"backfill"}
    assert not AccountEvent.objects.filter(position=None).exists()


def _check_usage(book, now):
    """Every message went through the ingest and none was held or refused."""
    sent = sum(1 for customer in book for _ in messages(customer, now))
    assert UsageDay.objects.aggregate(events=Sum("count"))["events"] == sent
    assert not UsageDay.objects.filter(is_backfill=False).exists()
    assert Source.objects.aggregate(accepted=Sum("accepted_count"))["accepted"] == sent
    assert Source.objects.count() == len(company.OFFERS)
    assert not HeldEvent.objects.exists()
    assert not RejectedEvent.objects.exists()


def _check_scores(now):
    live = now.date() + timedelta(days=1)
    assert set(ScoreSnapshot.objects.values_list("as_of", flat=True)) == {*history_days(now.date()), live}
    assert CurrentScore.objects.filter(main_of="health").count() == SIZE
    assert set(CurrentScore.objects.values_list("band", flat=True)) == set(Band)


def test_demo_needs_an_empty_database():
    UserFactory()
    with pytest.raises(NotEmptyError):
        load_demo(now=datetime.now(UTC), say=print, size=1)
    with pytest.raises(CommandError, match="The database is not empty"):
        call_command("load_demo")


def test_demo_that_is_cut_off_leaves_nothing(monkeypatch):
    def stop(**options):
        raise KeyboardInterrupt

    monkeypatch.setattr(services, "score_accounts", stop)
    with pytest.raises(KeyboardInterrupt):
        load_demo(now=datetime.now(UTC), say=print, size=5)
    assert not User.objects.exists()
    assert not Account.objects.exists()
    assert not UsageDay.objects.exists()


def test_command_prints_the_sign_ins(monkeypatch, capsys):
    monkeypatch.setattr("integrations.management.commands.load_demo.load_demo", lambda **_: None)
    call_command("load_demo")
    out = capsys.readouterr().out
    assert company.PASSWORD in out
    assert all(person.email in out for person in company.PEOPLE)


def test_password_is_good_enough_for_our_own_rules(client):
    load_demo(now=datetime.now(UTC), say=print, size=1)
    assert all(user.check_password(company.PASSWORD) for user in User.objects.all())


def test_history_is_weekly_then_daily():
    days = history_days(datetime(2026, 6, 17, tzinfo=UTC).date())
    assert (len(days), str(days[0]), str(days[-1])) == (52, "2025-12-22", "2026-06-17")
    assert {day.isoweekday() for day in days[:-30]} == {1}
