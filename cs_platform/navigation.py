"""The sidebar and the pages of the palette, in one list. Entries whose URL does not exist are left out."""

from dataclasses import dataclass
from functools import cache

from django.contrib.auth.models import AnonymousUser
from django.urls import NoReverseMatch, reverse

from team.enums import AccessLevel
from team.models import User

RANK = {AccessLevel.VIEWER: 0, AccessLevel.CONTRIBUTOR: 1, AccessLevel.EDITOR: 2, AccessLevel.ADMIN: 3}


@dataclass(frozen=True)
class Entry:
    label: str
    icon: str
    url_name: str
    access: AccessLevel = AccessLevel.VIEWER
    keys: str = ""
    """The keyboard shortcut, as @github/hotkey writes it."""


@dataclass(frozen=True)
class Link:
    label: str
    icon: str
    url: str
    keys: str
    is_current: bool


@dataclass(frozen=True)
class Section:
    title: str
    links: tuple[Link, ...]


SECTIONS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "",
        (
            Entry("My day", "house", "my_day", keys="g h"),
            Entry("Accounts", "building-2", "account_list", keys="g a"),
            Entry("Alerts", "bell", "alert_list", keys="g s"),
            Entry("Success & happiness", "layout-grid", "quadrant", keys="g q"),
        ),
    ),
    (
        "Settings",
        (
            Entry("Data sources", "database", "source_list", AccessLevel.EDITOR, "g d"),
            Entry("Imports", "upload", "import_list", AccessLevel.EDITOR, "g i"),
            Entry("Fields", "text-cursor-input", "fields", AccessLevel.EDITOR),
            Entry("Scorecards", "gauge", "scorecard_list", AccessLevel.EDITOR, "g c"),
            Entry("Alert rules", "bell-ring", "alert_rule_list", AccessLevel.EDITOR),
            Entry("API keys", "key-round", "api_key_list", AccessLevel.ADMIN),
            Entry("API reference", "braces", "api_docs"),
            Entry("Users & teams", "users", "user_list", AccessLevel.ADMIN),
            Entry("Security log", "shield-check", "security_log", AccessLevel.ADMIN),
            Entry("System", "server", "system", AccessLevel.ADMIN),
        ),
    ),
)


@cache
def _url(url_name: str) -> str | None:
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return None


def sections_for(user: User | AnonymousUser, path: str = "") -> tuple[Section, ...]:
    """Return the sections this user may open; the entry that `path` lies under is current."""
    if not isinstance(user, User):
        return ()
    rank = RANK[AccessLevel(user.access_level)]
    sections = []
    for title, entries in SECTIONS:
        links = tuple(
            Link(entry.label, entry.icon, url, entry.keys, _covers(url, path))
            for entry in entries
            if rank >= RANK[entry.access] and (url := _url(entry.url_name)) is not None
        )
        if links:
            sections.append(Section(title, links))
    return tuple(sections)


def _covers(url: str, path: str) -> bool:
    return path == url or (url != "/" and path.startswith(url))
