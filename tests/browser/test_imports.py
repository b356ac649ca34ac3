"""Uploading files and looking at imports, in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from accounts.models import Account
from integrations.models import ImportRun
from team import work
from team.enums import AccessLevel
from tests.browser.checks import check_page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EXCERPT = Path(__file__).parent.parent / "integrations/data/orders_excerpt.csv"


def test_file_goes_from_the_form_to_its_result(signed_in, tmp_path):
    path = tmp_path / "online_retail.csv"
    path.write_bytes(EXCERPT.read_bytes() + b"536365,85123A,HOLDER,much,01-12-2010 08:26,2.55,17850,United Kingdom\n")
    page = signed_in(AccessLevel.EDITOR)
    check_page(page, "/settings/imports/")
    check_page(page, "/settings/imports/new/")
    page.get_by_label("What the files are").select_option("online_retail")
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name="Look at them").click()
    expect(page.get_by_role("heading", name="Orders")).to_be_visible()
    address = f"/settings/imports/{ImportRun.objects.get().pk}/"
    check_page(page, address)
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("It waits for a worker.")).to_be_visible()
    work.run_due_work()
    expect(page.get_by_role("heading", name="What was written")).to_be_visible()
    assert Account.objects.exists()
    check_page(page, address)
    check_page(page, "/settings/imports/")
