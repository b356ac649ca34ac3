"""When a feed has stopped: what is an incident, what is a weekend, and what is just a quiet decline."""

import math
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from health.incidents import Collapse, Volume, find_collapse, is_back, missing_events

MONDAY_NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
HISTORY_DAYS = 42


def office(moment):
    """Return a share of the usual: office hours on workdays, next to nothing at night, nothing at weekends."""
    if moment.weekday() >= 5:
        return 0.0
    return 1.0 if 7 <= moment.hour < 19 else 0.05


def always(moment):
    return 1.0


def nightly(moment):
    return 40.0 if moment.hour == 2 else 0.0


def poisson(chance, mean):
    """Draw a number of events; a normal draw where they are many."""
    if mean > 50:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    limit, product, number = math.exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        number += 1
    return number


def series(until=MONDAY_NOON, *, rate=100.0, shape=always, weekly=1.0, share=1.0, since=None, seed=0):
    """Return the volume of a feed.

    `rate` events an hour, falling to `weekly` of it each week, times `share` from `since` on.
    """
    chance = random.Random(seed)
    counts = []
    for back in range(HISTORY_DAYS * 24, 0, -1):
        hour = until - timedelta(hours=back)
        usual = rate * shape(hour) * weekly ** ((HISTORY_DAYS * 24 - back) / 168)
        counts.append(poisson(chance, usual * (share if since is not None and hour >= since else 1.0)))
    return Volume(counts, until)


def ago(hours, until=MONDAY_NOON):
    return until - timedelta(hours=hours)


# --- What is one ---------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [4, 12, 48, 150])
@pytest.mark.parametrize("share", [0.0, 0.15])
def test_a_stop_or_collapse_is_found_with_its_beginning(hours, share):
    found = find_collapse(series(share=share, since=ago(hours)))
    assert found.since == ago(hours)
    assert found.hours == 3
    assert abs(found.expected - 300) < 40
    assert found.actual < 0.3 * found.expected


def test_a_stop_over_the_weekend_began_when_work_would_have():
    until = datetime(2026, 6, 15, 11, tzinfo=UTC)
    friday_night = datetime(2026, 6, 12, 19, tzinfo=UTC)
    found = find_collapse(series(until, shape=office, share=0, since=friday_night))
    assert found.since.date() in {friday_night.date(), until.date()}
    assert found.actual == 0


def test_a_nightly_job_is_missed_after_its_hour_and_not_before():
    two = datetime(2026, 6, 15, 2, tzinfo=UTC)
    before = series(two, shape=nightly, rate=10)
    assert find_collapse(before) is None
    late = Volume([*before.counts[2:], 0, 0], two + timedelta(hours=2))
    assert find_collapse(late) == Collapse(two, 3, 0, late_expected := find_collapse(late).expected)
    assert late_expected > 300


def test_a_small_feed_is_judged_by_its_silence():
    found = find_collapse(series(rate=0.6, share=0, since=ago(60), seed=3))
    assert found.hours >= 48
    assert abs(found.since - ago(60)) <= timedelta(hours=24)
    assert find_collapse(series(rate=0.6, share=0, since=ago(5), seed=3)) is None


def test_the_words_say_what_came_instead():
    assert Collapse(MONDAY_NOON, 3, 0, 300).words == "nothing in 3 hours instead of about 300 events"
    assert Collapse(MONDAY_NOON, 96, 1, 1300).words == "1 event in 4 days instead of about 1,300"
    assert Collapse(MONDAY_NOON, 48, 1200, 9300).words == "1,200 events in 48 hours instead of about 9,300"


# --- What is none --------------------------------------------------------------------------------


def test_nothing_and_too_little_are_not_judged():
    assert find_collapse(Volume([0] * 1000, MONDAY_NOON)) is None
    assert find_collapse(Volume([], MONDAY_NOON)) is None
    young = Volume([0] * 800 + [100] * 190 + [0] * 10, MONDAY_NOON)
    assert find_collapse(young) is None
    assert find_collapse(series(rate=0.1, share=0, since=ago(150))) is None


@settings(max_examples=40, deadline=None)
@given(
    hour=st.integers(0, 167),
    rate=st.sampled_from([0.5, 3.0, 20.0, 400.0]),
    shape=st.sampled_from([always, office]),
    seed=st.integers(0, 10_000),
)
def test_an_ordinary_week_has_no_incident_at_any_hour(hour, rate, shape, seed):
    until = MONDAY_NOON + timedelta(hours=hour)
    assert find_collapse(series(until, rate=rate, shape=shape, seed=seed)) is None


@settings(max_examples=40, deadline=None)
@given(
    weekly=st.floats(0.85, 1.2),
    rate=st.sampled_from([20.0, 300.0]),
    shape=st.sampled_from([always, office]),
    hour=st.integers(0, 167),
    seed=st.integers(0, 10_000),
)
def test_a_slow_decline_or_growth_is_no_incident(weekly, rate, shape, hour, seed):
    until = MONDAY_NOON + timedelta(hours=hour)
    assert find_collapse(series(until, rate=rate, shape=shape, weekly=weekly, seed=seed)) is None


@settings(max_examples=40, deadline=None)
@given(
    share=st.floats(0, 0.1),
    hours=st.integers(14, 240),
    rate=st.sampled_from([20.0, 300.0]),
    seed=st.integers(0, 10_000),
)
def test_every_collapse_is_found_within_hours_and_dated_to_the_day(share, hours, rate, seed):
    found = find_collapse(series(rate=rate, share=share, since=ago(hours), seed=seed))
    assert found is not None
    assert abs(found.since - ago(hours)) <= timedelta(hours=3)


# --- The way back --------------------------------------------------------------------------------


def test_it_is_back_when_most_of_the_usual_arrives_again():
    since = ago(60)
    stopped = series(share=0, since=since)
    assert not is_back(stopped, since)
    trickle = Volume([*stopped.counts[:-4], 40, 40, 40, 40], MONDAY_NOON)
    assert not is_back(trickle, since)
    resumed = Volume([*stopped.counts[:-2], 90, 80], MONDAY_NOON)
    assert is_back(resumed, since)


def test_what_was_before_it_came_back_is_no_news():
    """Two good hours after a long silence: windows that reach into the silence would find it again."""
    resumed = Volume([*series(rate=6, share=0, since=ago(60)).counts[:-3], 6, 5, 8], MONDAY_NOON)
    assert is_back(resumed, ago(60))
    assert find_collapse(resumed) is not None
    assert find_collapse(resumed, after=ago(3)) is None
    again = series(rate=300, share=0, since=ago(4))
    assert find_collapse(again, after=ago(8)).since == ago(4)
    assert find_collapse(again, after=ago(2)) is None


def test_it_is_not_back_because_the_weeks_forget():
    """After an outage of three weeks the expectation is still that from before it."""
    since = ago(21 * 24)
    volume = series(share=0, since=since)
    long = Volume([*series(until=ago(42 * 24)).counts, *volume.counts], MONDAY_NOON)
    assert not is_back(long, since)
    assert is_back(Volume([*long.counts[:-2], 95, 99], MONDAY_NOON), since)


def test_it_is_not_back_while_nothing_is_expected():
    until = datetime(2026, 6, 14, 12, tzinfo=UTC)
    since = datetime(2026, 6, 12, 10, tzinfo=UTC)
    assert not is_back(series(until, shape=office, share=0, since=since), since)


def test_a_small_feed_is_back_by_a_longer_window():
    since = ago(100)
    stopped = series(rate=1.0, share=0, since=since, seed=1)
    resumed = Volume([*stopped.counts[:-12], *[1] * 12], MONDAY_NOON)
    assert not is_back(stopped, since)
    assert is_back(resumed, since)


def test_missing_events_are_counted_by_the_weeks_before():
    assert abs(missing_events(series(share=0, since=ago(10)), ago(10)) - 1000) < 100
    assert missing_events(series(), ago(10)) < 100
    assert missing_events(Volume([5] * 10, MONDAY_NOON), ago(5)) == 0


def test_places_and_hours_are_each_other():
    volume = Volume([0] * 48, MONDAY_NOON)
    assert volume.place(ago(1)) == 47
    assert volume.place(MONDAY_NOON - timedelta(minutes=30)) == 47
    assert volume.hour(47) == ago(1)
    assert volume.place(ago(48)) == 0
    assert volume.place(ago(100)) == 0
