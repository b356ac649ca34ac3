"""The pages of incidents: what is open, what it holds, declared and ended by editors."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from health.models import Incident
from health.services.incidents import check_feeds
from team.enums import AccessLevel
from tests.factories import AccountFactory, SourceFactory, UserFactory
from tests.health.cards import make_scorecard
from tests.health.feed_rows import send, tells_about

pytestmark = pytest.mark.django_db
LIST = "/settings/sources/incidents/"


@pytest.fixture
def editor(client):
    user = UserFactory(access_level=AccessLevel.EDITOR, name="Edith")
    client.force_login(user)
    return user


def text(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def broken(name="App", accounts=1):
    """Return the open incident of a source that stopped five hours ago."""
    source = SourceFactory(name=name)
    for number in range(accounts):
        tells_about(source, AccountFactory(name=f"{name} customer {number}"))
    send(source, last_hour_ago=5)
    check_feeds(now=timezone.now())
    return Incident.objects.get(name=name)


def test_list_without_any_says_that_all_is_well(client, editor):
    page = text(client.get(LIST))
    assert "All data come as usual" in page
    assert "None so far" in page


@pytest.mark.parametrize("count", [1, 3])
def test_list_has_the_same_queries_for_any_number(client, editor, django_assert_num_queries, count):
    for number in range(count):
        broken(f"App {number}", accounts=count)
    Incident.objects.filter(name="App 0").update(closed_at=timezone.now(), closed_how="volume")
    broken("Other")
    client.get(LIST)
    with django_assert_num_queries(6):
        page = text(client.get(LIST))
    assert "Other Usage events" in page
    assert "The data came back" in page


def test_incident_shows_what_it_holds(client, editor):
    make_scorecard()
    incident = broken(accounts=3)
    page = text(client.get(f"{LIST}{incident.pk}/"))
    assert "App: usage events" in page
    assert "Nothing in 3 hours instead of about 300 events. About 500 are missing by now." in page
    assert "Accounts it holds 3" in page
    assert "App customer 0" in page
    assert "Events Health · 7 days" in page
    assert "CSM sentiment" not in page
    assert "It ends by itself when the data are back." in page


def test_an_editor_ends_it_with_a_reason(client, editor):
    incident = broken()
    url = f"{LIST}{incident.pk}/"
    assert client.post(url, {"reason": " "}).status_code == 422
    page = text(client.post(url, {"reason": "We have turned it off on purpose"}, follow=True))
    assert "Closed by a person: Edith" in page
    assert "We have turned it off on purpose" in page
    assert "End the freeze" not in page
    again = client.post(url, {"reason": "Again"})
    assert again.status_code == 422
    assert "This incident is closed already." in text(again)


def test_an_editor_declares_one(client, editor):
    source = SourceFactory(name="App")
    send(source)
    assert "App (usage events)" in text(client.get(f"{LIST}new/"))
    day = timezone.now().date() - timedelta(days=2)
    given = {"feed": f"usage:{source.pk}", "since": str(day), "reason": "Half is lost"}
    page = text(client.post(f"{LIST}new/", given, follow=True))
    assert "Half is lost." in page
    assert "Declared by a person: Edith" in page
    assert "stays open until a person ends it" in page
    refused = client.post(f"{LIST}new/", given)
    assert refused.status_code == 422
    assert "There is an open incident of App (usage events) already" in text(refused)
    late = client.post(f"{LIST}new/", given | {"since": str(day - timedelta(days=200))})
    assert "Give a time of the last 90 days that has passed." in text(late)
    assert Incident.objects.count() == 1


def test_nothing_to_declare_before_any_data(client, editor):
    assert "No data have come yet" in text(client.get(f"{LIST}new/"))


def test_editors_are_told_on_the_pages_they_start_from(client, editor):
    broken("Web app")
    assert "Web app: usage events stopped" in text(client.get("/settings/sources/"))
    assert "Web app: data stopped coming" in text(client.get("/"))
    client.force_login(UserFactory(access_level=AccessLevel.ADMIN))
    assert "Feeds of data that stopped: 1" in text(client.get(reverse("system")))
    client.force_login(UserFactory())
    assert "data stopped coming" not in text(client.get("/"))


def test_only_editors_see_and_change_incidents(client):
    incident = broken()
    client.force_login(UserFactory())
    for path in ("", "new/", f"{incident.pk}/"):
        assert client.get(f"{LIST}{path}").status_code == 403
    assert client.post(f"{LIST}{incident.pk}/", {"reason": "No"}).status_code == 403
    assert client.post(f"{LIST}new/", {"reason": "No"}).status_code == 403
    assert Incident.objects.filter(closed_at=None).count() == 1


def test_an_incident_that_is_not_there(client, editor):
    assert client.get(f"{LIST}999/").status_code == 404
