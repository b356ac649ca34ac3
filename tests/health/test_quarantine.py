from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from health.models import RejectedEvent, SeenMessage, UsageDay, UsageEvent
from health.usage import quarantine
from team.enums import AccessLevel
from tests.factories import UserFactory
from tests.health.wire import days, deliver, identify, process, track

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor():
    return UserFactory(access_level=AccessLevel.EDITOR)


@pytest.fixture
def surplus(source, settings):
    """Two events of names that were one too many, sent an hour ago by a clock that is ten minutes slow."""
    settings.MAX_EVENT_TYPES = 0
    now = timezone.now() - timedelta(hours=1)
    sent_at = now - timedelta(minutes=10)
    events = [track("u1", name, at=sent_at, group="acme") for name in "AB"]
    del events[1]["messageId"]
    deliver(source, events, now=now, sentAt=sent_at.isoformat(), context={"groupId": "outer"})
    process()
    assert RejectedEvent.objects.count() == 2
    return now


def replay(user, events=None):
    return quarantine.replay(events=events or RejectedEvent.objects.all(), user=user, now=timezone.now())


def test_replay_takes_what_can_be_taken_now(source, surplus, editor, settings):
    settings.MAX_EVENT_TYPES = 10
    assert replay(editor) == (2, 0)
    assert sorted(days().values()) == [1, 1]
    assert {row.state for row in RejectedEvent.objects.all()} == {"replayed"}
    assert RejectedEvent.objects.filter(settled_by=editor, settled_at__isnull=False).count() == 2
    assert {row.occurred_at for row in UsageEvent.objects.all()} == {surplus}  # the clock was corrected as then
    source.refresh_from_db()
    assert (source.accepted_count, source.rejected_count) == (2, 2)
    assert replay(editor) == (0, 0)
    assert SeenMessage.objects.count() == 2


def test_replay_of_one_leaves_the_others(surplus, editor, settings):
    settings.MAX_EVENT_TYPES = 10
    one = RejectedEvent.objects.order_by("id")[:1].get()
    assert replay(editor, RejectedEvent.objects.filter(pk=one.pk)) == (1, 0)
    assert list(RejectedEvent.objects.order_by("id").values_list("state", flat=True)) == ["replayed", "open"]


def test_what_is_rejected_again_stays_with_the_reason_of_today(source, surplus, editor, settings):
    settings.MAX_EVENT_TYPES = 7
    settings.USAGE_OLDEST_DAYS = -1
    assert replay(editor) == (0, 2)
    rows = RejectedEvent.objects.values_list("state", "code", "occurrence_count")
    assert set(rows) == {("open", "timestamp_too_old", 1)}
    source.refresh_from_db()
    assert source.rejected_count == 2


def test_replay_of_an_event_that_came_again_meanwhile_adds_nothing(source, editor):
    deliver(source, [identify("u1", seats=1)])
    process()
    bad = {**identify("u1", seats="x"), "messageId": "m"}
    deliver(source, [bad])
    process()
    deliver(source, [{**bad, "traits": {"seats": 2}}])
    process()
    assert replay(editor) == (1, 0)
    assert UsageDay.objects.count() == 0


def test_discard_keeps_the_row(surplus, editor):
    now = timezone.now()
    assert quarantine.discard(events=RejectedEvent.objects.all(), user=editor, now=now) == 2
    assert set(RejectedEvent.objects.values_list("state", "settled_by", "settled_at")) == {
        ("discarded", editor.pk, now)
    }
    assert quarantine.discard(events=RejectedEvent.objects.all(), user=editor, now=now) == 0
    assert replay(editor) == (0, 0)


def test_a_discarded_event_that_comes_again_is_open_again(source, editor):
    bad = {"type": "track", "messageId": "m", "userId": "u"}
    deliver(source, [bad])
    process()
    quarantine.discard(events=RejectedEvent.objects.all(), user=editor, now=timezone.now())
    deliver(source, [bad])
    process()
    assert sorted(RejectedEvent.objects.values_list("state", flat=True)) == ["discarded", "open"]


@pytest.mark.parametrize("level", [AccessLevel.VIEWER, AccessLevel.CONTRIBUTOR])
def test_only_editors_settle_the_quarantine(surplus, level):
    user = UserFactory(access_level=level)
    for act in (quarantine.replay, quarantine.discard):
        with pytest.raises(PermissionDenied):
            act(events=RejectedEvent.objects.all(), user=user, now=timezone.now())
    assert RejectedEvent.objects.filter(state="open").count() == 2


def test_forget_rejected_after_its_time(surplus, settings):
    RejectedEvent.objects.filter(pk=RejectedEvent.objects.first().pk).update(
        received_at=timezone.now() - timedelta(days=91)
    )
    settings.QUARANTINE_DAYS = 0
    assert quarantine.forget_rejected(timezone.now()) == 0
    settings.QUARANTINE_DAYS = 90
    assert quarantine.forget_rejected(timezone.now()) == 1
    assert RejectedEvent.objects.count() == 1
