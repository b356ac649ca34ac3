"""What the tags write; the templates that use them are tried in the browser."""

from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from django import forms
from django.contrib.auth.models import AnonymousUser
from django.template import Context, RequestContext, Template, engines
from django.template.exceptions import TemplateSyntaxError
from django.test import RequestFactory
from django.utils.html import strip_tags

from cs_platform.navigation import sections_for
from team.enums import AccessLevel
from tests.factories import UserFactory


def render(source, **context):
    return engines["django"].from_string(source).render(context).strip()


def render_at(url, source, **context):
    request = RequestFactory().get(url)
    return Template(source).render(RequestContext(request, context)).strip()


def words(source, **context):
    return " ".join(strip_tags(render(source, **context)).split())


def test_icon_is_hidden_unless_labelled():
    assert 'aria-hidden="true"' in render('{% icon "phone" %}')
    assert 'class="icon icon-sm"' in render('{% icon "phone" "icon-sm" %}')
    labelled = render('{% icon "flag" label="Late" %}')
    assert 'role="img"' in labelled
    assert 'aria-label="Late"' in labelled


def test_icon_draws_its_paths_once_read():
    html = render('{% icon "x" %}')
    assert html == (
        '<svg class="icon" width="18" height="18" viewBox="0 0 24 24" aria-hidden="true">'
        '<path d="M18 6 6 18"/><path d="m6 6 12 12"/></svg>'
    )


def test_unknown_icon_says_where_the_names_are():
    with pytest.raises(ValueError, match=r"no icon 'fone'; lucide\.dev/icons"):
        render('{% icon "fone" %}')


def test_icon_escapes_its_label():
    assert "<b>" not in render("{% icon 'flag' label=label %}", label='"><b>')


@pytest.mark.parametrize(
    ("score", "band", "text"),
    [
        (38, "red", "At risk, 38"),
        (82.4, "green", "Healthy, 82"),
        (None, "green", "No score"),
        (50, None, "No score, 50"),
    ],
)
def test_health_badge_says_its_band(score, band, text):
    assert words("{% health_badge score band %}", score=score, band=band) == text


def test_health_badge_with_its_word_and_a_shape_per_band():
    assert words('{% health_badge 38 "red" word=True %}') == "At risk · 38"
    shapes = {render("{% shape band %}", band=band) for band in ("red", "yellow", "green", "unknown")}
    assert len(shapes) == 4


@pytest.mark.parametrize(
    ("source", "text", "look"),
    [
        ("{% delta 4 %}", "up +4", "delta-good"),
        ('{% delta -17 "" "30 days" %}', "down −17 in 30 days", "delta-bad"),
        ('{% delta 3 "tickets" rising="bad" %}', "up +3 tickets", "delta-bad"),
        ('{% delta -3 rising="bad" %}', "down −3", "delta-good"),
        ('{% delta 3 rising="neither" %}', "up +3", "delta-same"),
        ("{% delta 0 %}", "unchanged 0", "delta-same"),
        ("{% delta None %}", "–", "delta-same"),
    ],
)
def test_delta(source, text, look):
    assert words(source) == text
    assert look in render(source)


def test_money_is_short_with_the_exact_amount_as_title(settings):
    settings.REPORTING_CURRENCY = "EUR"
    assert render("{% money 184250 %}") == '<span class="number" title="€184,250.00 EUR">€184k</span>'
    assert words('{% money None "USD" %}') == "–"


def test_numbers():
    assert render("{{ 12345|number }} {{ none|number }} {{ 8800000|short_number }}", none=None) == "12,345 – 8.8M"


def test_when_and_on_are_each_others_title(clock):
    from tests.conftest import NOW

    moment = NOW - timedelta(minutes=12)
    assert render("{% when moment %}", moment=moment) == (
        '<time datetime="2026-06-15T11:48:00+00:00" title="15 Jun 2026, 11:48 UTC">12 minutes ago</time>'
    )
    assert render("{% on day %}", day=date(2026, 6, 14)) == (
        '<time datetime="2026-06-14" title="yesterday">14 Jun 2026</time>'
    )
    assert render('{% when None "never" %}') == "never"


class SampleForm(forms.Form):
    name = forms.CharField(help_text="As on the contract.")
    note = forms.CharField(required=False)
    kind = forms.ChoiceField(choices=[("a", "Call"), ("b", "Mail")], widget=forms.RadioSelect)
    is_pinned = forms.BooleanField(required=False)


def test_field_ties_label_hint_and_errors_to_the_control():
    html = render("{% field form.name %}", form=SampleForm({}))
    assert '<label class="form-label" for="id_name">' in html
    assert 'aria-describedby="id_name_hint id_name_error"' in html
    assert 'aria-invalid="true"' in html
    assert 'id="id_name_error"' in html
    assert "This field is required." in html


def test_field_marks_what_may_stay_empty():
    form = SampleForm()
    assert "(optional)" in render("{% field form.note %}", form=form)
    assert "(optional)" not in render("{% field form.name %}", form=form)
    assert "(optional)" not in render("{% field form.note optional=False %}", form=form)


def test_field_shows_radio_buttons_as_cards():
    html = render("{% field form.kind %}", form=SampleForm())
    assert "<fieldset" in html
    assert html.count('class="choice"') == 2
    assert html.count('class="form-check-input"') == 2


def test_field_escapes_what_was_typed():
    assert "<script>" not in render("{% field form.name %}", form=SampleForm({"name": "<script>"}))


@pytest.mark.parametrize(
    ("sort", "state", "query"),
    [("arr", "ascending", "sort=-arr"), ("-arr", "descending", "sort=arr"), ("name", "", "sort=arr")],
)
def test_sort_header(sort, state, query):
    html = render_at("/?band=red&after=x", '{% sort_header "arr" "ARR" %}', sort=sort)
    assert (f'aria-sort="{state}"' in html) is bool(state)
    assert f'href="?band=red&amp;{query}"' in html


def test_pager_keeps_the_filter():
    html = render_at("/?band=red&after=x", "{% pager next_cursor='y' shown=50 total=137 noun='accounts' %}")
    assert 'href="?band=red"' in html
    assert 'href="?band=red&amp;after=y"' in html
    assert "50 of 137 accounts" in html
    assert "rel=" not in render_at("/", "{% pager first=True shown=3 %}")


def test_query_changes_and_removes():
    assert render_at("/?band=red&page=2&after=x", '{% query band="green" page=None %}') == "?band=green"


def test_setting_shows_named_ones_only():
    assert render('{% setting "REPORTING_CURRENCY" %}') == "USD"
    with pytest.raises(ValueError, match="SECRET_KEY"):
        render('{% setting "SECRET_KEY" %}')


def test_sparkline_says_first_and_last():
    html = render('{% sparkline values "red" "Health" %}', values=[62, None, 38])
    assert 'aria-label="Health: 62 to 38"' in html
    assert 'class="spark band-red"' in html
    assert 'aria-label="Trend: no data"' in render("{% sparkline values %}", values=[])


def test_gauge_says_score_and_band():
    assert 'aria-label="Health 38 of 100, At risk"' in render('{% gauge 38 "red" %}')
    unknown = render("{% gauge None None %}")
    assert 'aria-label="Health: no score"' in unknown
    assert "gauge-value" not in unknown


def test_band_bar_links_each_band_with_accounts():
    html = render("{% band_bar counts links %}", counts={"red": 2, "green": 6}, links={"red": "?band=red"})
    assert 'aria-label="8 accounts: 2 at risk, 0 watch, 6 healthy, 0 no score"' in html
    assert html.count('href="?band=red"') == 2  # the bar's part and the legend


def test_waterfall_names_the_largest_step():
    html = render("{% waterfall 50 steps 38 %}", steps=[("Usage", -14), ("Support", 2), ("Billing", None)])
    assert 'aria-label="From baseline 50 to health today 38; the largest step is Usage, −14"' in html
    assert (html.count('<svg class="chart-wide"'), html.count('<svg class="chart-narrow"')) == (1, 1)
    assert '<td class="table-num">no data</td>' in html


def test_line_chart_says_ends_and_keeps_unknown_empty():
    points = [(date(2026, 5, 1), 372), (date(2026, 5, 8), None), (date(2026, 5, 15), 341)]
    html = render(
        '{% line_chart points unit="seats" label="Active seats" reference=520 reference_label=name markers=marks %}',
        points=points,
        name="Licensed",
        marks=[(date(2026, 5, 8), "Version 7"), (date(2020, 1, 1), "long ago")],
    )
    assert 'aria-label="Active seats: 372 on 1 May to 341 on 15 May; Licensed 520"' in html
    assert '<time datetime="2026-05-08">8 May</time></th><td class="table-num" data-value="">–</td>' in html
    assert "8 May: Version 7" in html
    assert "long ago" not in html
    assert "<cursor-chart" not in html
    assert '<cursor-chart data-unit="Seats">' in render('{% line_chart p unit="seats" cursor=True %}', p=points)


def test_line_chart_without_data_says_so():
    assert "No data in this range" in render("{% line_chart points %}", points=[])


def test_meter_and_heat_table():
    assert 'aria-label="Milestones: 6 of 11"' in render('{% meter 6 11 "Milestones" "green" %}')
    assert 'aria-label="Seats: not known"' in render('{% meter None 11 "Seats" %}')
    html = render('{% heat_table columns rows "Use" %}', columns=["1", "2"], rows=[("Board", [120, None])])
    assert '<td class="heat-5">120</td>' in html
    assert 'class="heat-unknown"' in html


def test_empty_state_does_not_clash_with_for():
    assert words("{% for x in none %}{% empty %}{% empty_state 'No alerts' 'All done.' %}{% endfor %}", none=[]) == (
        "No alerts All done."
    )
    with pytest.raises(TemplateSyntaxError):
        render("{% empty 'No alerts' %}")


@pytest.mark.parametrize("level", [AccessLevel.VIEWER, AccessLevel.EDITOR, AccessLevel.ADMIN])
def test_navigation_by_access_level(monkeypatch, level):
    monkeypatch.setattr("cs_platform.navigation._url", lambda name: f"/{name}/")
    sections = sections_for(UserFactory.build(access_level=level), "/account_list/7/")
    assert [link.label for link in sections[0].links if link.is_current] == ["Accounts"]
    labels = [link.label for section in sections for link in section.links]
    assert ("API keys" in labels) is (level == AccessLevel.ADMIN)
    assert ("Data sources" in labels) is (level != AccessLevel.VIEWER)


def test_navigation_leaves_out_what_does_not_exist(monkeypatch):
    monkeypatch.setattr("cs_platform.navigation._url", lambda name: "/" if name == "my_day" else None)
    sections = sections_for(UserFactory.build(access_level=AccessLevel.ADMIN), "/accounts/")
    assert [[link.url for link in section.links] for section in sections] == [["/"]]
    assert not sections[0].links[0].is_current  # "/" covers only itself
    assert sections_for(AnonymousUser()) == ()


def test_toasts_show_messages_with_their_level():
    notes = [SimpleNamespace(level_tag="error", __str__=lambda: "x")]
    html = Template('{% include "components/toasts.html" %}').render(Context({"messages": notes}))
    assert 'class="toast-note band-red" data-level="error"' in html
