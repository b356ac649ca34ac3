"""Incidents from counts to rows: opened once, closed by the volume or by a person, and who is held."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.enums import Entity
from accounts.errors import InvalidInput
from accounts.services import record_activity, record_survey_response, upsert_subscription, upsert_ticket
from health.enums import FeedKind
from health.feeds import Feed, feeds, open_incidents, volumes
from health.models import AccountSource, DirtyAccount, FeedHour, Incident, IncidentAccount, Source
from health.services import incidents as service
from health.services.incidents import CheckReport, check_feeds, close_incident, count_facts, declare_incident
from team.enums import AccessLevel
from team.models import SecurityEvent, Work
from tests.factories import AccountFactory, ProductFactory, SourceFactory, UserFactory
from tests.health.feed_rows import send, tells_about, this_hour
from tests.health.wire import deliver, process, track

pytestmark = pytest.mark.django_db
HOURS = 6 * 7 * 24


@pytest.fixture
def editor():
    return UserFactory(access_level=AccessLevel.EDITOR)


def feed_of(source):
    return Feed(FeedKind.USAGE, str(source.pk), source.name, source)


def stopped(source, hours=5):
    """Make a source send 100 events an hour for weeks, and nothing in the last hours."""
    send(source, last_hour_ago=hours)
    return this_hour() - timedelta(hours=hours)


# --- What is counted -----------------------------------------------------------------------------


def test_usage_is_counted_by_hour_of_arrival_and_account(source):
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    deliver(source, [track("u1", group="acme"), track("u2", group="acme"), track("u3", group="beta")], now=hour)
    deliver(source, [track("u1", group="acme")], now=hour - timedelta(hours=2))
    deliver(source, [track("u1", group="old")], now=hour, is_backfill=True)
    process()
    rows = FeedHour.objects.order_by("hour").values_list("kind", "key", "hour", "count")
    assert list(rows) == [
        ("usage", str(source.pk), hour - timedelta(hours=2), 1),
        ("usage", str(source.pk), hour, 3),
    ]
    assert AccountSource.objects.count() == 2
    assert set(AccountSource.objects.values_list("source_id", "last_on")) == {(source.pk, timezone.now().date())}


def test_an_account_is_noted_once_a_day(source, django_assert_num_queries):
    deliver(source, [track("u1", group="acme")])
    process()
    AccountSource.objects.update(last_on=timezone.now().date() - timedelta(days=3))
    deliver(source, [track("u1", group="acme"), track("u1", group="acme")])
    process()
    assert AccountSource.objects.get().last_on == timezone.now().date()


def test_what_waits_for_a_worker_has_arrived(source):
    now = this_hour() + timedelta(minutes=30)
    deliver(source, [track("u1", group="acme")] * 3, now=this_hour() - timedelta(minutes=10))
    (volume,) = volumes(now).values()
    assert (volume.until, volume.counts[-1], sum(volume.counts)) == (this_hour(), 3, 3)


def test_facts_are_counted_by_system(clock):
    now = timezone.now()
    account = AccountFactory()
    times = {"occurred_at": now - timedelta(days=1), "now": now - timedelta(minutes=90)}
    named = {"system": "zendesk", "external_id": "1"}
    ticket, _ = upsert_ticket(account=account, fields={}, **named, **times)
    upsert_ticket(account=account, fields={"status": "solved"}, ticket=ticket, changed_at=now, occurred_at=now, now=now)
    record_survey_response(account=account, kind="nps", score=9, system="delighted", external_id="a", **times)
    record_survey_response(account=account, kind="nps", score=9, **times)
    record_activity(account=account, kind="call", system="hubspot", external_id="c", **times)
    record_activity(account=account, kind="call", system="hubspot", external_id="d", backfill=True, **times)
    upsert_subscription(
        account=account, system="stripe", external_id="s", fields={"mrr": 5}, effective_at=now - timedelta(days=2),
        now=times["now"],
    )  # fmt: skip
    count_facts(now=now)
    ten, noon = now - timedelta(hours=2), now
    assert set(FeedHour.objects.values_list("kind", "key", "hour", "count")) == {
        ("tickets", "zendesk", ten, 1), ("tickets", "zendesk", noon, 1), ("surveys", "delighted", ten, 1),
        ("activities", "hubspot", ten, 1), ("subscriptions", "stripe", ten, 1),
    }  # fmt: skip
    count_facts(now=now)
    assert FeedHour.objects.count() == 5
    assert [feed.label for feed in feeds()] == [
        "zendesk (tickets)", "delighted (survey answers)", "hubspot (activities)", "stripe (subscriptions)",
    ]  # fmt: skip


# --- Opened --------------------------------------------------------------------------------------


def test_a_source_that_stops_opens_one_incident_and_holds_its_accounts(source):
    mine, other, former = AccountFactory(), AccountFactory(), AccountFactory()
    since = stopped(source)
    tells_about(source, mine)
    tells_about(source, former, days_ago=60)
    tells_about(SourceFactory(name="Other"), other)
    assert check_feeds(now=timezone.now()) == CheckReport(opened=1)
    assert check_feeds(now=timezone.now()) == CheckReport()
    (incident,) = open_incidents()
    assert (incident.kind, incident.key, incident.name, incident.source) == ("usage", str(source.pk), "App", source)
    assert (incident.collapsed_since, incident.opened_how, incident.opened_by) == (since, "detected", None)
    assert incident.finding == "nothing in 3 hours instead of about 300 events"
    assert list(IncidentAccount.objects.values_list("incident_id", "account_id")) == [(incident.pk, mine.pk)]
    assert [row.account_id for row in DirtyAccount.objects.all()] == [mine.pk]


def test_many_accounts_are_scored_in_chunks(source, monkeypatch):
    monkeypatch.setattr(service, "MANY_ACCOUNTS", 0)
    stopped(source)
    tells_about(source, AccountFactory())
    check_feeds(now=timezone.now())
    assert not DirtyAccount.objects.exists()
    assert not Work.objects.exists()  # there is no scorecard yet


def test_sources_that_run_or_are_switched_off_open_none(source):
    send(source)
    off = SourceFactory(name="Off", is_enabled=False)
    stopped(off)
    assert check_feeds(now=timezone.now()) == CheckReport()


def test_a_help_desk_that_stops_holds_the_accounts_with_its_tickets():
    account, other = AccountFactory(), AccountFactory()
    now = this_hour() - timedelta(days=40)
    for each, system in ((account, "zendesk"), (other, "freshdesk")):
        upsert_ticket(account=each, fields={}, system=system, external_id="1", occurred_at=now, now=now)
    send(("tickets", "zendesk"), last_hour_ago=10)
    send(("tickets", "freshdesk"))
    assert check_feeds(now=timezone.now()).opened == 1
    assert [row.account_id for row in Incident.objects.get().held.all()] == [account.pk]


# --- Closed --------------------------------------------------------------------------------------


def test_it_closes_by_itself_when_the_volume_is_back(source):
    account = AccountFactory()
    stopped(source, hours=30)
    tells_about(source, account)
    check_feeds(now=timezone.now())
    DirtyAccount.objects.all().delete()
    send(source, first_hour_ago=2)
    assert check_feeds(now=timezone.now()) == CheckReport(closed=1)
    incident = Incident.objects.get()
    assert (incident.closed_how, incident.closed_by, incident.closing_reason) == ("volume", None, "")
    assert incident.opened_at < incident.closed_at
    assert [row.account_id for row in DirtyAccount.objects.all()] == [account.pk]
    assert check_feeds(now=timezone.now()) == CheckReport()


def test_a_person_closes_one_and_the_feed_is_left_alone_until_it_was_usual_again(source, editor):
    stopped(source, hours=30)
    check_feeds(now=timezone.now())
    now = timezone.now()
    incident = close_incident(incident=Incident.objects.get(), reason=" Moved to the new app ", now=now, actor=editor)
    assert (incident.closed_how, incident.closed_by, incident.closing_reason) == (
        "person", editor, "Moved to the new app",
    )  # fmt: skip
    assert SecurityEvent.objects.get(kind="incident.closed").subject == "App"
    assert check_feeds(now=now) == CheckReport()
    with pytest.raises(InvalidInput, match="closed already"):
        close_incident(incident=incident, reason="Again", now=now, actor=editor)
    send(source, first_hour_ago=29)
    assert check_feeds(now=now) == CheckReport()
    incident.refresh_from_db()
    assert incident.recovered_at == now


def test_switching_a_source_off_ends_its_incident(source):
    stopped(source)
    check_feeds(now=timezone.now())
    Source.objects.update(is_enabled=False)
    assert check_feeds(now=timezone.now()) == CheckReport(closed=1)
    assert Incident.objects.get().closing_reason == "The source is switched off."


# --- Declared ------------------------------------------------------------------------------------


def test_a_person_declares_one_which_only_a_person_closes(editor):
    source = SourceFactory(name="App", product=ProductFactory(name="Core"))
    send(source)
    tells_about(source, account := AccountFactory())
    now = timezone.now()
    since = now - timedelta(days=2)
    incident = declare_incident(
        feed=feed_of(source), collapsed_since=since, reason="Half of the events are lost", now=now, actor=editor
    )
    assert (incident.opened_how, incident.opened_by, incident.collapsed_since) == ("declared", editor, since)
    assert incident.product == source.product
    assert [row.account_id for row in incident.held.all()] == [account.pk]
    assert check_feeds(now=now) == CheckReport()
    with pytest.raises(InvalidInput, match=r"There is an open incident of App \(usage events\) already"):
        declare_incident(feed=feed_of(source), collapsed_since=since, reason="Again", now=now, actor=editor)
    close_incident(incident=incident, reason="Repaired", now=now, actor=editor)
    assert open_incidents() == []


@pytest.mark.parametrize(
    ("days", "reason", "field"),
    [
        (-1, "Broken", "collapsed_since"),
        (91, "Broken", "collapsed_since"),
        (1, " ", "reason"),
        (1, "x" * 301, "reason"),
    ],
)
def test_what_cannot_be_declared(source, editor, days, reason, field):
    now = timezone.now()
    with pytest.raises(InvalidInput) as error:
        declare_incident(
            feed=feed_of(source), collapsed_since=now - timedelta(days=days), reason=reason, now=now, actor=editor
        )
    assert error.value.field == field
    assert not Incident.objects.exists()


def test_only_editors_declare_and_close(source):
    person = UserFactory()
    now = timezone.now()
    with pytest.raises(PermissionDenied):
        declare_incident(feed=feed_of(source), collapsed_since=now, reason="Broken", now=now, actor=person)
    stopped(source)
    check_feeds(now=now)
    with pytest.raises(PermissionDenied):
        close_incident(incident=Incident.objects.get(), reason="Fine", now=now, actor=person)
    assert len(open_incidents()) == 1


def test_external_ids_name_the_feeds_of_facts():
    assert {facts.entity for facts in service.FACTS.values()} == set(Entity) - {Entity.ACCOUNT, Entity.CONTACT}
