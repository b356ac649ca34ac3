"""The fixture for live tests itself."""

from http.client import HTTPConnection

import pytest

from team.models import Team


@pytest.mark.live
def test_live_site_sees_the_test_database_and_comes_back_after_a_kill(live_site):
    Team.objects.create(name="Nordics")
    for _ in range(2):
        live_site.start("web")
        connection = HTTPConnection("127.0.0.1", live_site.port, timeout=10)
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b'{"database": "ok", "redis": "ok", "migrations": "ok"}')
        connection.close()
        live_site.kill("web")
    live_site.start("worker")
    assert Team.objects.get().name == "Nordics"
