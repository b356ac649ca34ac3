from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Activity, ActivityRevision
from tests.factories import (
    NOW,
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    MembershipFactory,
    TeamFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def csm(client):
    user = UserFactory()
    client.force_login(user)
    return user


def values(**changes):
    return {"kind": "call", "subject": "Kick-off", "occurred_at": "2026-06-15T09:30", **changes}


def test_log_activity_writes_it_with_its_people(client, csm, clock):
    membership = MembershipFactory(occurred_at=NOW - timedelta(days=9))
    url = reverse("activity_log", args=[membership.account_id])
    response = client.post(url, values(contacts=[membership.contact_id], initiative="proactive"))
    assert response["Location"] == reverse("account_timeline", args=[membership.account_id])
    activity = Activity.objects.get()
    assert (activity.author, activity.kind, activity.initiative, activity.function) == (csm, "call", "proactive", "csm")
    assert list(activity.contacts.all()) == [membership.contact]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"subject": "", "body": ""}, "Write a subject or what was said"),
        ({"occurred_at": "2026-06-16T09:30"}, "lies in the future"),
        ({"kind": "smoke"}, "smoke"),
    ],
)
def test_log_activity_keeps_what_was_typed(client, csm, clock, changes, words):
    typed = {"body": "Typed text", "initiative": "reactive", **changes}
    response = client.post(reverse("activity_log", args=[AccountFactory().pk]), values(**typed))
    page = response.content.decode()
    assert response.status_code == 422
    assert words in page
    assert '<option value="reactive" selected>' in page
    assert not Activity.objects.exists()


def test_log_activity_takes_only_people_of_the_account(client, csm, clock):
    stranger = ContactFactory()
    response = client.post(reverse("activity_log", args=[AccountFactory().pk]), values(contacts=[stranger.pk]))
    assert response.status_code == 422
    assert not Activity.objects.exists()


def test_change_activity_keeps_a_revision(client, csm):
    activity = ActivityFactory(author=csm, subject="Before")
    url = reverse("activity_change", args=[activity.account_id, activity.pk])
    client.post(url, {"subject": "After", "body": ""})
    assert Activity.objects.get().subject == "After"
    assert ActivityRevision.objects.get().subject == "Before"


def test_remove_activity_hides_it(client, csm):
    activity = ActivityFactory(author=csm)
    client.post(reverse("activity_remove", args=[activity.account_id, activity.pk]))
    assert not Activity.objects.exists()
    assert Activity.all_objects.get().deleted_at is not None


def test_only_the_author_or_an_editor_may_change(client, csm):
    activity = ActivityFactory(author=UserFactory())
    url = reverse("activity_remove", args=[activity.account_id, activity.pk])
    assert client.post(url).status_code == 403
    client.force_login(UserFactory(access_level="editor"))
    assert client.post(url).status_code == 302


@pytest.mark.parametrize(("level", "status"), [("viewer", 403), ("contributor", 404)])
def test_viewers_are_refused_and_hidden_accounts_are_not_there(client, level, status):
    account = AccountFactory(team=None if level == "viewer" else TeamFactory())
    client.force_login(UserFactory(access_level=level))
    assert client.post(reverse("activity_log", args=[account.pk]), values()).status_code == status
    assert not Activity.objects.exists()


def test_remove_refuses_get(client, csm):
    activity = ActivityFactory(author=csm)
    assert client.get(reverse("activity_remove", args=[activity.account_id, activity.pk])).status_code == 405


def test_an_activity_of_another_account_is_not_there(client, csm):
    activity = ActivityFactory(author=csm, occurred_at=timezone.now())
    url = reverse("activity_change", args=[AccountFactory().pk, activity.pk])
    assert client.get(url).status_code == 404
