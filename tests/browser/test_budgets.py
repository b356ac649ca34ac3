"""What a visit may weigh. Sizes as they travel: brotli, the font as it is."""

import re
from pathlib import Path

import brotli
import pytest

from team.enums import AccessLevel

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DIST = Path(__file__).resolve().parent.parent.parent / "static/dist"
SOURCES = DIST.parent / "src/js"
KB = 1024


def _travels(name: str) -> int:
    content = (DIST / name).read_bytes()
    return len(content) if name.endswith(".woff2") else len(brotli.compress(content))


def test_assets_stay_small():
    base = _travels("theme.js") + _travels("app.js")
    bundles = {name: base + _travels(name) for name in ("charts.js", "editor.js", "select.js")}
    assert base <= 20 * KB
    assert [name for name, size in bundles.items() if size > 45 * KB] == []
    assert _travels("app.css") <= 28 * KB
    assert base + _travels("app.css") + _travels("inter-latin-wght-normal.woff2") <= 120 * KB


def test_assets_name_no_other_host():
    for path in DIST.glob("*.*s"):
        assert re.findall(r"url\(\s*[\"']?(?:https?:)?//[^)]*", path.read_text()) == [], path.name
    assert not list(DIST.glob("*.map"))


def test_own_scripts_stay_short():
    lines = {path.name: len(path.read_text().splitlines()) for path in SOURCES.rglob("*.js")}
    assert {name for name, count in lines.items() if count > 100} == set()


def test_a_page_asks_for_few_files_and_is_light(signed_in):
    page = signed_in(AccessLevel.ADMIN)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    response = page.open("/search/")
    page.wait_for_load_state("networkidle")
    assert len(asked) <= 8, asked
    assert response.headers["content-encoding"] == "gzip"
    assert int(response.headers["content-length"]) <= 20 * KB
    assert page.evaluate("document.querySelectorAll('*').length") <= 1500


def test_a_page_does_not_shift_while_it_loads(signed_in):
    page = signed_in(AccessLevel.ADMIN)
    page.add_init_script(
        """window.shift = 0;
        new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.shift += entry.value; })
          .observe({type: "layout-shift", buffered: true})"""
    )
    page.open("/styleguide/")
    page.wait_for_timeout(500)
    assert page.evaluate("window.shift") <= 0.02
