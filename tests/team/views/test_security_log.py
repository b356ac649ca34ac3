import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from team.models import SecurityEvent
from team.security import log_security
from tests.factories import UserFactory
from tests.team.tampering import tamper

pytestmark = pytest.mark.django_db
DAY = datetime(2026, 6, 15, tzinfo=UTC)


def log_three(user):
    log_security(kind="x.one", now=DAY - timedelta(seconds=1), subject="first", user=user)
    log_security(kind="x.two", now=DAY, subject="second")
    log_security(kind="x.two", now=DAY + timedelta(hours=23, minutes=59), subject="third")


def shown(response):
    return [event.subject for event in response.context["events"] if event.kind.startswith("x.")]


@pytest.mark.parametrize(
    ("query", "subjects"),
    [
        ({}, ["third", "second", "first"]),
        ({"kind": "x.two"}, ["third", "second"]),
        ({"since": "2026-06-15"}, ["third", "second"]),
        ({"until": "2026-06-14"}, ["first"]),
        ({"since": "2026-06-15", "until": "2026-06-15", "kind": "x.one"}, []),
    ],
)
def test_filters(client, admin, query, subjects):
    log_three(UserFactory())
    assert shown(client.get(reverse("security_log"), query)) == subjects


def test_filter_by_user(client, admin):
    user = UserFactory()
    log_three(user)
    assert shown(client.get(reverse("security_log"), {"user": user.pk})) == ["first"]


@pytest.mark.parametrize("query", [{"kind": "no.such"}, {"since": "tomorrow"}, {"user": "0"}])
def test_a_filter_that_cannot_be_shows_what_is_wrong(client, admin, query):
    log_three(None)
    response = client.get(reverse("security_log"), query)
    assert response.status_code == 422
    assert response.context["form"].errors
    assert client.get(reverse("security_log_csv"), query).status_code == 422


def test_pages_follow_each_other_without_gap_or_overlap(client, admin):
    for number in range(120):
        log_security(kind="x.many", now=DAY, subject=str(number))
    seen, after = [], ""
    while True:
        response = client.get(reverse("security_log"), {"kind": "x.many", "after": after})
        seen += shown(response)
        after = response.context["next_cursor"]
        if not after:
            break
    assert seen == [str(number) for number in reversed(range(120))]


def test_csv_holds_what_the_filter_shows_and_no_formulas(client, admin):
    log_security(kind="x.one", now=DAY, subject='=HYPERLINK("http://evil")', ip_address="192.0.2.1", detail={"a": 1})
    log_security(kind="x.two", now=DAY, subject="other")
    response = client.get(reverse("security_log_csv"), {"kind": "x.one"})
    assert response["Content-Disposition"] == 'attachment; filename="security-log.csv"'
    head, row = csv.reader(io.StringIO(response.getvalue().decode()))
    event = SecurityEvent.objects.get(kind="x.one")
    assert head == ["id", "when (UTC)", "what", "about", "by", "from", "detail", "hash"]
    cells = [str(event.pk), "2026-06-15T00:00:00+00:00", "x.one", "'" + event.subject, "", "192.0.2.1", '{"a": 1}']
    assert row == [*cells, event.hash]


def test_the_chain_is_shown_whole_or_broken(client, admin):
    log_three(None)
    page = client.get(reverse("security_log"), {"verify": "1"}).content.decode()
    assert "The chain is whole: none of 4 rows was changed" in page
    tamper("UPDATE team_securityevent SET subject = 'nobody' WHERE subject = 'second'")
    broken = SecurityEvent.objects.get(subject="nobody")
    page = client.get(reverse("security_log"), {"verify": "1"}).content.decode()
    assert f"Row {broken.pk} of" in page


def test_queries_do_not_grow(client, admin, django_assert_num_queries):
    for _ in range(3):
        log_security(kind="x.one", now=DAY, user=UserFactory())
        client.get(reverse("security_log"))
        with django_assert_num_queries(5):
            client.get(reverse("security_log"))
