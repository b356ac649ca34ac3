"""The pages of data sources in a real browser."""

import pytest
from django.utils import timezone

from health.models import Incident, RejectedEvent
from health.services.incidents import check_feeds
from team.enums import AccessLevel
from tests.browser.checks import check_page
from tests.factories import AccountFactory, SourceFactory
from tests.health.feed_rows import send, tells_about
from tests.health.wire import deliver, process, track

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_sources_and_quarantine(signed_in):
    source = SourceFactory(name="Web app")
    deliver(source, [track("u1", group="acme"), {"type": "track", "userId": "u1", "messageId": "m"}])
    process()
    late = SourceFactory(name="iOS app")
    send(late, last_hour_ago=30)
    tells_about(late, AccountFactory(name="Northwind"))
    check_feeds(now=timezone.now())
    page = signed_in(AccessLevel.EDITOR)
    for path in (
        "/settings/sources/incidents/",
        "/settings/sources/incidents/new/",
        f"/settings/sources/incidents/{Incident.objects.get().pk}/",
        "/settings/sources/",
        "/settings/sources/new/",
        f"/settings/sources/{source.pk}/",
        "/settings/sources/quarantine/",
        f"/settings/sources/quarantine/{RejectedEvent.objects.get().pk}/",
    ):
        check_page(page, path)
