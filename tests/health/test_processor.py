from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.utils import timezone

from accounts.models import Account, AccountEvent, Contact, ExternalId, Membership
from accounts.services import join_account, upsert_contact
from health.enums import Dialect
from health.models import (
    DirtyAccount,
    EventType,
    GroupCall,
    HeldEvent,
    IngestBatch,
    RejectedEvent,
    SeenMessage,
    UsageDay,
    UsageEvent,
)
from health.usage import held, processor
from health.usage.partitions import SEEN_MESSAGE, ensure_partitions
from health.usage.processor import MAX_ATTEMPTS, MAX_CHUNK_EVENTS, MIN_CHUNK_EVENTS, SHARED_ATTEMPTS, Pace
from tests.factories import AccountFactory, ProductFactory, SourceFactory
from tests.health.wire import alias, days, deliver, group, identify, process, track

pytestmark = pytest.mark.django_db


def ago(**delta):
    return timezone.now() - timedelta(**delta)


def test_events_become_usage_of_account_and_contact(source):
    now = timezone.now()
    deliver(
        source,
        [
            identify("u1", name="Ann", email="ANN@acme.example"),
            group("u1", "acme", name="Acme", plan="pro"),
            track("u1", "Report viewed", value=2.5),
            track("u1", "Report viewed", value=1),
            track("u1", "Export"),
        ],
    )
    process()
    account, contact = Account.objects.get(), Contact.objects.get()
    assert (account.name, account.attributes) == ("Acme", {"plan": "pro"})
    assert (contact.name, contact.email) == ("Ann", "ann@acme.example")
    assert Membership.objects.get().account == account
    day = str(now.date())
    assert days() == {("Acme", "u1", "Report viewed", day): 2, ("Acme", "u1", "Export", day): 1}
    assert UsageDay.objects.get(count=2).value == 3.5
    assert UsageEvent.objects.count() == 3
    assert SeenMessage.objects.count() == 5
    source.refresh_from_db()
    assert (source.accepted_count, source.duplicate_count, source.rejected_count) == (5, 0, 0)
    assert source.last_event_at >= now
    assert DirtyAccount.objects.get().account_id == account.pk
    assert IngestBatch.objects.get().processed_at is not None


def test_event_row_holds_every_time(source):
    received = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    event = track("u1", "A", at="2026-11-24T10:00:00+01:00", group="acme", value=4, note="a\tb\\c\nd")
    deliver(source, [event], now=received, sentAt="2026-11-24T11:59:58.500Z")
    process()
    row = UsageEvent.objects.get()
    assert (row.occurred_at, row.shift_ms) == (datetime(2026, 11, 24, 9, 0, 1, 500_000, UTC), 1500)
    assert row.received_at == received
    assert row.recorded_at > received
    assert (row.value, row.properties) == (4, {"value": 4, "note": "a\tb\\c\nd"})
    assert (row.source_id, row.is_backfill, row.clock_note) == (source.pk, False, 0)
    usage = UsageDay.objects.get()
    assert (usage.day, usage.recorded_on, usage.is_backfill) == (
        row.occurred_at.date(),
        row.recorded_at.date(),
        False,
    )


def test_resending_adds_nothing(source):
    events = [identify("u1", name="Ann"), track("u1", group="acme"), track("u1", group="acme")]
    for _ in range(2):
        deliver(source, events)
    deliver(source, [*events, events[1]])
    process()
    deliver(source, events)
    process()
    assert list(days().values()) == [2]
    assert UsageEvent.objects.count() == 2
    source.refresh_from_db()
    assert (source.accepted_count, source.duplicate_count) == (3, 10)


def test_the_same_message_id_from_another_source_is_another_message(source):
    event = track("u1", group="acme")
    for each in (source, SourceFactory()):
        deliver(each, [event])
    process()
    assert list(days().values()) == [2]


def test_messages_without_id_are_told_apart_by_their_place(source):
    event = track("u1", group="acme")
    del event["messageId"]
    receipt = deliver(source, [event, event])
    deliver(source, [event])
    process()
    assert (receipt.accepted, receipt.duplicates) == (2, 0)
    assert list(days().values()) == [3]


def test_a_message_seen_weeks_ago_is_still_known(source):
    event = track("u1", group="acme")
    deliver(source, [event])
    process()
    with connection.cursor() as cursor:  # as if that had been five weeks ago
        weeks_ago = timezone.now().date() - timedelta(days=35)
        ensure_partitions(SEEN_MESSAGE, [weeks_ago])
        cursor.execute("UPDATE health_seenmessage SET seen_on = %s", [weeks_ago])
    deliver(source, [event])
    process()
    assert list(days().values()) == [1]


def test_one_bad_event_leaves_its_neighbours(source):
    receipt = deliver(source, [track("u1", group="acme"), b'{"type":"track","x":NaN}', track("u1", group="acme")])
    process()
    assert (receipt.accepted, [r["index"] for r in receipt.rejected]) == (2, [1])
    assert list(days().values()) == [2]
    bad = RejectedEvent.objects.get()
    assert (bad.code, bytes(bad.raw), bad.source) == ("not_a_number", b'{"type":"track","x":NaN}', source)
    source.refresh_from_db()
    assert (source.accepted_count, source.rejected_count) == (2, 1)


def test_a_rejected_event_that_comes_again_is_kept_once(source):
    for _ in range(2):
        deliver(source, [{"type": "track", "messageId": "m", "userId": "u"}] * 2)
        process()
    bad = RejectedEvent.objects.get()
    assert (bad.occurrence_count, bad.code, bad.message_id) == (4, "missing_event", "m")


def test_identify_of_one_known_by_email_is_the_same_person(source):
    contact, _ = upsert_contact(
        system="crm", external_id="7", fields={"email": "ann@acme.example", "name": "Ann A."}, now=timezone.now()
    )
    deliver(source, [identify("u1", email="Ann@Acme.example"), identify("u2", email="bob@acme.example")])
    process()
    assert Contact.objects.count() == 2
    assert ExternalId.objects.get(system="product", value="u1").object_id == contact.pk
    assert Contact.objects.get(pk=contact.pk).name == "Ann A."


def test_traits_absent_keep_and_null_clears_whatever_their_spelling(source):
    deliver(
        source,
        [
            identify("u1", firstName="Ann", LAST_NAME="Arp", jobTitle="CTO", planTier="pro", seats=3, avatar="x"),
            group("u1", "acme", name="Acme", Website="https://www.Acme.example/about", plan="pro", tier="gold"),
        ],
    )
    process()
    deliver(source, [identify("u1", plan_tier=None), group("u1", "acme", plan=None, name=None, employees=12)])
    process()
    contact, account = Contact.objects.get(), Account.objects.get()
    assert (contact.name, contact.title, contact.attributes) == ("Ann Arp", "CTO", {"seats": 3})
    assert (account.name, account.domain, account.tier) == ("Acme", "acme.example", "")
    assert account.attributes == {"employees": 12, "trait_tier": "gold"}


def test_calls_that_say_nothing_new_write_nothing(source):
    calls = [identify("u1", email="ann@acme.example", seats=3), group("u1", "acme", name="Acme", plan="pro")]
    deliver(source, calls)
    process()

    def state():
        return Contact.objects.get().row_version, Account.objects.get().row_version, AccountEvent.objects.count()

    before = state()
    for call in calls:
        call["messageId"] += "-again"
    deliver(source, calls)
    process()
    assert (
        Contact.objects.get().row_version,
        Account.objects.get().row_version,
        AccountEvent.objects.count(),
    ) == before


def test_a_trait_that_does_not_fit_quarantines_its_call_only(source):
    deliver(source, [identify("u1", seats=3), group("u1", "acme", name="Acme")])
    process()
    deliver(source, [identify("u1", seats="many"), identify("u1", email="no address"), track("u1")])
    process()
    assert set(RejectedEvent.objects.values_list("code", flat=True)) == {"invalid_trait"}
    assert RejectedEvent.objects.count() == 2
    assert "Seats" in RejectedEvent.objects.order_by("id")[0].message
    assert list(days().values()) == [1]
    assert Contact.objects.get().attributes == {"seats": 3}


def test_a_name_alone_makes_account_contact_and_membership(source):
    deliver(source, [track("u1", group="acme"), track("u2", group="acme")])
    process()
    assert Account.objects.get().name == "acme"
    assert Membership.objects.count() == Contact.objects.count() == 2
    kinds = sorted(AccountEvent.objects.values_list("kind", flat=True))
    assert kinds == ["account.created", "contact.joined", "contact.joined"]


def test_sources_of_one_system_share_people_and_others_do_not(source):
    deliver(source, [track("u1", group="acme")])
    deliver(SourceFactory(), [track("u1", group="acme")])
    deliver(SourceFactory(system="legacy"), [track("u1", group="acme")])
    process()
    assert Account.objects.count() == Contact.objects.count() == 2


def test_an_event_type_is_a_name_a_kind_and_a_product(source):
    product = ProductFactory()
    deliver(source, [track("u1", "Home", group="acme"), {**track("u1", group="acme", kind="page"), "name": "Home"}])
    deliver(SourceFactory(product=product), [track("u1", "Home", group="acme")])
    process()
    assert set(EventType.objects.values_list("name", "kind", "product")) == {
        ("Home", "track", None),
        ("Home", "page", None),
        ("Home", "track", product.pk),
    }


def test_too_many_event_types_are_quarantined(source, settings):
    settings.MAX_EVENT_TYPES = 2
    deliver(source, [track("u1", name, group="acme") for name in ("A", "B", "C", "A", "D")])
    process()
    assert sorted(EventType.objects.values_list("name", flat=True)) == ["A", "B"]
    assert list(RejectedEvent.objects.values_list("code", flat=True)) == ["too_many_event_types"] * 2
    assert SeenMessage.objects.count() == 3


def test_events_before_and_after_joining_are_attributed_alike(source):
    deliver(source, [track("u1", at=ago(minutes=5)), group("u1", "acme", at=ago(minutes=3)), track("u1")])
    deliver(source, [track("u1", at=ago(minutes=4))])
    process()
    assert sum(days().values()) == 3
    assert HeldEvent.objects.count() == 0


def test_an_event_of_nobodys_account_is_held_until_they_join(source):
    deliver(source, [track("u1", "Early", at=ago(days=3), value=7)])
    process()
    assert (UsageDay.objects.count(), HeldEvent.objects.count()) == (0, 1)
    deliver(source, [group("u1", "acme")])
    process()
    assert days() == {("acme", "u1", "Early", str(ago(days=3).date())): 1}
    usage = UsageDay.objects.get()
    assert (usage.value, usage.recorded_on) == (7, timezone.now().date())
    assert HeldEvent.objects.count() == 0
    assert UsageEvent.objects.get().properties == {"value": 7}


def test_held_events_are_found_when_somebody_else_makes_them_a_member(source):
    deliver(source, [track("u1"), track("u1")])
    process()
    assert held.release_joined() == 0
    join_account(contact=Contact.objects.get(), account=AccountFactory(name="Acme"), occurred_at=ago(days=9), now=ago())
    assert held.release_joined() == 2
    assert held.release_joined() == 0
    assert list(days().values()) == [2]


def test_held_events_are_forgotten_after_a_while(source, settings):
    deliver(source, [track("u1")], now=ago(days=36))
    deliver(source, [track("u1")], now=ago(days=34))
    process()
    assert held.forget_held(timezone.now()) == 1
    settings.HELD_EVENT_DAYS = 0
    assert held.forget_held(timezone.now() + timedelta(days=99)) == 0
    assert HeldEvent.objects.count() == 1


def test_anonymous_events_become_theirs_when_they_identify(source):
    deliver(source, [track(None, "Visit", anonymous="a1"), track(None, "Visit", anonymous="a2")])
    process()
    assert (HeldEvent.objects.count(), Contact.objects.count()) == (2, 0)
    deliver(source, [group("u1", "acme"), identify("u1", anonymous="a1")])
    process()
    assert list(days().values()) == [1]
    deliver(source, [track(None, "Visit", anonymous="a1")])
    process()
    assert list(days().values()) == [2]
    assert HeldEvent.objects.count() == 1


def test_alias_joins_an_earlier_name_to_a_person(source):
    deliver(source, [track("old"), group("u1", "acme"), track(None, anonymous="a1")])
    process()
    deliver(source, [alias("u1", "older"), alias("u1", "a1")])
    deliver(source, [track("older")])
    process()
    assert days()[("acme", "u1", "Report viewed", str(timezone.now().date()))] == 2
    assert HeldEvent.objects.count() == 1  # of “old”, a person of their own


def test_alias_makes_one_of_two_people_we_have(source):
    deliver(source, [track("old"), group("u1", "acme"), identify("u1", name="Cleo")])
    process()
    assert (Contact.objects.count(), HeldEvent.objects.count()) == (2, 1)
    deliver(source, [alias("u1", "old"), track("old")])
    process()
    assert Contact.objects.get().name == "Cleo"
    assert Contact.all_objects.exclude(deleted_at=None).get().merged_into == Contact.objects.get()
    assert sum(days().values()) == 2
    assert HeldEvent.objects.count() == 0
    deliver(source, [alias("u1", "old")])
    process()
    assert Contact.objects.count() == 1


def test_alias_of_people_with_other_addresses_leaves_them_apart(source):
    deliver(source, [identify("u1", email="a@x.example"), identify("u2", email="b@x.example"), alias("u1", "u2")])
    process()
    deliver(source, [alias("u1", "u2")])
    process()
    assert Contact.objects.count() == 2


def test_people_of_several_accounts_are_where_they_last_said(source):
    deliver(
        source,
        [
            group("u1", "a", at=ago(hours=9)),
            group("u1", "b", at=ago(hours=7)),
            group("u1", "a", at=ago(hours=5)),
            group("u1", "a", at=ago(hours=4)),
            track("u1", "8", at=ago(hours=8)),
            track("u1", "6", at=ago(hours=6)),
            track("u1", "3", at=ago(hours=3)),
            track("u1", "named", at=ago(hours=3), group="b"),
        ],
    )
    process()
    assert {(account, name) for account, _, name, _ in days()} == {("a", "8"), ("b", "6"), ("a", "3"), ("b", "named")}
    assert GroupCall.objects.count() == 3


def test_somebody_inactive_counts_for_the_account_alone(source):
    event = track("u1", group="acme")
    event["context"]["active"] = False
    deliver(source, [event])
    process()
    assert UsageDay.objects.get().contact_id == 0
    assert Membership.objects.count() == 0


def test_leaving_is_not_undone_by_events(source):
    deliver(source, [group("u1", "acme")])
    process()
    Membership.objects.update(until=timezone.now())
    deliver(source, [track("u1", group="acme")])
    process()
    assert Membership.objects.count() == 1
    deliver(source, [group("u1", "acme")])
    process()
    assert Membership.objects.count() == 2


def test_what_was_deleted_comes_back_when_it_is_described_again(source):
    deliver(source, [identify("u1", name="Ann"), group("u1", "acme", name="Acme")])
    process()
    for model in (Account, Contact):
        model.objects.update(deleted_at=timezone.now())
    deliver(source, [track("u1", group="acme")])
    process()
    assert Account.objects.count() == Contact.objects.count() == 0
    assert list(days().values()) == [1]
    deliver(source, [identify("u1", name="Ann"), group("u1", "acme", name="Acme")])
    process()
    assert Account.objects.count() == Contact.objects.count() == 1


def test_posthog_events_take_the_same_way(source):
    deliver(
        source,
        [
            {
                "event": "$groupidentify",
                "distinct_id": "$company_acme",
                "uuid": "g",
                "properties": {"$group_type": "company", "$group_key": "acme", "$group_set": {"name": "Acme"}},
            },
            {"event": "$identify", "distinct_id": "u1", "uuid": "i", "$set": {"email": "ann@acme.example"}},
            {"event": "viewed", "distinct_id": "u1", "uuid": "e", "properties": {"$groups": {"company": "acme"}}},
        ],
        dialect=Dialect.POSTHOG,
    )
    process()
    assert days() == {("Acme", "u1", "viewed", str(timezone.now().date())): 1}
    assert Contact.objects.get().email == "ann@acme.example"


def test_import_route_is_backfill(source):
    old = track("u1", at="1999-12-31T23:59:59Z", group="acme")
    deliver(source, [old], is_backfill=True)
    process()
    usage = UsageDay.objects.get()
    assert (str(usage.day), usage.is_backfill) == ("1999-12-31", True)
    membership = Membership.objects.get()
    assert membership.known_at == membership.occurred_at == datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert set(AccountEvent.objects.values_list("origin", flat=True)) == {"backfill"}


def test_late_events_are_known_from_today(source):
    deliver(source, [track("u1", at=ago(days=40), group="acme")])
    process()
    usage = UsageDay.objects.get()
    assert (usage.day, usage.recorded_on) == (ago(days=40).date(), timezone.now().date())


def test_a_body_that_cannot_be_processed_blocks_nobody(source, monkeypatch):
    deliver(source, [track("u1", group="acme")])
    poison = deliver(source, [track("poison", group="acme")])
    deliver(source, [track("u1", group="acme")])
    assert poison.accepted == 1
    real = processor.record

    def record(decoded, **options):
        if any(incoming.call.user_id == "poison" for incoming in decoded.calls):
            raise ZeroDivisionError
        return real(decoded, **options)

    monkeypatch.setattr(processor, "record", record)
    process()
    assert list(days().values()) == [2]
    stuck = IngestBatch.objects.get(processed_at=None)
    assert (stuck.attempts, stuck.error) == (MAX_ATTEMPTS, "ZeroDivisionError: ")
    assert not processor.has_backlog()
    monkeypatch.setattr(processor, "record", real)
    assert processor.retry_failed() == 1
    process()
    assert list(days().values()) == [2, 1]


def test_a_fault_of_the_database_costs_no_attempt(source, monkeypatch):
    deliver(source, [track("u1", group="acme")])

    class Lost(Exception):
        pgcode = "57P01"

    def record(decoded, **options):
        raise OperationalError from Lost()

    with monkeypatch.context() as patch:
        patch.setattr(processor, "record", record)
        for _ in range(MAX_ATTEMPTS + 1):
            with pytest.raises(OperationalError):
                process()
    assert IngestBatch.objects.get().attempts == 0
    process()
    assert list(days().values()) == [1]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OperationalError(), True),
        (ValueError(), False),
        (DatabaseError(), False),
    ],
)
def test_is_temporary(error, expected):
    assert processor.is_temporary(error) is expected


def test_a_body_that_was_under_way_when_its_worker_died_is_tried_alone(source):
    for _ in range(3):
        deliver(source, [track("u1", group="acme")])
    IngestBatch.objects.update(attempts=SHARED_ATTEMPTS)
    assert processor.process_chunk(Pace()) == 0
    assert processor.process_suspect() == 1
    process()
    assert list(days().values()) == [3]


def test_pace_follows_the_time_a_chunk_takes():
    pace = Pace(2000)
    pace.adjust(0.1, was_full=True)
    assert pace.events == 4000
    pace.adjust(0.1, was_full=False)
    pace.adjust(1.5, was_full=True)
    assert pace.events == 4000
    pace.adjust(2.1, was_full=True)
    assert pace.events == 2000
    for _ in range(9):
        pace.adjust(9, was_full=True)
    assert pace.events == MIN_CHUNK_EVENTS
    for _ in range(9):
        pace.adjust(0, was_full=True)
    assert pace.events == MAX_CHUNK_EVENTS


def test_a_chunk_takes_whole_bodies_up_to_its_size(source):
    for _ in range(4):
        deliver(source, [track("u1", group="acme")] * 400)
    assert processor.process_chunk(Pace(1000)) == 3
    assert processor.process_chunk(Pace(1000)) == 1
