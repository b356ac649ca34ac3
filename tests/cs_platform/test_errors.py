"""Error pages: right status, helpful words, the request's id."""

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.test import RequestFactory

from cs_platform import errors
from cs_platform.logs import request_id
from team.enums import AccessLevel
from tests.factories import UserFactory

ID = "4f0e6755c0ffee00"


@pytest.fixture(autouse=True)
def _request_has_an_id():
    token = request_id.set(ID)
    yield
    request_id.reset(token)


def ask(user=None):
    request = RequestFactory().get("/")
    request.user = user or UserFactory.build()
    return request


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (lambda: errors.bad_request(ask(), SuspiciousOperation()), 400, "could not read"),
        (lambda: errors.not_found(ask(), Exception()), 404, "nothing at this address"),
        (lambda: errors.server_error(ask()), 500, "Something failed on our side"),
    ],
)
def test_page_names_the_request(answer, status, words):
    response = answer()
    text = response.content.decode()
    assert response.status_code == status
    assert words in text
    assert f"Request <code>{ID}</code>" in text


@pytest.mark.django_db
def test_forbidden_says_why_and_who_can_change_it():
    UserFactory(name="Ada Admin", email="ada@example.com", access_level=AccessLevel.ADMIN)
    UserFactory(name="Gone Admin", access_level=AccessLevel.ADMIN, is_active=False)
    UserFactory(name="Ed Editor", access_level=AccessLevel.EDITOR)
    response = errors.forbidden(ask(UserFactory()), PermissionDenied("Only admins may do this."))
    text = response.content.decode()
    assert response.status_code == 403
    assert "Only admins may do this." in text
    assert '<a href="mailto:ada@example.com">Ada Admin</a>.' in text
    assert "Gone Admin" not in text
    assert "Ed Editor" not in text


def test_forbidden_names_nobody_to_strangers():
    from django.contrib.auth.models import AnonymousUser

    response = errors.forbidden(ask(AnonymousUser()), PermissionDenied())
    assert "Who can" not in response.content.decode()
    assert "does not include it" in response.content.decode()


def test_csrf_failure_says_what_to_do():
    response = errors.csrf_failure(ask(), "CSRF token missing.")
    assert response.status_code == 403
    assert "reload the page and try again" in response.content.decode()
    assert "CSRF" not in response.content.decode()


def test_server_error_needs_no_database(django_db_blocker):
    with django_db_blocker.block():
        assert errors.server_error(RequestFactory().get("/")).status_code == 500
