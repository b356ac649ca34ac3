"""Every run has a PostgreSQL and a Redis of its own, unless DATABASE_URL and REDIS_URL name others.

They start while this file is imported, because Django's settings want their addresses. Even when
pytest is killed, their keepers notice, stop them and delete what they held.
"""

import atexit
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import django
import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from hypothesis import HealthCheck, settings

from cs_platform import servers

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
# How long an example takes says more about the neighbours on the machine than about the code.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


def _start_servers() -> None:
    # Not pytest's tmp_path: the user that root lends the servers to must be able to come in.
    folder = tempfile.TemporaryDirectory(prefix="cs-tests-", ignore_cleanup_errors=True)
    Path(folder.name).chmod(0o711)
    os.environ["DATA_DIR"] = folder.name
    names = servers.embedded(database_url=os.environ.get("DATABASE_URL", ""), redis_url=os.environ.get("REDIS_URL", ""))
    stack = ExitStack()
    stack.enter_context(folder)
    stack.callback(servers.wait_until_stopped, data_dir=Path(folder.name), timeout_seconds=10)
    stack.enter_context(servers.running(names, data_dir=Path(folder.name), throwaway=True))
    atexit.register(stack.close)
    # In the environment, so that processes which a test starts use the same servers.
    os.environ["DATABASE_URL"], os.environ["REDIS_URL"] = servers.urls(
        data_dir=Path(folder.name),
        database_url=os.environ.get("DATABASE_URL", ""),
        redis_url=os.environ.get("REDIS_URL", ""),
    )


_start_servers()
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
django.setup()

# Only now: it reads the settings.
from tests.live import LiveSite  # noqa: E402


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Rate limits and cached pages of one test must not reach the next."""
    yield
    cache.clear()


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Stop Python's clock at NOW; `clock.shift(seconds)` and `clock.move_to(...)` move it."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def live_site(transactional_db: None, tmp_path: Path) -> Iterator[LiveSite]:
    """Return the product's processes on the test database; none runs yet (see tests/live.py)."""
    address = urlsplit(os.environ["DATABASE_URL"])
    site = LiveSite(tmp_path, database_url=address._replace(path=f"/{connection.settings_dict['NAME']}").geturl())
    try:
        yield site
    finally:
        site.stop()
