"""The accounts list: who sees what, search, filter, segments, sort, pages, export."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.urls import reverse

from accounts.models import Account, Segment
from cs_platform.pages.accounts import EXPORT_HEADER
from health.scorecards import Band
from team.enums import AccessLevel
from tests.conftest import NOW
from tests.factories import AccountFactory, ActivityFactory, CurrentScoreFactory, TeamFactory, UserFactory
from tests.health.cards import make_scorecard

pytestmark = pytest.mark.django_db
URL = "/accounts/"
ONBOARDING = {"all": [{"field": "stage", "op": "any_of", "value": ["onboarding"]}]}


@pytest.fixture
def user(client):
    user = UserFactory(name="Mira Kent")
    client.force_login(user)
    return user


@pytest.fixture
def version():
    return make_scorecard().version


def give_score(account, version, score, *, band=Band.GREEN, previous=None):
    return CurrentScoreFactory(
        account=account,
        scorecard=version.scorecard,
        version=version,
        score=score,
        band=band,
        previous_score=previous,
        as_of=NOW.date(),
    )


def names(response):
    return [row.account.name for row in response.context["rows"]]


def filtered(tree, **more):
    return f"{URL}?{urlencode({'filter': json.dumps(tree), **more})}"


def test_list_asks_for_sign_in(client):
    assert client.get(URL).status_code == 302
    assert client.get(reverse("account_export")).status_code == 302


def test_list_shows_what_the_user_may_see(client, user):
    team = TeamFactory()
    AccountFactory(name="theirs", team=team)
    AccountFactory(name="mine", team=team, csm=user)
    AccountFactory(name="everybody's")
    AccountFactory(name="gone", deleted_at=NOW)
    response = client.get(URL)
    assert names(response) == ["everybody's", "mine"]
    assert response.context["totals"].count == 2
    body = b"".join(client.get(reverse("account_export")).streaming_content).decode()
    assert "theirs" not in body
    assert "gone" not in body


def test_row_says_health_and_why_it_has_none(client, user, version):
    scored = AccountFactory(name="scored", tier="growth", csm=user, arr=Decimal(184000), renews_on=date(2026, 9, 1))
    AccountFactory(name="unscored")
    give_score(scored, version, Decimal("38.4"), band=Band.RED, previous=Decimal("55.4"))
    text = client.get(URL).content.decode()
    assert "Growth · Mira Kent" in text
    assert "$184k" in text
    assert "−17" in text
    assert "At risk" in text
    assert "No tier · No CSM" in text
    assert "No score" in text


def test_query_count_does_not_grow_with_rows(client, user, version, django_assert_num_queries):
    client.get(URL)
    for count in (1, 2):
        for _ in range(count):
            account = ActivityFactory(account__csm=UserFactory(), account__team=None).account
            give_score(account, version, Decimal(50), band=Band.YELLOW)
        with django_assert_num_queries(13):
            client.get(filtered({"all": [{"field": "csm", "op": "known"}]}))


@pytest.mark.parametrize(("text", "found"), [("acme", ["Acme Foods"]), ("FOODS", ["Acme Foods", "Bolt Foods"])])
def test_search_finds_names_and_domains(client, user, text, found):
    AccountFactory(name="Acme Foods")
    AccountFactory(name="Bolt Foods", domain="bolt.example")
    AccountFactory(name="Cato")
    assert names(client.get(URL, {"q": text})) == found
    assert names(client.get(URL, {"q": "bolt.ex"})) == ["Bolt Foods"]
    assert names(client.get(URL, {"q": "%"})) == []
    assert names(client.get(URL, {"q": "\x00"})) == ["Acme Foods", "Bolt Foods", "Cato"]


def test_filter_shows_chips_that_can_be_removed(client, user):
    AccountFactory(name="new", stage="onboarding", arr=10)
    AccountFactory(name="small", stage="onboarding", arr=1)
    AccountFactory(name="old", stage="mature")
    tree = {"all": [*ONBOARDING["all"], {"field": "arr", "op": "gt", "value": 5}]}
    response = client.get(filtered(tree, sort="arr"))
    assert names(response) == ["new"]
    assert [text for text, _ in response.context["chips"]] == [
        "Lifecycle stage is Onboarding",
        "ARR is more than 5",
    ]
    without = response.context["chips"][1][1]
    assert parse_qs(urlsplit(without).query)["sort"] == ["arr"]
    assert names(client.get(without)) == ["small", "new"]
    assert client.get(response.context["chips"][0][1]).context["listed"].tree["all"] == tree["all"][1:]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ('{"all":[{"field":"attribute.gone","op":"known"}]}', "There is no account attribute &#x27;gone&#x27;"),
        ("[" * 5000, "not valid JSON"),
        ("x" * 9000, "too long"),
    ],
)
def test_a_filter_that_cannot_be_used_says_why_and_lists_nothing(client, user, text, message):
    AccountFactory(name="secret")
    response = client.get(URL, {"filter": text})
    assert (response.status_code, names(response)) == (200, [])
    assert message in response.content.decode()


def test_editor_adds_a_row_and_applies(client, user):
    AccountFactory(name="new", stage="onboarding")
    AccountFactory(name="old", stage="mature")
    changed = client.get(URL, {"c-match": "all", "edit": "add:c"})
    assert changed.context["is_editing"] is True
    assert '<details class="filter-panel" open>' in changed.content.decode()
    fragment = client.get(URL, {"c-match": "all", "edit": "add:c"}, headers={"HX-Request": "true"})
    assert fragment.content.decode().strip().startswith("<condition-editor")
    sent = {"q": "n", "c-match": "all", "c-0-field": "stage", "c-0-op": "any_of", "c-0-value": ["onboarding"]}
    response = client.get(URL, sent)
    assert response.status_code == 302
    query = parse_qs(urlsplit(response["Location"]).query)
    assert (query["q"], json.loads(query["filter"][0])) == (["n"], ONBOARDING)
    assert names(client.get(response["Location"])) == ["new"]


def test_editor_keeps_what_cannot_be_applied(client, user):
    response = client.get(URL, {"c-match": "all", "c-0-field": "arr", "c-0-op": "gt", "c-0-value": "lots"})
    text = response.content.decode()
    assert "ARR gt wants a number, not &#x27;lots&#x27;." in text
    assert 'value="lots"' in text


def test_segment_is_a_tab_and_its_filter_can_be_changed_and_saved(client, user):
    segment = Segment.objects.create(name="New ones", condition=ONBOARDING, owner=user)
    Segment.objects.create(name="Somebody's own", condition=ONBOARDING, owner=UserFactory(), is_shared=False)
    AccountFactory(name="new", stage="onboarding")
    AccountFactory(name="old", stage="mature")
    response = client.get(URL, {"segment": segment.pk})
    assert names(response) == ["new"]
    assert [(tab.label, tab.is_current) for tab in response.context["listed"].tabs()] == [
        ("All accounts", False),
        ("My accounts", False),
        ("New ones", True),
    ]
    changed = client.get(
        filtered({"all": [{"field": "stage", "op": "any_of", "value": ["mature"]}]}, segment=segment.pk)
    )
    assert (names(changed), changed.context["listed"].is_dirty) == (["old"], True)
    assert reverse("segment_filter", args=[segment.pk]) in changed.content.decode()


def test_my_accounts_is_a_tab(client, user):
    AccountFactory(name="mine", csm=user)
    AccountFactory(name="other")
    tab = client.get(URL).context["listed"].tabs()[1]
    response = client.get(tab.url)
    assert names(response) == ["mine"]
    assert response.context["listed"].tabs()[1].is_current


def test_sort_by_each_column_keeps_unknown_last(client, user, version):
    for name, arr, days, score in [("a", 5, 3, None), ("b", None, None, Decimal(80)), ("c", 9, 1, Decimal(20))]:
        account = AccountFactory(name=name, arr=arr, renews_on=days and date(2026, 7, days))
        if days:
            ActivityFactory(account=account, occurred_at=NOW - timedelta(days=days))
        if score is not None:
            give_score(account, version, score)
    assert {sort: "".join(names(client.get(URL, {"sort": sort}))) for sort in
            ["name", "-name", "arr", "-arr", "renews", "-renews", "score", "-score", "activity", "-activity", "x"]} == {
        "name": "abc", "-name": "cba", "arr": "acb", "-arr": "cab", "renews": "cab", "-renews": "acb",
        "score": "cba", "-score": "bca", "activity": "acb", "-activity": "cab", "x": "abc",
    }  # fmt: skip
    assert 'aria-sort="descending"' in client.get(URL, {"sort": "-arr"}).content.decode()


@pytest.mark.parametrize("sort", ["name", "-name", "-arr", "arr"])
def test_pages_go_both_ways_without_gaps(client, user, sort, monkeypatch):
    monkeypatch.setattr("cs_platform.pages.accounts.PAGE_SIZE", 3)
    for n in range(8):
        AccountFactory(name=f"same {n // 3}", arr=None if n > 5 else n // 2)
    there, url, pages = [], f"{URL}?sort={sort}", []
    while url:
        page = client.get(url).context["page"]
        pages.append([row.pk for row in page.rows])
        there += pages[-1]
        url = f"{URL}?sort={sort}&after={page.after}" if page.after else ""
    assert [len(page) for page in pages] == [3, 3, 2]
    assert sorted(there) == sorted(Account.objects.values_list("pk", flat=True))
    back = [pages[-1]]
    while page.before:
        page = client.get(f"{URL}?sort={sort}&before={page.before}").context["page"]
        back.append([row.pk for row in page.rows])
    assert back[::-1] == pages
    assert page.after


@pytest.mark.parametrize(
    "cursor", ["x", "bnVsbA", "W251bGwsIDFd", "WyJhIiwgInoiXQ", "WzEsIDk5OTk5OTk5OTk5OTk5OTk5OTk5OTld"]
)
def test_a_cursor_that_makes_no_sense_starts_at_the_first_page(client, user, cursor):
    AccountFactory(name="one")
    assert names(client.get(URL, {"after": cursor})) == ["one"]
    assert names(client.get(URL, {"before": cursor})) == ["one"]


def test_totals_are_of_the_whole_filtered_set(client, user, monkeypatch):
    monkeypatch.setattr("cs_platform.pages.accounts.PAGE_SIZE", 1)
    for arr in (100, 50, None):
        AccountFactory(stage="onboarding", arr=arr)
    AccountFactory(stage="mature", arr=7)
    totals = client.get(filtered(ONBOARDING)).context["totals"]
    assert (totals.count, totals.arr, totals.unknown_count) == (3, 150, 1)


def test_export_is_the_current_view_and_safe_to_open(client, user, version, monkeypatch):
    monkeypatch.setattr("cs_platform.pages.accounts.EXPORT_CHUNK", 2)
    evil = AccountFactory(name='=HYPERLINK("x")', stage="onboarding", arr=3, domain="evil.example", tier="starter")
    AccountFactory(name="plain, with comma", stage="onboarding", arr=Decimal("9.5"), renews_on=date(2026, 7, 1))
    AccountFactory(name="last", stage="onboarding")
    AccountFactory(name="other", stage="mature")
    give_score(evil, version, Decimal("38.25"), band=Band.RED, previous=Decimal(40))
    ActivityFactory(account=evil, occurred_at=datetime(2026, 5, 1, 8, tzinfo=UTC))
    query = urlencode({"filter": json.dumps(ONBOARDING), "sort": "-arr"})
    response = client.get(f"{reverse('account_export')}?{query}")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="accounts-')
    header, *lines = b"".join(response.streaming_content).decode().splitlines()
    assert header == "\ufeff" + ",".join(EXPORT_HEADER)
    assert lines == [
        '"plain, with comma",,,,,Onboarding,,No score,,9.50,2026-07-01,,',
        '"\'=HYPERLINK(""x"")",evil.example,Starter,,,Onboarding,38.25,At risk,-1.75,3.00,,,2026-05-01T08:00:00+00:00',
        "last,,,,,Onboarding,,No score,,,,,",
    ]


def test_empty_states(client, user):
    assert "No accounts yet" in client.get(URL).content.decode()
    AccountFactory()
    assert "Nothing matches" in client.get(URL, {"q": "zzz"}).content.decode()


def test_viewers_cannot_write(client):
    client.force_login(UserFactory(access_level=AccessLevel.VIEWER))
    AccountFactory(stage="onboarding")
    text = client.get(filtered(ONBOARDING)).content.decode()
    assert reverse("account_new") not in text
    assert reverse("segment_new") not in text
