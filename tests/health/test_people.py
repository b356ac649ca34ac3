"""The people inside an account: bands by role, what is missing, what rests on one person, who could follow."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health.people import (
    KEY_ROLES,
    ROLE_WORDS,
    Person,
    group_health,
    persona_health,
    role_health,
    roles_missing,
    single_thread,
    successors,
)

AS_OF = date(2026, 6, 16)


def ago(days):
    return AS_OF - timedelta(days=days)


def person(name="Ada", role="champion", *, seen=None, met=None, **facts):
    return Person(
        contact_id=hash(name) % 1000,
        name=name,
        role=role,
        last_seen_on=None if seen is None else ago(seen),
        last_contact_on=None if met is None else ago(met),
        **facts,
    )


@pytest.mark.parametrize(
    ("people", "band", "words"),
    [
        ([], "unknown", "Nobody holds this role"),
        ([person()], "unknown", "Neither use nor contact is known"),
        ([person(seen=30)], "green", "Active in 30 days"),
        ([person(met=2)], "green", "Active in 30 days"),
        ([person(seen=31)], "red", "Quiet for more than 30 days"),
        ([person(seen=1), person("Bea")], "green", "1 of 2 active in 30 days"),
        ([person(seen=1), person("Bea", seen=40), person("Cy")], "yellow", "1 of 3 active in 30 days"),
        ([person(seen=50), person("Bea", met=31)], "red", "None of 2 active in 30 days"),
        ([person(seen=1, nps=6)], "yellow", "Active in 30 days, Ada is unhappy (NPS 6)"),
        ([person(seen=1, nps=9, csat=2)], "yellow", "Active in 30 days, Ada is unhappy (NPS 9 · CSAT 2)"),
        ([person(seen=1, nps=7, csat=3)], "green", "Active in 30 days"),
        (
            [person(seen=1, active_days=2, active_days_before=5)],
            "yellow", "Active in 30 days, days of use 2 after 5",
        ),
        (
            [person(seen=1, active_days=3, active_days_before=5)],
            "green", "Active in 30 days, days of use 3 after 5",
        ),
        ([person(seen=1, active_days=1, active_days_before=3)], "green", "Active in 30 days"),
        ([person(met=60, csat=1)], "red", "Quiet for more than 30 days, Ada is unhappy (CSAT 1)"),
    ],
)  # fmt: skip
def test_the_band_of_a_group_and_its_words(people, band, words):
    health = group_health("Champion", tuple(people), AS_OF)
    assert (health.band, health.words) == (band, words)


@pytest.mark.parametrize(
    ("one", "band"),
    [
        (person(), "unknown"),
        (person(seen=31, nps=9), "red"),
        (person(seen=1), "green"),
        (person(seen=1, csat=2), "yellow"),
        (person(seen=1, active_days=1, active_days_before=10), "yellow"),
    ],
)
def test_the_band_of_a_person(one, band):
    assert one.band(AS_OF) == band


def test_roles_are_shown_held_or_not_and_personas_where_there_are_any():
    people = [person(seen=1), person("Bea", "other", seen=1, persona="Planner"), person("Cy", "end_user")]
    assert [(health.label, health.is_held) for health in role_health(people, AS_OF)] == [
        ("Champion", True), ("Economic buyer", False), ("Admin", False), ("End users", True), ("Others", True),
    ]  # fmt: skip
    assert [health.label for health in role_health([], AS_OF)] == [ROLE_WORDS[role] for role in KEY_ROLES]
    assert [(health.label, health.band) for health in persona_health(people, AS_OF)] == [("Planner", "green")]
    assert roles_missing(people) == ["Economic buyer", "Admin"]


# --- One person ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("people", "is_single", "words"),
    [
        ([], None, "No contact with anybody known here, and no use by them, in 90 days."),
        ([person(met=91)], None, "No contact with anybody known here, and no use by them, in 90 days."),
        ([person(met=90)], True, "All contact of the last 90 days was with Ada."),
        (
            [person(met=5, uses=60), person("Bea", "admin", seen=1, uses=40)],
            True, "All contact of the last 90 days was with Ada and 60 % of the use is theirs.",
        ),
        (
            [person(met=5, uses=40), person("Bea", "admin", seen=1, uses=60)],
            False, "Contact was with Ada only, but most of the use is by others.",
        ),
        (
            [person(met=5, uses=60), person("Bea", "admin", met=70)],
            False, "2 people were in contact with us in 90 days.",
        ),
        ([person("Bea", "end_user", seen=1, uses=5)], False, "Nobody was in contact with us in 90 days."),
        (
            [person(met=40), person("Bea", "end_user", seen=1, met=3, uses=5)],
            True, "Ada went quiet, and no other senior contact was active in 30 days.",
        ),
        (
            [person(met=40), person("Bea", "economic_buyer", seen=1, met=60, uses=5)],
            False, "2 people were in contact with us in 90 days.",
        ),
    ],
)  # fmt: skip
def test_single_thread(people, is_single, words):
    thread = single_thread(people, AS_OF)
    assert (thread.is_single, thread.words) == (is_single, words)
    assert (thread.person is not None) == (is_single is True)


def test_successors_are_the_active_and_content_when_the_champion_is_quiet():
    people = [
        person(seen=45),
        person("Bea", "end_user", seen=1, active_days=20),
        person("Cy", "end_user", seen=1, active_days=25),
        person("Dan", "admin", seen=20, active_days=1),
        person("Eve", "end_user", seen=1, active_days=28, nps=2),
        person("Flo", "end_user", seen=60),
        person("Gil", "end_user", seen=1, active_days=3),
    ]
    assert [each.name for each in successors(people, AS_OF)] == ["Dan", "Cy", "Bea"]
    assert successors([person(met=3), *people[1:]], AS_OF) == []
    assert [each.name for each in successors(people[1:3], AS_OF)] == ["Cy", "Bea"]


facts = st.builds(
    person,
    name=st.sampled_from(["Ada", "Bea", "Cy", "Dan"]),
    role=st.sampled_from(list(ROLE_WORDS)),
    seen=st.none() | st.integers(1, 120),
    met=st.none() | st.integers(1, 120),
    uses=st.integers(0, 50),
    nps=st.none() | st.integers(0, 10),
)


@given(st.lists(facts, max_size=6))
def test_another_active_senior_never_makes_it_worse(people):
    more = [*people, person("New", "admin", seen=1, met=1)]
    if single_thread(people, AS_OF).is_single is False:
        assert single_thread(more, AS_OF).is_single is False
    worst = {"red": 0, "yellow": 1, "green": 2, "unknown": 3}
    for health in role_health(more, AS_OF):
        assert health.band in worst
        assert health.band != "green" or any(each.is_active(AS_OF) for each in health.people)
