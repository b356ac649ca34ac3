"""Every component with sample data, to look at and to copy from. Seen by admins, and by all under DEBUG."""

import datetime as dt

from django import forms
from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from cs_platform import charts
from team.requests import UserRequest


class SampleForm(forms.Form):
    """One field of each kind."""

    name = forms.CharField(label="Name", help_text="As it stands on the contract.")
    email = forms.EmailField(label="E-mail", required=False)
    stage = forms.ChoiceField(label="Stage", choices=[("onboarding", "Onboarding"), ("adoption", "Adoption")])
    renews_on = forms.DateField(label="Renews on", required=False, widget=forms.DateInput({"type": "date"}))
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea({"rows": 3}))
    initiative = forms.ChoiceField(
        label="Who acted first?",
        choices=[("proactive", "We did"), ("reactive", "The customer did")],
        widget=forms.RadioSelect,
    )
    is_pinned = forms.BooleanField(label="Pin to the top of the timeline", required=False)


@require_http_methods(["GET", "POST"])
def styleguide(request: UserRequest) -> HttpResponse:
    if not (settings.DEBUG or request.user.is_admin):
        raise Http404
    form = SampleForm(request.POST or None)
    invalid = SampleForm({"email": "priya@", "note": "What was typed is kept.", "stage": "adoption"}, auto_id="bad_%s")
    status = 200 if request.method == "GET" or form.is_valid() else 422
    return render(request, "pages/styleguide.html", samples() | {"form": form, "invalid": invalid}, status=status)


def samples() -> dict[str, object]:
    """Return the sample data; the days are relative to today."""
    now = timezone.now()
    weeks = [now.date() - dt.timedelta(weeks=29 - i) for i in range(30)]
    seats = [372, 390, 421, 422, 448, 455, 451, 468, 460, 462, 452, 440, 438, 436, 405, None, 402, 408, 400, 401,
             412, 403, 430, 409, 400, 390, 378, 381, 350, 341]  # fmt: skip
    return {
        "now": now,
        "moments": [now - dt.timedelta(minutes=12), now - dt.timedelta(hours=30), now + dt.timedelta(days=21)],
        "sort": "-score",
        "rows": ROWS,
        "tabs": [
            {"label": "Overview", "url": "?tab=overview", "is_current": True},
            {"label": "Health", "url": "?tab=health"},
            {"label": "People", "url": "?tab=people", "count": 4},
            {"label": "Timeline", "url": "?tab=timeline"},
        ],
        "band_counts": {"red": 9, "yellow": 17, "green": 61, "unknown": 5},
        "band_links": {band: f"?band={band}" for band in ("red", "yellow", "green", "unknown")},
        "band_notes": {"red": "$0.9M", "yellow": "$1.6M", "green": "$6.1M", "unknown": "$0.2M"},
        "bins": charts.score_bins(SCORES, red_below=40, green_from=60),
        "contributions": [
            ("Product usage", -14),
            ("Support", -3),
            ("Engagement", 6),
            ("Sentiment", 4),
            ("Outcomes", 7),
            ("Billing", None),
            ("Champion risk", -12),
        ],
        "seats": list(zip(weeks, seats, strict=True)),
        "markers": [(weeks[14], "Scorecard version 7"), (weeks[22], "Playbook “Champion change”")],
        "heat_columns": [f"{week.day} {week:%b}" for week in weeks[-8:]],
        "heat_rows": [
            ("Dispatch board", [120, 132, 128, 119, 96, 80, 71, 66]),
            ("Carrier API", [None, None, 4, 18, 40, 52, 61, 70]),
            ("Weekly report", [9, 9, 8, 0, 0, 0, 3, 2]),
        ],
    }


SCORES = [4.0, 12, 18, 22, 27, 31, 33, 36, 38, 41, 44, 46, 47, 49, 51, 52, 53, 55, 57, 58, *range(60, 100)]
ROWS = [
    {"name": "Northwind Logistics", "sub": "Enterprise · Mira K", "score": 38, "band": "red", "change": -17,
     "trend": [62, 60, 57, 58, 55, 55, 54, 50, 48, 46, 45, 44, 40, 38], "why": ["Usage −34 %", "Champion left"],
     "arr": 184_000, "renews": dt.timedelta(days=21)},
    {"name": "Kestrel Analytics", "sub": "Growth · Sana P", "score": 47, "band": "yellow", "change": -12,
     "trend": [60, 62, 60, 61, 59, 58, 52, 55, 50, None, None, 49, 51, 47], "why": ["Invoice overdue", "NPS 4"],
     "arr": 59_000, "renews": dt.timedelta(days=12)},
    {"name": "Acme Robotics", "sub": "Starter · Jon A", "score": 82, "band": "green", "change": 4,
     "trend": [70, 71, 74, 73, 75, 77, 78, 78, 79, 80, 78, 80, 81, 82], "why": [],
     "arr": 23_400, "renews": dt.timedelta(days=120)},
    {"name": "Fjord Travel", "sub": "Growth · nobody", "score": None, "band": None, "change": None,
     "trend": [], "why": ["No usage yet"], "arr": None, "renews": dt.timedelta(days=340)},
]  # fmt: skip
