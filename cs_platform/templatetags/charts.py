"""Charts as tags: geometry from cs_platform.charts, drawn by templates/charts/. Loaded everywhere."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from cs_platform import charts
from cs_platform.bands import BANDS, band_of
from cs_platform.formats import plain_number as number
from cs_platform.reliability import reliability_chart

register = template.Library()

Context = dict[str, Any]
Dated = tuple[dt.date | str, float | None]


@register.simple_tag
def sparkline(values: charts.Series, band: str | None = None, label: str = "Trend",
              low: float | None = None, high: float | None = None, *, area: bool = True) -> SafeString:  # fmt: skip
    """Draw a small line of equal steps, in a list better without `area`; the label says first and last value."""
    drawn = charts.sparkline(values, low=low, high=high)
    known = [value for value in values if value is not None]
    said = f"{label}: {known[0]:g} to {known[-1]:g}" if known else f"{label}: no data"
    filled = format_html('<path class="series-area" d="{}"/>', drawn.area) if area else ""
    shown = drawn.dots if area or len(known) < 2 else []  # a long list bears few elements
    dots = format_html_join("", '<circle class="series-dot" cx="{}" cy="{}" r="2"/>', ((d.x, d.y) for d in shown))
    return format_html(
        '<svg class="spark {}" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '{}<path class="series-line" d="{}"/>{}</svg>',
        band_of(band).css if band else "", drawn.width, drawn.height, said, filled, drawn.line, dots,
    )  # fmt: skip


@register.simple_tag
def curve(points: Sequence[tuple[float, float]], value: float | None = None, label: str = "Curve") -> SafeString:
    """Draw how a measure turns values into points, with a dot at the value; the label says its corners."""
    drawn = charts.curve(points, value)
    said = f"{label}: " + ", ".join(f"{number(at)} gives {number(high)}" for at, high in points)
    dot = (
        format_html('<circle class="series-dot" cx="{}" cy="{}" r="2.5"/>', drawn.dot.x, drawn.dot.y)
        if drawn.dot
        else ""
    )
    return format_html(
        '<svg class="spark" viewBox="0 0 {} {}" role="img" aria-label="{}"><path class="series-line" d="{}"/>{}</svg>',
        drawn.width, drawn.height, said, drawn.line, dot,
    )  # fmt: skip


@register.inclusion_tag("charts/curve_plot.html")
def curve_plot(points: Sequence[tuple[float, float]], quartiles: Sequence[float] = (), label: str = "Curve") -> Context:
    """Draw a curve with its axes, and lines where a quarter, half and three quarters of the book lie."""
    names = ("¼", "½", "¾")
    marks = [(at, names[n]) for n, at in enumerate(quartiles[: len(names)])]
    said = f"{label}: " + ", ".join(f"{number(at)} gives {number(high)}" for at, high in points)
    return {"chart": charts.curve_plot(points, marks), "label": said}


@register.inclusion_tag("charts/gauge.html")
def gauge(score: float | None, band: str | None, name: str = "Health") -> Context:
    """Draw a half circle from 0 to 100 with the score inside; an unknown score says so."""
    look = band_of(band if score is not None else None)
    said = f"{name} {score:.0f} of 100, {look.word}" if score is not None else f"{name}: no score"
    return {"chart": charts.gauge(score), "score": score, "look": look, "label": said}


@register.inclusion_tag("charts/band_bar.html")
def band_bar(counts: Mapping[str, int], links: Mapping[str, str] | None = None,
             notes: Mapping[str, str] | None = None, noun: str = "accounts") -> Context:  # fmt: skip
    """Draw the share of each band; with `links` (band → URL) bar and legend lead to the filtered list.

    `notes` are texts beside the counts, for instance revenue.
    """
    links, notes = links or {}, notes or {}
    ordered = [(key, counts.get(key, 0)) for key in BANDS]
    legend = [{"look": BANDS[key], "count": n, "url": links.get(key), "note": notes.get(key)} for key, n in ordered]
    segments = [
        {"at": part, "look": BANDS[part.key], "url": links.get(part.key)} for part in charts.stacked_bar(ordered)
    ]
    said = ", ".join(f"{n} {BANDS[key].word.lower()}" for key, n in ordered)
    return {"segments": segments, "legend": legend, "label": f"{sum(n for _, n in ordered)} {noun}: {said}"}


@register.inclusion_tag("charts/histogram.html")
def histogram(bins: Sequence[tuple[str, int, str]], label: str = "Scores", noun: str = "accounts") -> Context:
    """Draw counts per bin; rows are (label, count, band), as `charts.score_bins` returns."""
    chart = charts.histogram(bins)
    bars = [{"at": bar, "css": band_of(bar.band).css} for bar in chart.bars]
    said = ", ".join(f"{bar.count} from {bar.label}" for bar in chart.bars if bar.count)
    return {"chart": chart, "bars": bars, "noun": noun, "label": f"{label}: {said or 'nothing to show'}"}


STEP_CSS = {
    "baseline": "step-baseline",
    "up": "step-up",
    "down": "step-down",
    "none": "step-none",
    "total": "step-total",
}


@register.inclusion_tag("charts/waterfall.html")
def waterfall(baseline: float, contributions: Sequence[tuple[str, float | None]], total: float,
              baseline_label: str = "Baseline", total_label: str = "Health today") -> Context:  # fmt: skip
    """Draw how contributions (label, points) lead from the baseline to the total."""
    drawn = [
        charts.waterfall(baseline, contributions, total, narrow=narrow,
                         baseline_label=baseline_label, total_label=total_label)
        for narrow in (False, True)
    ]  # fmt: skip
    variants = [
        {"chart": chart, "narrow": narrow, "steps": [{"at": s, "css": STEP_CSS[s.kind]} for s in chart.steps]}
        for chart, narrow in zip(drawn, (False, True), strict=True)
    ]
    known = [row for row in contributions if row[1] is not None]
    largest = max(known, key=lambda row: abs(row[1] or 0), default=None)
    said = f"From {baseline_label.lower()} {charts.px(baseline)} to {total_label.lower()} {charts.px(total)}"
    if largest:
        said += f"; the largest step is {largest[0]}, {charts.signed(largest[1] or 0)}"
    return {"variants": variants, "rows": drawn[0].steps, "label": said}


@register.inclusion_tag("charts/line.html")
def line_chart(points: Sequence[Dated], *, unit: str = "", label: str = "", reference: float | None = None,
               reference_label: str = "", markers: Sequence[tuple[dt.date, str]] = (), band: str = "",
               low: float = 0, high: float | None = None, cursor: bool = False) -> Context:  # fmt: skip
    """Draw (date, value) pairs at equal steps, with a dashed reference and markers (date, text).

    With `cursor` the page must load dist/charts.js in its `scripts` block.
    """
    named = [(_day(day), value) for day, value in points]
    places = {day: i for i, (day, _) in enumerate(points)}
    at = [(places[day], text) for day, text in markers if day in places]
    variants = [
        {"narrow": narrow, "chart": charts.line_chart(
            named, narrow=narrow, low=low, high=high, reference=reference, markers=at)}
        for narrow in (False, True)
    ]  # fmt: skip
    known = [(day, value) for day, value in named if value is not None]
    said = f"{label or unit or 'Values'}: no data"
    if known:
        (first_day, first), (last_day, last) = known[0], known[-1]
        said = f"{label or unit}: {number(first)} on {first_day} to {number(last)} on {last_day}"
    if reference is not None:
        said += f"; {reference_label or 'reference'} {number(reference)}"
    rows = [{"day": day, "text": _day(day), "value": value} for day, value in points]
    return {"variants": variants, "rows": rows, "label": said, "unit": unit, "cursor": cursor,
            "css": band_of(band).css if band else "", "reference_label": reference_label,
            "notes": [(_day(day), text) for day, text in markers if day in places]}  # fmt: skip


def _day(day: dt.date | str) -> str:
    return day if isinstance(day, str) else f"{day.day} {day:%b}"


@register.simple_tag
def meter(value: float | None, maximum: float = 100, label: str = "Progress", band: str = "") -> SafeString:
    """Draw a filled line; the label names what is measured."""
    width = charts.meter_width(value, maximum)
    said = f"{label}: {value:g} of {maximum:g}" if value is not None else f"{label}: not known"
    return format_html(
        '<svg class="meter {}" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="meter-track" width="100" height="6"/><rect class="meter-value" width="{}" height="6"/></svg>',
        band_of(band).css if band else "", said, width,
    )  # fmt: skip


HEAT_CSS = ("heat-0", "heat-1", "heat-2", "heat-3", "heat-4", "heat-5")


@register.inclusion_tag("charts/heat.html")
def heat_table(columns: Sequence[str], rows: Sequence[tuple[str, charts.Series]], label: str,
               first: str = "Feature") -> Context:  # fmt: skip
    """Show rows × columns of numbers, darker where more; an empty cell is unknown."""
    graded = charts.heat_levels([values for _, values in rows])
    body = [
        {"name": name, "cells": [
            {"value": value, "css": "heat-unknown" if level is None else HEAT_CSS[level]}
            for value, level in zip(values, levels, strict=True)]}
        for (name, values), levels in zip(rows, graded, strict=True)
    ]  # fmt: skip
    return {"columns": columns, "rows": body, "label": label, "first": first}


@register.inclusion_tag("charts/reliability.html")
def reliability(bins: Sequence[tuple[float, float, int]], label: str = "Reliability") -> Context:
    """Draw (foretold, happened, rows) by bin, the first two from 0 to 1, against the diagonal of a perfect forecast."""
    said = f"{label}: no data"
    if bins:
        (low, low_was, _), (high, high_was, _) = bins[0], bins[-1]
        said = (
            f"{label}: where {100 * low:.0f} % was foretold {100 * low_was:.0f} % churned,"
            f" where {100 * high:.0f} % was foretold {100 * high_was:.0f} %"
        )
    rows = [(100 * foretold, 100 * happened, count) for foretold, happened, count in bins]
    return {"chart": reliability_chart(bins), "rows": rows, "label": said}


@register.inclusion_tag("charts/quadrant.html")
def quadrant(places: Sequence[tuple[float, float, str, str]], corners: Mapping[str, str], line: float = 50) -> Context:
    """Draw accounts by success and happiness; rows are (success, happiness, name, URL).

    `corners` are the words of the corners under top_left, top_right, bottom_left and bottom_right.
    """
    chart = charts.quadrant([(success, happiness) for success, happiness, _, _ in places], line=line)
    rows = [
        {"at": dot, "success": success, "happiness": happiness, "name": name, "url": url}
        for dot, (success, happiness, name, url) in zip(chart.dots, places, strict=True)
    ]
    said = f"{len(places)} accounts by success (to the right) and happiness (upwards), parted at {line:g}"
    return {"chart": chart, "rows": rows, "corners": corners, "label": said}
