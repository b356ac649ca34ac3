import socket
import time

import pytest
from django.core.cache import cache
from kombu.exceptions import OperationalError

from team import wake
from team.wake import Waker


@pytest.fixture
def sent(monkeypatch):
    names = []
    monkeypatch.setattr(wake.current_app, "send_task", lambda name, **options: names.append(name))
    return names


def wait_for(condition, seconds=5):
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    assert condition()


def test_send_sends_one_message_until_it_was_heard(sent):
    waker = Waker("some.task")
    assert [waker.send(), waker.send()] == [True, True]
    assert sent == ["some.task"]
    waker.heard()
    assert waker.send()
    assert sent == ["some.task"] * 2


def test_calling_a_waker_sends_from_another_thread(sent):
    waker = Waker("some.task")
    waker()
    wait_for(lambda: sent == ["some.task"])


def test_send_without_a_broker_says_so_and_leaves_no_mark(monkeypatch):
    def refuse(*args, **options):
        raise OperationalError("nobody there")

    monkeypatch.setattr(wake.current_app, "send_task", refuse)
    waker = Waker("some.task")
    assert waker.send() is False
    assert cache.get("woken:some.task") is None


def test_a_silent_redis_does_not_slow_whoever_asks(monkeypatch):
    """A server that takes connections and says nothing is the slowest kind of outage."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        app = wake.current_app._get_current_object()
        monkeypatch.setattr(app.conf, "broker_url", f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        waker = Waker("some.task")
        started = time.monotonic()
        for _ in range(100):
            waker()
        assert time.monotonic() - started < 0.1
        waker.send = lambda: True  # its thread outlives this test


def test_a_waker_tries_again_until_redis_is_back(monkeypatch):
    answers = iter([False, False, True])
    tries = []
    monkeypatch.setattr(wake, "PAUSE_SECONDS", 0.01)
    waker = Waker("some.task")
    waker.send = lambda: tries.append(answer := next(answers)) or answer
    waker()
    wait_for(lambda: tries == [False, False, True])
