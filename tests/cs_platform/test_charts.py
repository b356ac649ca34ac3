"""Coordinates to the pixel, for inputs small enough to work out by hand."""

import pytest

from cs_platform.charts import (
    Bar,
    Point,
    Segment,
    Tick,
    gauge,
    heat_levels,
    histogram,
    line_chart,
    meter_width,
    nice_ticks,
    px,
    score_bins,
    short,
    signed,
    sparkline,
    stacked_bar,
    waterfall,
)


@pytest.mark.parametrize(("value", "text"), [(12.0, "12"), (12.04, "12"), (12.05, "12.1"), (-0.01, "0"), (3, "3")])
def test_px_keeps_a_tenth_and_no_idle_point(value, text):
    assert str(px(value)) == text


@pytest.mark.parametrize(("value", "text"), [(6, "+6"), (-14, "−14"), (0, "0"), (0.04, "0"), (-2.25, "−2.2")])
def test_signed(value, text):
    assert signed(value) == text


def test_sparkline_runs_from_corner_to_corner():
    drawn = sparkline([0, 50, 100], width=26, height=16)
    assert drawn.line == "M3 13L13 8L23 3"
    assert drawn.area == "M3 13L13 8L23 3L23 16L3 16Z"
    assert drawn.dots == (Point(23, 3),)


def test_sparkline_lifts_the_pen_at_a_gap():
    drawn = sparkline([0, 100, None, 100, 0], width=46, height=16)
    assert drawn.line == "M3 13L13 3M33 3L43 13"
    assert drawn.area == "M3 13L13 3L13 16L3 16ZM33 3L43 13L43 16L33 16Z"
    assert drawn.dots == (Point(43, 13),)


def test_sparkline_dots_a_value_alone_between_gaps_and_ends_at_the_last_known():
    drawn = sparkline([50, None, 0, 100, None], width=46, height=16)
    assert drawn.line == "M23 13L33 3"
    assert drawn.dots == (Point(3, 8), Point(33, 3))


@pytest.mark.parametrize("values", [[], [None], [None, None]])
def test_sparkline_without_data_draws_nothing(values):
    drawn = sparkline(values)
    assert (drawn.line, drawn.area, drawn.dots) == ("", "", ())


def test_sparkline_of_one_point_is_a_dot_in_the_middle():
    drawn = sparkline([7], width=26, height=16)
    assert (drawn.line, drawn.area, drawn.dots) == ("", "", (Point(13, 8),))


def test_sparkline_of_equal_values_is_a_middle_line():
    assert sparkline([5, 5, 5], width=26, height=16).line == "M3 8L13 8L23 8"


def test_sparkline_bears_negative_values_and_a_given_domain():
    assert sparkline([-10, 10], width=26, height=16).line == "M3 13L23 3"
    assert sparkline([50, 100], width=26, height=16, low=0, high=100).line == "M3 8L23 3"


def test_gauge_half_full_ends_at_the_top():
    drawn = gauge(50, radius=60, stroke=14)
    assert (drawn.width, drawn.height, drawn.middle) == (136, 76, 68)
    assert drawn.track == "M8 68A60 60 0 0 1 128 68"
    assert drawn.value == "M8 68A60 60 0 0 1 68 8"


@pytest.mark.parametrize(
    ("score", "value"),
    [(None, ""), (0, ""), (-5, ""), (100, "M8 68A60 60 0 0 1 128 68"), (140, "M8 68A60 60 0 0 1 128 68")],
)
def test_gauge_at_its_ends(score, value):
    assert gauge(score, radius=60, stroke=14).value == value


def test_stacked_bar_shares_the_width_and_keeps_tiny_parts_visible():
    parts = stacked_bar([("red", 1), ("yellow", 0), ("green", 99)], width=110, gap=2, at_least=4)
    assert parts == (Segment("red", 1, 1, 0, 5), Segment("green", 99, 99, 7, 103))
    assert parts[-1].x + parts[-1].width == 110


@pytest.mark.parametrize("counts", [[], [("red", 0), ("green", 0)]])
def test_stacked_bar_of_nothing_is_empty(counts):
    assert stacked_bar(counts) == ()


def test_stacked_bar_of_one_part_fills_the_width():
    assert stacked_bar([("green", 3)], width=100) == (Segment("green", 3, 100, 0, 100),)


def test_histogram_scales_to_the_tallest():
    drawn = histogram([("0", 1, "red"), ("10", 0, "red"), ("20", 2, "green")], width=85, height=136, gap=5)
    assert drawn.floor == 118
    assert drawn.bars == (
        Bar("0", 1, "red", 0, 68, 25, 50, 12.5),
        Bar("10", 0, "red", 30, 118, 25, 0, 42.5),
        Bar("20", 2, "green", 60, 18, 25, 100, 72.5),
    )


def test_histogram_shows_a_count_that_would_vanish_beside_a_large_one():
    assert histogram([("a", 1, "red"), ("b", 100_000, "green")]).bars[0].height == 2


def test_histogram_of_nothing():
    assert histogram([]).bars == ()
    assert [bar.height for bar in histogram([("0", 0, "red"), ("10", 0, "red")]).bars] == [0, 0]


def test_score_bins_put_100_last_and_colour_by_the_start_of_the_bin():
    bins = score_bins([0, 9.9, 10, 39, 40, 60, 99, 100], red_below=40, green_from=60)
    assert [count for _, count, _ in bins] == [2, 1, 0, 1, 1, 0, 1, 0, 0, 2]
    assert [label for label, _, _ in bins] == ["0", "10", "20", "30", "40", "50", "60", "70", "80", "90"]
    assert [band for _, _, band in bins] == ["red"] * 4 + ["yellow"] * 2 + ["green"] * 4


def test_waterfall_leads_from_the_baseline_to_the_total():
    drawn = waterfall(50, [("Usage", -20), ("Support", 10), ("Billing", 0), ("Other", None)], 40)
    # The plot is 130 to 418: 288 pixels for 0 to 50.
    assert [(s.kind, s.text, s.x, s.width) for s in drawn.steps] == [
        ("baseline", "50", 130, 288),
        ("down", "−20", 302.8, 115.2),
        ("up", "+10", 302.8, 57.6),
        ("none", "0", 360.4, 2),
        ("none", "no data", 360.4, 2),
        ("total", "40", 130, 230.4),
    ]
    assert [s.connector_x for s in drawn.steps] == [418, 302.8, 360.4, 360.4, 360.4, None]
    assert [s.y for s in drawn.steps] == [6, 34, 62, 90, 118, 146]
    assert drawn.height == 6 * 28
    assert drawn.steps[0].text_x == 424


def test_waterfall_narrow_puts_labels_above_the_bars():
    drawn = waterfall(50, [], 50, narrow=True)
    assert (drawn.width, drawn.height, drawn.row) == (320, 84, 42)
    assert [(s.y, s.x, s.width) for s in drawn.steps] == [(22, 4, 264), (64, 4, 264)]


def test_waterfall_below_zero_moves_the_zero_line():
    drawn = waterfall(10, [("Fees", -20)], -10)
    # -10 to 10 over 288 pixels: zero stands at 274.
    assert [(s.text, s.x, s.width) for s in drawn.steps] == [
        ("10", 274, 144),
        ("−20", 130, 288),
        ("−10", 130, 144),
    ]


def test_waterfall_of_zeros_divides_by_nothing():
    assert [s.width for s in waterfall(0, [("Usage", 0)], 0).steps] == [2, 2, 2]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 100, [0, 50, 100]),
        (0, 520, [0, 200, 400, 600]),
        (0, 1, [0, 0.5, 1]),
        (0, 0, [0, 0.5, 1]),
        (-10, 10, [-10, -5, 0, 5, 10]),
        (0, 3, [0, 1, 2, 3]),
        (0, 1_000_000, [0, 500_000, 1_000_000]),
    ],
)
def test_nice_ticks(low, high, ticks):
    assert nice_ticks(low, high) == ticks


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.5, "0.5"), (950, "950"), (1200, "1.2k"), (3_000_000, "3M"), (-2000, "−2k")]
)
def test_short(value, text):
    assert short(value) == text


def test_line_chart_places_points_ticks_reference_and_markers():
    drawn = line_chart([("1 May", 0), ("2 May", 50), ("3 May", 100)], reference=50, markers=[(1, "Version 2")])
    # Left 40, right 710, top 14, floor 196.
    assert drawn.line == "M40 196L375 105L710 14"
    assert drawn.area == "M40 196L375 105L710 14L710 196L40 196Z"
    assert drawn.x_ticks == (Tick(40, "1 May"), Tick(375, "2 May"), Tick(710, "3 May"))
    assert drawn.y_ticks == (Tick(196, "0"), Tick(105, "50"), Tick(14, "100"))
    assert (drawn.reference_y, drawn.markers) == (105, (Tick(375, "Version 2"),))


def test_line_chart_splits_at_gaps_and_dots_lonely_points():
    drawn = line_chart([("a", 0), ("b", 100), ("c", None), ("d", 100), ("e", None)])
    assert drawn.line == "M40 196L207.5 14"
    assert drawn.dots == (Point(542.5, 14),)


def test_line_chart_thins_its_labels():
    points = [(str(i), float(i)) for i in range(30)]
    assert [tick.text for tick in line_chart(points).x_ticks] == ["0", "4", "8", "12", "16", "20", "24", "28"]
    assert [tick.text for tick in line_chart(points, narrow=True).x_ticks] == ["0", "8", "16", "24"]


def test_line_chart_without_data_still_has_a_frame():
    for points in ([], [("a", None)]):
        drawn = line_chart(points)
        assert (drawn.line, drawn.area, drawn.dots) == ("", "", ())
        assert [tick.text for tick in drawn.y_ticks] == ["0", "0.5", "1"]


def test_line_chart_of_one_point_is_a_dot():
    drawn = line_chart([("a", 4)])
    assert (drawn.line, drawn.dots) == ("", (Point(375, 14),))


def test_line_chart_of_equal_zeros_lies_on_the_floor():
    assert line_chart([("a", 0), ("b", 0)]).line == "M40 196L710 196"


def test_line_chart_below_zero_fills_to_the_zero_line():
    drawn = line_chart([("a", -10), ("b", 10)])
    assert drawn.area == "M40 196L710 14L710 105L40 105Z"


def test_line_chart_ignores_markers_outside():
    assert line_chart([("a", 1)], markers=[(5, "later"), (-1, "before")]).markers == ()


@pytest.mark.parametrize(
    ("value", "maximum", "width"), [(6, 11, 54.5), (0, 5, 0), (9, 5, 100), (-1, 5, 0), (None, 5, 0), (1, 0, 0)]
)
def test_meter_width(value, maximum, width):
    assert meter_width(value, maximum) == width


def test_heat_levels_grade_against_the_largest_of_all():
    assert heat_levels([[0, 1, 20], [100, None, -3]]) == [[0, 1, 1], [5, None, 0]]
    assert heat_levels([[None], [0]]) == [[None], [0]]
    assert heat_levels([]) == []
