"""The People tab: each person's use, contact and opinion, roles, and what rests on one person."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.services import join_account, pin_persona, record_activity, record_survey_response
from health.people_report import people_report
from tests.factories import AccountFactory, ContactFactory, PersonaFactory, UserFactory
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db


def ago(days):
    return timezone.now() - timedelta(days=days)


@pytest.fixture
def account():
    """An account whose champion went quiet, with a busy planner and an unhappy admin."""
    account = AccountFactory(name="Northwind")
    for name, role in (("Priya Nair", "champion"), ("Luis Romero", "end_user"), ("Ken Abe", "admin")):
        contact = ContactFactory(name=name)
        join_account(contact=contact, account=account, role=role, occurred_at=ago(300), now=ago(300))
    priya, luis, ken = (membership.contact for membership in account.memberships.order_by("id"))
    for back in range(1, 11):
        use(account, ago(back).date(), 3, contact=luis)
        use(account, ago(back + 29).date(), 1, contact=luis)
    use(account, ago(60).date(), contact=priya)
    record_activity(account=account, kind="call", contacts=[luis], occurred_at=ago(3), now=ago(3))
    record_activity(account=account, kind="note", contacts=[priya], occurred_at=ago(2), now=ago(2))
    record_survey_response(account=account, kind="nps", score=9, contact=luis, occurred_at=ago(9), now=ago(9))
    record_survey_response(account=account, kind="csat", score=1, contact=ken, occurred_at=ago(200), now=ago(200))
    pin_persona(contact=luis, persona=PersonaFactory(name="Planner"), now=ago(100))
    return account


def text(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_the_report_says_how_each_person_and_role_is_doing(account, django_assert_num_queries):
    with django_assert_num_queries(5):
        report = people_report(account, now=timezone.now())
    found = {row.person.name: row for row in report.rows}
    luis = found["Luis Romero"]
    assert (luis.band, luis.use_words, luis.person.uses) == ("green", "10 days, 10 before", 40)
    assert (luis.person.last_seen_on, luis.person.last_contact_on) == (ago(1).date(), ago(3).date())
    assert (luis.person.opinion, luis.person.persona) == ("NPS 9", "Planner")
    assert (found["Priya Nair"].band, found["Priya Nair"].person.last_contact_on) == ("red", None)
    assert (found["Ken Abe"].band, found["Ken Abe"].person.opinion) == ("unknown", "")
    assert [(role.label, role.band) for role in report.roles] == [
        ("Champion", "red"), ("Economic buyer", "unknown"), ("Admin", "unknown"), ("End users", "green"),
    ]  # fmt: skip
    assert [(persona.label, persona.band) for persona in report.personas] == [("Planner", "green")]
    assert report.missing == ["Economic buyer"]
    assert (report.thread.is_single, report.thread.person.name) == (True, "Luis Romero")
    assert [person.name for person in report.successors] == ["Luis Romero"]


def test_the_tab_shows_it(client, account):
    client.force_login(UserFactory())
    page = text(client.get(reverse("account_people", args=[account.pk])))
    assert (
        "This account rests on one person. All contact of the last 90 days was with Luis Romero and 98 % of the use is"
        " theirs. Who could follow: Luis Romero." in page
    )
    assert "Nobody yet: economic buyer" in page
    assert "Champion Quiet for more than 30 days" in page
    assert "Persona: Planner Active in 30 days" in page
    assert "Priya Nair went quiet: who could be the next champion Luis Romero (10 active days)" in page
    assert "10 days, 10 before" in page


def test_the_tab_of_an_account_without_people(client):
    client.force_login(UserFactory())
    page = text(client.get(reverse("account_people", args=[AccountFactory().pk])))
    assert "Nobody known yet" in page
    assert "Nobody yet: champion, economic buyer, admin, end users" in page
