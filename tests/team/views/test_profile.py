import pytest
from django.urls import reverse
from django.utils import timezone

pytestmark = pytest.mark.django_db


def test_profile_changes_name_and_time_zone(client, admin):
    assert client.post(reverse("profile"), {"name": "Ada L", "time_zone": "Europe/Vienna"}).status_code == 302
    admin.refresh_from_db()
    assert (admin.name, admin.time_zone) == ("Ada L", "Europe/Vienna")


def test_profile_refuses_a_time_zone_that_is_none(client, admin):
    assert client.post(reverse("profile"), {"name": "x", "time_zone": "Mars/Base"}).status_code == 422
    admin.refresh_from_db()
    assert admin.time_zone == "UTC"


def test_pages_speak_the_time_zone_of_the_reader(client, admin, monkeypatch):
    from team import queries

    zones = []
    monkeypatch.setattr(queries, "signing_in_of", lambda user: zones.append(timezone.get_current_timezone_name()))
    admin.time_zone = "Asia/Tokyo"
    admin.save()
    client.get(reverse("profile"))
    assert zones == ["Asia/Tokyo"]
    assert timezone.get_current_timezone_name() == "UTC"
