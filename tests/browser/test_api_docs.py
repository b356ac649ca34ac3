"""The pages about the API: light, and right for everybody."""

import pytest

from cs_platform.pages.api_docs import groups
from tests.browser.checks import check_page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_first_page_and_one_of_a_resource_are_right(page, signed_in):
    check_page(page, "/api/docs")
    check_page(signed_in(), "/api/docs/accounts")


def test_every_page_is_light(page):
    sizes = {}
    for path in ("/api/docs", *(f"/api/docs/{group.slug}" for group in groups())):
        page.open(path)
        sizes[path] = page.evaluate("document.querySelectorAll('*').length")
    assert {path: size for path, size in sizes.items() if size > 2000} == {}


def test_a_link_to_an_operation_opens_it(page):
    page.open("/api/docs")
    page.get_by_role("link", name="/api/v1/accounts/batch/upsert").click()
    answer = page.get_by_role("region", name="Answer: Create or change many accounts")
    answer.wait_for()
    assert answer.is_visible()
