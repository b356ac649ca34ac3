"""Promises of every template: it compiles, and a strict CSP has nothing to forbid."""

import re
from pathlib import Path

import pytest
from django.template.loader import get_template

from cs_platform.icons import paths
from cs_platform.navigation import SECTIONS

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = sorted(
    path for path in [*(ROOT / "templates").rglob("*.html"), *ROOT.glob("*/templates/**/*.html")] if path.is_file()
)
FORBIDDEN = {
    "a style attribute": re.compile(r"""<[^>]*\sstyle\s*=""", re.IGNORECASE),
    "a <style> element": re.compile(r"<style\b", re.IGNORECASE),
    "an inline <script>": re.compile(r"<script\b(?![^>]*\bsrc=)", re.IGNORECASE),
    "an on… attribute": re.compile(r"""<[^>]*\son[a-z]+\s*=""", re.IGNORECASE),
    "hx-on, which needs eval": re.compile(r"\bhx-on\b|\bhx-on:", re.IGNORECASE),
    "js: values, which need eval": re.compile(r"""["']js:|javascript:""", re.IGNORECASE),
    "a trigger filter, which needs eval": re.compile(r"""hx-trigger\s*=\s*["'][^"']*\["""),
    "a class name made of parts (PurgeCSS drops it)": re.compile(r"""class\s*=\s*"[^"]*[\w-]-\{\{"""),
    "something loaded from elsewhere": re.compile(r"""(?:src|srcset)\s*=\s*["']\s*(?:https?:)?//""", re.IGNORECASE),
}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _markup(source: str) -> str:
    """Take out comments and tags: the arguments of a tag are not attributes."""
    source = re.sub(r"\{% comment %\}.*?\{% endcomment %\}", "", source, flags=re.DOTALL)
    return re.sub(r"\{#.*?#\}|\{%.*?%\}", "", source)


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_template_compiles(path):
    assert get_template(path.as_posix().split("/templates/", 1)[1])


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_template_has_nothing_that_the_csp_forbids(path):
    source = _markup(path.read_text())
    assert [what for what, pattern in FORBIDDEN.items() if pattern.search(source)] == []


ICON = re.compile(r"""\{% icon "([^"]+)"|empty_state "[^"]*" "[^"]*" "([^"]+)\"""")


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_icons_exist(path):
    for name in {first or second for first, second in ICON.findall(path.read_text())}:
        assert paths(name)


@pytest.mark.parametrize("entry", [entry for _, entries in SECTIONS for entry in entries], ids=lambda e: e.label)
def test_icons_of_the_sidebar_exist(entry):
    assert paths(entry.icon)


@pytest.mark.parametrize(
    ("what", "source"),
    [
        ("a style attribute", '<b style="x">'),
        ("a <style> element", "<style>b{}</style>"),
        ("an inline <script>", "<script>go()</script>"),
        ("an on… attribute", '<a href="#" onclick="go()">'),
        ("hx-on, which needs eval", '<a hx-on:click="go()">'),
        ("js: values, which need eval", """<a hx-vals='js:{a: 1}'>"""),
        ("a trigger filter, which needs eval", '<a hx-trigger="keyup[key==1]">'),
        ("a class name made of parts (PurgeCSS drops it)", '<a class="x band-{{ band }}">'),
        ("something loaded from elsewhere", '<img src="https://example.com/x.png">'),
    ],
)
def test_the_search_finds_what_it_looks_for(what, source):
    assert [name for name, pattern in FORBIDDEN.items() if pattern.search(source)] == [what]
