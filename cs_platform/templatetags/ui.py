"""The tags every page is written with; loaded everywhere (settings.TEMPLATES builtins)."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django import template
from django.conf import settings
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect, Select, SelectMultiple
from django.http import QueryDict
from django.template import RequestContext
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from cs_platform import formats, icons
from cs_platform.bands import band_of
from cs_platform.clock import local_now
from cs_platform.navigation import Section, sections_for

register = template.Library()


@register.simple_tag
def icon(name: str, css: str = "", label: str = "") -> SafeString:
    """Draw a Lucide icon; without a label it is decoration and hidden from screen readers."""
    said = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    drawn = mark_safe(icons.paths(name))  # noqa: S308 -- from a packaged file
    css = f"icon {css}".strip()
    return format_html('<svg class="{}" width="18" height="18" viewBox="0 0 24 24" {}>{}</svg>', css, said, drawn)


@register.simple_tag
def shape(band: str | None) -> SafeString:
    """Draw the band's shape alone; a word or number must stand beside it."""
    look = band_of(band)
    return format_html(
        '<svg class="shape {}" viewBox="0 0 10 10" aria-hidden="true"><path d="{}"/></svg>',
        look.css,
        look.shape,
    )


@register.simple_tag
def health_badge(score: float | None, band: str | None, *, word: bool = False) -> SafeString:
    """Show shape and score, with the band's word when asked; no score is said, never shown as 0."""
    look = band_of(band if score is not None else None)
    if score is None:
        text, said = look.word, ""
    else:
        text = f"{look.word} · {score:.0f}" if word else f"{score:.0f}"
        said = "" if word else f"{look.word}, "
    return format_html(
        '<span class="health {}" title="{}">{}<span class="visually-hidden">{}</span>{}</span>',
        look.css, look.word, shape(look.key), said, text,
    )  # fmt: skip


@register.simple_tag
def pill(text: str, band: str = "unknown") -> SafeString:
    """Show a status word with its band's shape: {% pill "Left" "red" %}."""
    return format_html('<span class="pill {}">{}{}</span>', band_of(band).css, shape(band), text)


@register.simple_tag
def delta(
    change: float | None, unit: str = "", period: str = "", *, rising: str = "good", digits: int = 0
) -> SafeString:
    """Show a change with arrow, sign and period; `rising` says whether more is good, bad or neither."""
    if change is None:
        return format_html('<span class="delta delta-same" title="Not known">{}</span>', formats.UNKNOWN)
    number = formats.signed_number(change, digits)
    if number == "0":
        css, word = "delta delta-same", "unchanged"
    else:
        up = change > 0
        good = {"good": up, "bad": not up}.get(rising)
        look = "delta delta-same" if good is None else "delta delta-good" if good else "delta delta-bad"
        css, word = (f"{look} delta-up", "up") if up else (f"{look} delta-down", "down")
    return format_html(
        '<span class="{}"><span class="visually-hidden">{} </span>{}{}{}</span>',
        css,
        word,
        number,
        f" {unit}" if unit else "",
        f" in {period}" if period else "",
    )


@register.simple_tag
def money(amount: formats.Number | None, currency: str = "", *, short: bool = True) -> SafeString:
    """Show an amount in short form with the exact one as title."""
    currency = currency or settings.REPORTING_CURRENCY
    if amount is None:
        return format_html('<span class="number" title="Not known">{}</span>', formats.UNKNOWN)
    exact = formats.money(amount, currency, short=False)
    return format_html(
        '<span class="number" title="{} {}">{}</span>', exact, currency, formats.money(amount, currency, short=short)
    )


@register.filter
def number(value: formats.Number | None, digits: int = 0) -> str:
    """Write a number with thousands separators; a dash for unknown."""
    return formats.plain_number(value, digits)


@register.filter
def signed(value: formats.Number) -> str:
    """Write a change with its sign: +4, −12."""
    return formats.signed_number(value)


@register.filter
def band_css(band: str) -> str:
    """Return the class that colours by a band; none for an empty one."""
    return band_of(band).css if band else ""


@register.filter
def short_number(value: formats.Number | None) -> str:
    return formats.UNKNOWN if value is None else formats.short_number(value)


@register.simple_tag
def when(moment: dt.datetime | dt.date | None, empty: str = formats.UNKNOWN) -> SafeString | str:
    """Show a time relative to now, the absolute one (in the reader's time zone) as title."""
    if moment is None:
        return empty
    now = local_now()
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        formats.absolute(moment, now.tzinfo),
        formats.relative(moment, now),
    )


@register.simple_tag
def on(moment: dt.datetime | dt.date | None, empty: str = formats.UNKNOWN) -> SafeString | str:
    """Show the absolute time, the relative one as title."""
    if moment is None:
        return empty
    now = local_now()
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        formats.relative(moment, now),
        formats.absolute(moment, now.tzinfo),
    )


AVATAR_SIZES = {"xs": "avatar avatar-xs", "sm": "avatar avatar-sm", "md": "avatar", "lg": "avatar avatar-lg"}


@register.simple_tag
def avatar(name: str, size: str = "sm", *, user: bool = False) -> SafeString:
    """Draw initials; decoration, because the name stands beside it."""
    return format_html(
        '<span class="{}{}" aria-hidden="true">{}</span>',
        AVATAR_SIZES[size],
        " avatar-user" if user else "",
        formats.initials(name),
    )


def _control_class(field: BoundField) -> str:
    widget = field.field.widget
    if isinstance(widget, (RadioSelect, CheckboxSelectMultiple, CheckboxInput)):
        return "form-check-input"
    if isinstance(widget, (Select, SelectMultiple)):
        return "form-select"
    return "form-control"


def _kind(field: BoundField) -> str:
    widget = field.field.widget
    if isinstance(widget, (RadioSelect, CheckboxSelectMultiple)):
        return "choices"
    return "check" if isinstance(widget, CheckboxInput) else "control"


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, hint: str = "", label: str = "", *, optional: bool = True) -> dict[str, Any]:
    """Show a form field with label, help, errors and the attributes screen readers need.

    Radio buttons and checkbox lists become cards. `optional` marks fields that need no answer.
    """
    hint = hint or str(bound.help_text)
    described = [f"{bound.auto_id}_hint"] if hint else []
    if bound.errors:
        described.append(f"{bound.auto_id}_error")
    attrs: dict[str, str | bool] = {
        "class": f"{_control_class(bound)} {bound.field.widget.attrs.get('class', '')}".strip()
    }
    if described:
        attrs["aria-describedby"] = " ".join(described)
    if bound.errors:
        attrs["aria-invalid"] = "true"
    kind = _kind(bound)
    if kind == "choices":  # iterating over a field reads the widget's own attributes only
        bound.field.widget.attrs["class"] = attrs["class"]
    return {
        "field": bound,
        "kind": kind,
        "control": "" if kind == "choices" else bound.as_widget(attrs=attrs),
        "label": label or bound.label,
        "hint": hint,
        "show_optional": optional and not bound.field.required,
    }


@register.inclusion_tag("components/pager.html", takes_context=True)
def pager(context: RequestContext, *, first: bool = False, next_cursor: str = "", shown: int = 0,
          total: int | None = None, noun: str = "rows") -> dict[str, Any]:  # fmt: skip
    """Show keyset paging: back to the start and on to the rows after `next_cursor` (?after=)."""
    query = context["request"].GET.copy()
    query.pop("after", None)
    start = query.urlencode()
    query["after"] = next_cursor
    return {"is_first": first, "start": start, "next": query.urlencode() if next_cursor else "",
            "shown": shown, "total": total, "noun": noun}  # fmt: skip


def _first_page(context: RequestContext) -> QueryDict:
    """Return a copy of this page's query without the cursors of keyset paging."""
    query: QueryDict = context["request"].GET.copy()
    for cursor in ("after", "before"):
        query.pop(cursor, None)
    return query


@register.inclusion_tag("components/sort_header.html", takes_context=True)
def sort_header(context: RequestContext, key: str, label: str, *, css: str = "", select: str = "") -> dict[str, Any]:
    """Show a column header that sorts by `key` (?sort=key or -key); the context's `sort` is the current one.

    With `select` (its label) it also holds the checkbox that ticks every row of a <bulk-select>.
    """
    current = str(context.get("sort", ""))
    state = {key: "ascending", f"-{key}": "descending"}.get(current, "")
    query = _first_page(context)
    query["sort"] = f"-{key}" if current == key else key
    return {"label": label, "state": state, "query": query.urlencode(), "css": css, "select": select}


@register.simple_tag(takes_context=True)
def query(context: RequestContext, **changes: object) -> str:
    """Return this page's query string with changes; None or "" removes a key, paging starts anew."""
    current = _first_page(context)
    for key, value in changes.items():
        if value is None or value == "":
            current.pop(key, None)
        else:
            current[key] = str(value)
    return f"?{current.urlencode()}"


@register.inclusion_tag("components/empty.html")
def empty_state(
    title: str, text: str = "", icon_name: str = "inbox", url: str = "", action: str = ""
) -> dict[str, str]:
    """Say why there is nothing, and what to do: not set up, nothing matches, or all done."""
    return {"title": title, "text": text, "icon_name": icon_name, "url": url, "action": action}


@register.simple_tag(takes_context=True)
def navigation(context: RequestContext) -> tuple[Section, ...]:
    """Return the sidebar of the signed-in user; the entry of this page is current."""
    request = context["request"]
    return sections_for(request.user, request.path)


@register.filter
def lookup(mapping: Mapping[Any, Any], key: Any) -> Any:
    """Return mapping[key], or None."""
    return mapping.get(key)


@register.simple_tag
def setting(name: str) -> object:
    """Return one of the settings that pages may show."""
    if name not in {"ORGANISATION_NAME", "REPORTING_CURRENCY", "ORGANISATION_TIME_ZONE", "DEBUG"}:
        msg = f"Setting {name} is not shown on pages."
        raise ValueError(msg)
    return getattr(settings, name)


@register.filter
def toast_look(level_tag: str) -> dict[str, str]:
    """Return icon and class of a message level."""
    return {
        "success": {"icon": "circle-check", "css": "band-green"},
        "warning": {"icon": "triangle-alert", "css": "band-yellow"},
        "error": {"icon": "circle-alert", "css": "band-red"},
    }.get(level_tag, {"icon": "info", "css": "band-info"})
