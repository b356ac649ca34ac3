import json

import pytest
from django.urls import reverse

from health.models import RejectedEvent
from health.views.quarantine import PAGE_ROWS, readable
from team.enums import AccessLevel
from tests.factories import SourceFactory, UserFactory
from tests.health.wire import days, deliver, process, track

pytestmark = pytest.mark.django_db
LIST = "/settings/sources/quarantine/"


@pytest.fixture
def editor(client):
    user = UserFactory(access_level=AccessLevel.EDITOR)
    client.force_login(user)
    return user


@pytest.fixture
def rejected(source, settings):
    """Of two sources: two events of a name too many, and one without a name."""
    settings.MAX_EVENT_TYPES = 0
    other = SourceFactory(name="Other")
    deliver(source, [track("u1", "A", group="acme"), {"type": "track", "userId": "u1", "messageId": "m"}])
    deliver(other, [track("u1", "B", group="acme")])
    process()
    settings.MAX_EVENT_TYPES = 10
    return {(row.source.name, row.code): row for row in RejectedEvent.objects.select_related("source")}


def shown(client, query=""):
    response = client.get(LIST + query)
    return {(row.source.name, row.code) for row in response.context["page"].rows}


def test_list_shows_open_events_by_source_and_reason(client, editor, rejected):
    all_of_them = {("App", "too_many_event_types"), ("App", "missing_event"), ("Other", "too_many_event_types")}
    assert shown(client) == all_of_them
    assert shown(client, f"?source={rejected['App', 'missing_event'].source.pk}") == {
        ("App", "too_many_event_types"),
        ("App", "missing_event"),
    }
    assert shown(client, "?code=missing_event") == {("App", "missing_event")}
    assert shown(client, "?state=discarded") == set()
    assert shown(client, "?source=nonsense&state=x") == all_of_them
    assert "A track call needs “event”" in client.get(LIST).content.decode()


def test_list_pages_by_key(client, editor, source):
    deliver(source, [{"type": "track", "messageId": str(n)} for n in range(PAGE_ROWS + 1)])
    process()
    first = client.get(LIST).context["page"]
    second = client.get(LIST, {"after": first.after}).context["page"]
    assert (len(first.rows), len(second.rows), second.after) == (PAGE_ROWS, 1, "")


@pytest.mark.parametrize("count", [1, 3])
def test_list_has_the_same_queries_for_any_number(client, editor, source, django_assert_num_queries, count):
    deliver(source, [{"type": "track", "messageId": str(n)} for n in range(count)])
    process()
    client.get(LIST)
    with django_assert_num_queries(6):
        client.get(LIST)


def test_an_event_is_shown_with_its_reason_as_it_came(client, editor, rejected):
    page = client.get(reverse("rejected", args=[rejected["App", "missing_event"].pk])).content.decode()
    assert "&quot;userId&quot;: &quot;u1&quot;" in page
    assert "missing_event" in page
    assert client.get(reverse("rejected", args=[0])).status_code == 404


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"a":"\xc3\xa9"}', '{\n  "a": "\\u00e9"\n}'),
        (b'{"a":NaN}', '{\n  "a": NaN\n}'),
        (b"\xff\x00{", "\\xff\\x00{"),
        (b"[" * 9000, "[" * 9000),
        (json.dumps("\ud800").encode(), '"\\ud800"'),
    ],
)
def test_readable_shows_anything(raw, expected):
    assert readable(raw) == expected


def test_replay_one(client, editor, rejected):
    row = rejected["Other", "too_many_event_types"]
    client.post(reverse("rejected_replay"), {"pk": row.pk})
    assert sum(days().values()) == 1
    assert RejectedEvent.objects.get(state="replayed", settled_by=editor) == row


def test_replay_all_that_match(client, editor, rejected):
    response = client.post(
        reverse("rejected_replay"), {"source": rejected["App", "missing_event"].source.pk}, follow=True
    )
    assert sum(days().values()) == 1
    notes = [str(message) for message in response.context["messages"]]
    assert notes == ["1 event was taken.", "1 is still rejected."]
    assert RejectedEvent.objects.filter(state="open").count() == 2


def test_discard_one_and_all(client, editor, rejected):
    client.post(reverse("rejected_discard"), {"pk": rejected["App", "missing_event"].pk})
    assert RejectedEvent.objects.get(state="discarded") == rejected["App", "missing_event"]
    client.post(reverse("rejected_discard"), {})
    assert RejectedEvent.objects.filter(state="discarded").count() == 3
    assert days() == {}


@pytest.mark.parametrize(
    "given", [{"pk": "nonsense"}, {"pk": "0"}, {"pk": "9" * 40}, {"pk": "-1"}, {"source": "0"}, {"code": "x" * 99}]
)
def test_settling_what_is_not_there_does_nothing(client, editor, rejected, given):
    for name in ("rejected_replay", "rejected_discard"):
        assert client.post(reverse(name), given).status_code == 302
    assert RejectedEvent.objects.filter(state="open").count() == 3


@pytest.mark.parametrize("level", [AccessLevel.VIEWER, AccessLevel.CONTRIBUTOR])
def test_only_editors_see_and_settle(client, rejected, level):
    client.force_login(UserFactory(access_level=level))
    row = rejected["App", "missing_event"]
    assert client.get(LIST).status_code == client.get(reverse("rejected", args=[row.pk])).status_code == 403
    for name in ("rejected_replay", "rejected_discard"):
        assert client.post(reverse(name), {"pk": row.pk}).status_code == 403
    assert RejectedEvent.objects.filter(state="open").count() == 3


def test_settling_needs_a_post(client, editor):
    for name in ("rejected_replay", "rejected_discard"):
        assert client.get(reverse(name)).status_code == 405
