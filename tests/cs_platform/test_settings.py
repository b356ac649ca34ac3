import pytest
from django.core.cache import cache
from django.db import connection


@pytest.mark.django_db
def test_database_is_a_real_postgresql() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        assert int(cursor.fetchone()[0]) >= 160000


def test_cache_is_a_real_redis() -> None:
    cache.set("answer", 42)
    assert cache.get("answer") == 42
