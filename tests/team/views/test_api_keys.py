import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from team.authentication import find_key
from team.models import ApiKey, SecurityEvent
from team.services import create_api_key
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def key_on(response):
    return re.search(r"cs_live_\w{8}_\w{38}", response.content.decode())[0]


def test_create_shows_the_key_once_and_keeps_its_hash_only(client, admin, caplog):
    response = client.post(reverse("api_key_create"), {"name": "CRM", "scopes": ["accounts:read"], "expires": "30"})
    key, row = key_on(response), ApiKey.objects.get()
    assert "no-store" in response["Cache-Control"]
    assert find_key(key) == row
    assert (row.expires_at - row.created_at).days == 30
    assert row.created_by == admin
    secret = key.split("_")[-1][:32]
    for place in (
        client.get(reverse("api_key_list")).content.decode(),
        str(list(ApiKey.objects.values())),
        str(list(SecurityEvent.objects.values())),
        caplog.text,
    ):
        assert secret not in place


def test_create_without_scope_keeps_the_name(client, admin):
    response = client.post(reverse("api_key_create"), {"name": "CRM sync"})
    assert response.status_code == 422
    assert 'value="CRM sync"' in response.content.decode()
    assert not ApiKey.objects.exists()


def test_rotate_makes_a_successor_and_lets_the_old_key_run_out(client, admin):
    row, old = create_api_key(name="CRM", scopes=["accounts:read", "scores:read"], now=timezone.now())
    response = client.post(reverse("api_key_rotate", args=[row.pk]))
    successor = find_key(key_on(response))
    assert (successor.name, successor.scopes, successor.expires_at) == ("CRM", row.scopes, None)
    assert find_key(old) == row
    row.refresh_from_db()
    assert timedelta(hours=23) < row.expires_at - timezone.now() <= timedelta(days=1)


def test_rotate_gives_the_successor_the_same_life(client, admin):
    now = timezone.now()
    row, _ = create_api_key(name="CRM", scopes=["accounts:read"], now=now, expires_at=now + timedelta(hours=3))
    successor = find_key(key_on(client.post(reverse("api_key_rotate", args=[row.pk]))))
    assert successor.expires_at - successor.created_at == timedelta(hours=3)
    row.refresh_from_db()
    assert row.expires_at == now + timedelta(hours=3)


def test_rotate_refuses_a_dead_key(client, admin):
    row, _ = create_api_key(name="CRM", scopes=["accounts:read"], now=NOW)
    client.post(reverse("api_key_revoke", args=[row.pk]))
    response = client.post(reverse("api_key_rotate", args=[row.pk]), follow=True)
    assert "dead already" in response.content.decode()
    assert ApiKey.objects.count() == 1


def test_revoke_ends_the_key_at_once(client, admin):
    row, key = create_api_key(name="CRM", scopes=["accounts:read"], now=NOW)
    client.post(reverse("api_key_revoke", args=[row.pk]))
    assert find_key(key) is None
    assert "Revoked" in client.get(reverse("api_key_list")).content.decode()


def test_list_shows_live_expired_and_never_used(client, admin, django_assert_num_queries):
    for expires_at in (None, NOW + timedelta(days=1), NOW + timedelta(days=36500)):
        create_api_key(name="CRM", scopes=["accounts:read"], now=NOW, expires_at=expires_at, actor=admin)
        client.get(reverse("api_key_list"))
        with django_assert_num_queries(3):
            page = client.get(reverse("api_key_list")).content.decode()
    assert (page.count(">Live<"), page.count(">Expired<"), page.count("Never")) == (2, 1, 3)
