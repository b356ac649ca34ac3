import pytest
from django.core.cache import cache
from django.db import connection

from cs_platform import env


@pytest.mark.django_db
def test_database_is_a_real_postgresql() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        assert int(cursor.fetchone()[0]) >= 160000


def test_cache_is_a_real_redis() -> None:
    cache.set("answer", 42)
    assert cache.get("answer") == 42


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://ann:s%40fe@mail.example.com", ("mail.example.com", 587, "ann", "s@fe", True, False)),
        ("smtps://ann:x@mail.example.com", ("mail.example.com", 465, "ann", "x", False, True)),
        ("smtp://localhost:25?tls=false", ("localhost", 25, "", "", False, False)),
    ],
)
def test_mail_reads_a_url(url, server):
    names = ("HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL")
    assert tuple(env.mail(url)[f"EMAIL_{name}"] for name in names) == server


def test_mail_without_a_url_goes_nowhere():
    assert env.mail("") == {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}


@pytest.mark.parametrize("url", ["mail.example.com", "http://mail.example.com", "smtp://"])
def test_mail_refuses_what_is_no_mail_server(url):
    with pytest.raises(env.SettingError, match="EMAIL_URL must look like"):
        env.mail(url)
