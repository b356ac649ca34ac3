"""Saving filters as segments, and changing them."""

import json

import pytest
from django.urls import reverse

from accounts.models import Segment
from team.enums import AccessLevel
from tests.factories import AccountFactory, UserFactory

pytestmark = pytest.mark.django_db
BIG = {"all": [{"field": "arr", "op": "gt", "value": 1000}]}
ROW = {"c-match": "all", "c-0-field": "arr", "c-0-op": "gt", "c-0-value": "1,000"}


@pytest.fixture
def user(client):
    user = UserFactory()
    client.force_login(user)
    return user


@pytest.fixture
def segment(user):
    return Segment.objects.create(name="Big", condition=BIG, owner=user)


def test_new_segment_starts_with_the_filter_and_counts(client, user):
    AccountFactory(arr=5000)
    AccountFactory(arr=1)
    response = client.get(reverse("segment_new"), {"filter": json.dumps(BIG)})
    assert response.context["match_count"] == 1
    assert 'value="1000"' in response.content.decode()


def test_new_segment_is_saved(client, user):
    response = client.post(reverse("segment_new"), {"name": "Big", "is_shared": "on", **ROW})
    segment = Segment.objects.get()
    assert (segment.name, segment.condition, segment.owner, segment.is_shared) == ("Big", BIG, user, True)
    assert response["Location"] == f"/accounts/?segment={segment.pk}"


def test_new_segment_keeps_bad_input(client, user):
    response = client.post(reverse("segment_new"), {"name": "", **ROW, "c-0-value": "lots"})
    text = response.content.decode()
    assert response.status_code == 422
    assert 'value="lots"' in text
    assert "ARR gt wants a number" in text
    assert not Segment.objects.exists()


def test_new_segment_refuses_a_taken_name(client, segment):
    response = client.post(reverse("segment_new"), {"name": "big", "is_shared": "on", **ROW})
    assert (response.status_code, Segment.objects.count()) == (422, 1)
    assert "There is already a segment big." in response.content.decode()


def test_editor_buttons_change_the_form_and_save_nothing(client, user):
    sent = {"name": "Big", "edit": "contacts:c", **ROW}
    page = client.post(reverse("segment_new"), sent)
    assert page.status_code == 200
    assert 'name="c-1-contacts"' in page.content.decode()
    assert 'value="Big"' in page.content.decode()
    fragment = client.post(reverse("segment_new"), sent, headers={"HX-Request": "true"})
    assert fragment.content.decode().strip().startswith("<condition-editor")
    assert not Segment.objects.exists()


def test_edit_segment(client, segment):
    url = reverse("segment", args=[segment.pk])
    assert 'value="Big"' in client.get(url).content.decode()
    client.post(url, {"name": "Bigger", **ROW, "c-0-value": "5000"})
    segment.refresh_from_db()
    assert (segment.name, segment.condition["all"][0]["value"], segment.is_shared) == ("Bigger", 5000, False)


def test_keep_filter_saves_what_the_list_shows(client, segment):
    url = reverse("segment_filter", args=[segment.pk])
    tree = {"all": [{"field": "stage", "op": "known"}]}
    response = client.post(url, {"filter": json.dumps(tree)}, follow=True)
    segment.refresh_from_db()
    assert segment.condition == tree
    assert "Big now has this filter." in response.content.decode()
    response = client.post(url, {"filter": '{"field":"nonsense","op":"known"}'}, follow=True)
    segment.refresh_from_db()
    assert segment.condition == tree
    assert "There is no account field &#x27;nonsense&#x27;." in response.content.decode()
    assert client.get(url).status_code == 405


def test_delete_segment(client, segment):
    user = Segment.objects.create(
        name="On it", condition={"field": "segment", "op": "any_of", "value": [segment.pk]}, owner=segment.owner
    )
    url = reverse("segment_delete", args=[segment.pk])
    assert "Big is used by Segment On it." in client.post(url, follow=True).content.decode()
    user.delete()
    assert client.post(url)["Location"] == "/accounts/"
    assert not Segment.objects.exists()
    assert client.get(url).status_code == 405


@pytest.mark.parametrize("name", ["segment", "segment_filter", "segment_delete"])
def test_others_may_not_change_a_segment(client, segment, name):
    url = reverse(name, args=[segment.pk])
    client.force_login(UserFactory())
    assert client.post(url, {"name": "Mine", **ROW}).status_code == 403
    Segment.objects.update(is_shared=False)
    assert client.post(url, {"name": "Mine", **ROW}).status_code == 404
    client.force_login(UserFactory(access_level=AccessLevel.EDITOR))
    Segment.objects.update(is_shared=True)
    assert client.post(url, {"name": "Ours", **ROW, "filter": json.dumps(BIG)}).status_code == 302


def test_viewers_may_not_save_segments(client):
    client.force_login(UserFactory(access_level=AccessLevel.VIEWER))
    assert client.post(reverse("segment_new"), {"name": "Big", **ROW}).status_code == 403
    assert not Segment.objects.exists()
