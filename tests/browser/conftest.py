"""A real browser on a live server: skipped where Chromium or the built assets are missing, except that
REQUIRE_BROWSER=1 makes that a failure.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from team.enums import AccessLevel
from tests.browser.checks import Watched
from tests.factories import UserFactory

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
NEEDED = [CHROMIUM, ROOT / "static/dist/app.css", ROOT / "node_modules/axe-core/axe.min.js"]
DESKTOP = {"width": 1440, "height": 900}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = [str(path) for path in NEEDED if not path.exists()]
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    if not missing or not here:
        return
    text = f"Browser tests need {', '.join(missing)} (apt install chromium; make assets)."
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.exit(text, returncode=1)
    for item in here:
        item.add_marker(pytest.mark.skip(reason=text))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    # Playwright keeps an event loop in this thread, which Django would take for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield launched
        launched.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def context(browser: Browser, live_server) -> Iterator[BrowserContext]:
    made = browser.new_context(base_url=live_server.url, viewport=DESKTOP, reduced_motion="reduce")
    made.set_default_timeout(10_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Watched:
    """A page of somebody who has not signed in; it notes CSP violations, console errors and 404s."""
    return Watched(context.new_page())


@pytest.fixture
def signed_in(context: BrowserContext, live_server) -> Callable[..., Watched]:
    """Call with an access level (or user=…) to get a page of somebody signed in."""

    def sign_in(access_level: AccessLevel = AccessLevel.ADMIN, user=None) -> Watched:
        user = user or UserFactory(access_level=access_level, name="Mira Kovač", email=f"{access_level}@example.com")
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session.session_key, "url": live_server.url}
        context.add_cookies([cookie])
        return Watched(context.new_page())

    return sign_in
