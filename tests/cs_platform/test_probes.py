import pytest
from django.db import connection
from django.db.utils import OperationalError


def test_livez_needs_neither_name_nor_database(client):
    response = client.get("/livez", headers={"host": "10.1.2.3"})
    assert (response.status_code, response.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_readyz_tells_that_all_is_well(client):
    response = client.get("/readyz", headers={"host": "10.1.2.3"})
    assert response.status_code == 200
    assert response.json() == {"database": "ok", "redis": "ok", "migrations": "ok"}
    assert "Set-Cookie" not in response.headers


@pytest.mark.django_db
def test_readyz_names_pending_migrations(client):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'team'")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"database": "ok", "redis": "ok", "migrations": "pending"}


@pytest.mark.django_db
def test_readyz_names_a_missing_redis(client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"database": "ok", "redis": "unreachable", "migrations": "ok"}


def test_readyz_names_a_missing_database(client, monkeypatch):
    def refuse() -> None:
        raise OperationalError

    monkeypatch.setattr("cs_platform.probes.connection.cursor", refuse)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"database": "unreachable", "redis": "ok", "migrations": "unknown"}
