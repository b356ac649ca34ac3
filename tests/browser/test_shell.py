"""The frame of every page, in a real browser."""

import pytest
from playwright.sync_api import expect

from team.enums import AccessLevel
from tests.browser.checks import axe, check_page, sideways
from tests.factories import AccountFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_styleguide_bears_every_check(signed_in):
    check_page(signed_in(AccessLevel.ADMIN), "/styleguide/")


def test_search_page_bears_every_check(signed_in):
    AccountFactory(name="Tidewater Bank")
    check_page(signed_in(AccessLevel.VIEWER), "/search/?q=tide")


def test_palette_opens_finds_and_goes(signed_in):
    AccountFactory(name="Tidewater Bank")
    page = signed_in(AccessLevel.ADMIN)
    page.open("/styleguide/")
    page.keyboard.press("Control+k")
    dialog = page.locator("dialog.palette")
    expect(dialog).to_be_visible()
    page.keyboard.type("tide")
    option = dialog.get_by_role("option")
    expect(option).to_have_text(["Tidewater Bank"])
    expect(option).not_to_have_css("background-color", "rgba(0, 0, 0, 0)")  # shown as the one Enter takes
    assert axe(page) == []
    page.keyboard.press("Enter")  # the first answer is active without an arrow key
    page.wait_for_url("**/accounts/*/")


def test_palette_says_when_nothing_matches_and_closes(signed_in):
    page = signed_in(AccessLevel.ADMIN)
    page.open("/styleguide/")
    page.keyboard.press("/")
    page.keyboard.type("zzz")
    expect(page.locator(".palette-none")).to_contain_text("Nothing found for “zzz”")
    assert axe(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("dialog.palette")).to_be_hidden()
    assert page.errors == []


def test_search_works_without_javascript(browser, signed_in, live_server):
    AccountFactory(name="Tidewater Bank")
    with_script = signed_in(AccessLevel.VIEWER)
    plain = browser.new_context(java_script_enabled=False, storage_state=with_script.context.storage_state())
    page = plain.new_page()
    page.goto(f"{live_server.url}/search/")
    page.get_by_placeholder("Search or jump to…").fill("tide")
    page.get_by_placeholder("Search or jump to…").press("Enter")
    expect(page.get_by_role("link", name="Tidewater Bank")).to_be_visible()
    plain.close()


def test_theme_is_chosen_kept_and_follows_the_system(signed_in):
    page = signed_in(AccessLevel.VIEWER)
    page.open("/search/")
    html = page.locator("html")
    page.get_by_role("button", name="Colour theme").click()
    assert axe(page) == []
    page.get_by_role("button", name="Dark").click()
    expect(html).to_have_attribute("data-bs-theme", "dark")
    page.reload()
    expect(html).to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name="Colour theme").click()
    page.get_by_role("button", name="Same as system").click()
    expect(html).to_have_attribute("data-bs-theme", "light")
    page.emulate_media(color_scheme="dark")
    expect(html).to_have_attribute("data-bs-theme", "dark")
    assert page.errors == []


def test_sidebar_is_a_drawer_on_phones(signed_in):
    page = signed_in(AccessLevel.ADMIN)
    page.open("/search/")
    page.set_viewport_size({"width": 390, "height": 800})
    sidebar = page.locator("#sidebar")
    expect(sidebar).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(sidebar).to_be_visible()
    assert axe(page) == []
    page.keyboard.press("Escape")
    expect(sidebar).to_be_hidden()
    assert page.errors == []


def test_user_menu_opens_beside_its_button(signed_in):
    page = signed_in(AccessLevel.EDITOR)
    page.open("/search/")
    button = page.get_by_role("button", name="Your account")
    button.click()
    menu = page.locator("#user-menu")
    expect(menu).to_contain_text("editor@example.com · Editor")
    assert axe(page) == []
    box, anchor = menu.bounding_box(), button.bounding_box()
    assert 0 <= box["y"] - (anchor["y"] + anchor["height"]) < 16
    assert abs(box["x"] + box["width"] - anchor["x"] - anchor["width"]) < 16


def test_dialog_traps_nothing_and_gives_focus_back(signed_in):
    page = signed_in(AccessLevel.ADMIN)
    page.open("/styleguide/")
    opener = page.locator("main .card button[commandfor=guide-delete]")
    opener.click()
    dialog = page.get_by_role("dialog", name="Delete “Acme Robotics”?")
    expect(dialog).to_be_visible()
    assert axe(page) == []
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_single_keys_can_be_switched_off(signed_in):
    page = signed_in(AccessLevel.ADMIN)
    page.open("/styleguide/")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    assert axe(page) == []
    dialog.get_by_label("Single-key shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("dialog.palette")).to_be_hidden()
    page.keyboard.press("Control+k")
    expect(page.locator("dialog.palette")).to_be_visible()


def test_bulk_bar_follows_the_ticks(signed_in):
    page = signed_in(AccessLevel.ADMIN)
    page.open("/styleguide/")
    bar = page.locator("[data-bulk-bar]")
    expect(bar).to_be_hidden()
    page.get_by_label("Select Northwind Logistics").check()
    expect(bar).to_contain_text("1 selected")
    page.get_by_label("Select all rows").check()
    expect(bar).to_contain_text("4 selected")
    page.get_by_label("Select all rows").uncheck()
    expect(bar).to_be_hidden()


def test_reorder_by_key_and_button_says_where_it_went(signed_in):
    page = signed_in(AccessLevel.ADMIN)
    page.open("/styleguide/")
    names = page.locator("sort-list .row-text")
    page.get_by_role("button", name="Move Product usage; arrow keys").press("ArrowDown")
    expect(names).to_have_text(["Support", "Product usage"])
    expect(page.locator("sort-list [aria-live]")).to_have_text("Product usage is now 2 of 2")
    page.get_by_role("button", name="Move Product usage up").click()
    expect(names).to_have_text(["Product usage", "Support"])


def test_toast_leaves_for_good_news_and_stays_for_errors(signed_in):
    page = signed_in(AccessLevel.ADMIN)
    page.clock.install()
    page.open("/styleguide/")
    say = "(detail) => document.dispatchEvent(new CustomEvent('toast', {detail}))"
    page.evaluate(say, {"message": "Saved"})
    page.evaluate(say, {"message": "Not saved", "level": "error"})
    region = page.get_by_role("status", name="Messages")
    expect(region).to_contain_text("Saved")
    page.clock.run_for(9_000)
    expect(region.locator(".toast-text")).to_have_text(["Not saved"])
    region.get_by_role("button", name="Close message").click()
    expect(region.locator(".toast-text")).to_have_count(0)


def test_failure_behind_htmx_is_said_over_an_open_dialog(signed_in, monkeypatch):
    def fail(*args):
        raise RuntimeError

    page = signed_in(AccessLevel.ADMIN)
    page.open("/styleguide/")
    monkeypatch.setattr("cs_platform.pages.search.groups", fail)
    page.keyboard.press("Control+k")
    note = page.locator("toast-region .toast-note")
    expect(note).to_contain_text("That did not work; nothing was saved. Request ")
    expect(page.locator("#palette-list")).to_be_empty()


def test_drawer_opens_when_htmx_has_filled_it(signed_in):
    page = signed_in(AccessLevel.ADMIN)
    page.open("/search/")
    drawer = page.locator("#drawer")
    expect(drawer).to_be_hidden()
    page.evaluate("htmx.ajax('GET', '/search/?q=zzz', {target: '#drawer-body'})")
    expect(drawer).to_contain_text("Nothing found")
    page.mouse.click(20, 400)  # on the backdrop
    expect(drawer).to_be_hidden()


def test_failed_form_keeps_what_was_typed(signed_in):
    page = signed_in(AccessLevel.ADMIN)
    page.open("/styleguide/")
    page.locator("#id_note").fill("Typed")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#id_name_error")).to_have_text("This field is required.")
    expect(page.locator("#id_note")).to_have_value("Typed")
    assert sideways(page) == []


def test_chart_with_cursor_leaves_the_drawing_for_paper(signed_in):
    page = signed_in(AccessLevel.ADMIN)
    page.open("/styleguide/")
    expect(page.locator("cursor-chart canvas")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator("cursor-chart .cursor-plot")).to_be_hidden()
    expect(page.locator("cursor-chart svg[role=img]").first).to_be_visible()
    assert page.errors == []
