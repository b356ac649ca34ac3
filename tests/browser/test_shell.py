"""The frame of every page, in a real browser."""

import pytest

from team.enums import AccessLevel
from tests.browser.checks import check_page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_styleguide_bears_every_check(signed_in):
    check_page(signed_in(AccessLevel.ADMIN), "/styleguide/")


def test_sign_in_page_bears_every_check(page):
    check_page(page, "/login/")
