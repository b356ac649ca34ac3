"""The pages of data sources in a real browser."""

import pytest

from health.models import RejectedEvent
from team.enums import AccessLevel
from tests.browser.checks import check_page
from tests.factories import SourceFactory
from tests.health.wire import deliver, process, track

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_sources_and_quarantine(signed_in):
    source = SourceFactory(name="Web app")
    deliver(source, [track("u1", group="acme"), {"type": "track", "userId": "u1", "messageId": "m"}])
    process()
    page = signed_in(AccessLevel.EDITOR)
    for path in (
        "/settings/sources/",
        "/settings/sources/new/",
        f"/settings/sources/{source.pk}/",
        "/settings/sources/quarantine/",
        f"/settings/sources/quarantine/{RejectedEvent.objects.get().pk}/",
    ):
        check_page(page, path)
