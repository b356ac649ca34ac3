"""Every address of the API × every scope × every access level × who may see the account: the exact answer."""

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import URLResolver
from django.utils import timezone

from accounts.models import Account, AccountTeamMember
from cs_platform.api import v1
from health.models import Incident
from health.services import score_accounts
from health.services.alert_rules import create_rule
from health.services.incidents import check_feeds
from team.enums import AccessLevel
from team.scopes import SCOPES
from tests.api.conftest import ApiClient, make_key
from tests.api.test_facts import BODIES
from tests.factories import ProductFactory, TeamFactory, UserFactory
from tests.health.cards import make_scorecard
from tests.health.feed_rows import send

pytestmark = pytest.mark.django_db

# From those who may least to those who may most.
LEVELS = [AccessLevel.VIEWER, AccessLevel.CONTRIBUTOR, AccessLevel.EDITOR, AccessLevel.ADMIN]
FROM_CONTRIBUTOR = {"level": AccessLevel.CONTRIBUTOR}
FROM_EDITOR = {"level": AccessLevel.EDITOR}


@dataclass(frozen=True)
class Route:
    """What one address with one method answers whom. A new address needs a line in ROUTES.

    `scope`: what a key needs; None: any key; "open": no key at all. `status`: for whoever may. `level`: the
    least access level that may. `hidden`: for somebody who may not see the account; None: it is about no
    account. `rows`: how many rows of that account a list has.
    """

    scope: str | None
    status: int
    level: AccessLevel = AccessLevel.VIEWER
    body: dict | None = None
    hidden: int | None = None
    rows: int | None = None


def writable(path, scope, *, body, change, is_account=False):
    """Return the eight addresses of a resource that other systems write."""
    read, write = f"{scope}:read", f"{scope}:write"
    row = {"system": "crm", "external_id": "known", "fields": change}
    return {
        f"GET {path}": Route(read, 200, rows=1, hidden=200),
        f"POST {path}": Route(write, 201, body=body, hidden=201 if is_account else 400, **FROM_CONTRIBUTOR),
        f"POST {path}/batch/upsert": Route(write, 200, body={"inputs": [row]}, hidden=207, **FROM_CONTRIBUTOR),
        f"GET {path}/by-external/{{system}}/{{external_id}}": Route(read, 200, hidden=404),
        f"PUT {path}/by-external/{{system}}/{{external_id}}": Route(
            write, 200, body=change, hidden=404, **FROM_CONTRIBUTOR
        ),
        f"GET {path}/{{pk}}": Route(read, 200, hidden=404),
        f"PATCH {path}/{{pk}}": Route(write, 200, body=change, hidden=404, **FROM_CONTRIBUTOR),
        f"DELETE {path}/{{pk}}": Route(write, 204, hidden=404, **FROM_CONTRIBUTOR),
    }


def readable(path, scope, **more):
    return {f"GET {path}": Route(scope, 200, **more), f"GET {path}/{{pk}}": Route(scope, 200, **more)}


ALERT_RULE = {"name": "New", "kind": "risk", "enter": {"field": "name", "op": "is", "value": "Nobody"}}
OF_ACCOUNT = {"account": "{account}"}
OVERRIDE = OF_ACCOUNT | {
    "scorecard": "{scorecard}",
    "score": "80",
    "reason": "They signed.",
    "expires_at": (timezone.now() + timedelta(days=9)).isoformat(),
}
INCIDENT = {
    "kind": "tickets",
    "feed": "crm",
    "collapsed_since": (timezone.now() - timedelta(days=2)).isoformat(),
    "reason": "Broken",
}
BACKTEST = {"versions": ["{version}"], "dates": ["2026-01-01"]}
ROUTES = {
    "GET ": Route(None, 200),
    "GET whoami": Route(None, 200),
    "GET schema": Route("open", 200),
    "GET schema.yaml": Route("open", 200),
    **readable("users", "users:read"),
    **readable("products", "users:read"),
    **writable("accounts", "accounts", body={"name": "New"}, change={"name": "Other"}, is_account=True),
    **writable("contacts", "contacts", body={"name": "New", "memberships": [OF_ACCOUNT]}, change={"name": "Other"}),
    **writable("subscriptions", "subscriptions", body=BODIES["subscriptions"] | OF_ACCOUNT, change={"plan": "Other"}),
    **writable("activities", "activities", body=BODIES["activities"] | OF_ACCOUNT, change={"subject": "Other"}),
    **writable("tickets", "tickets", body=BODIES["tickets"] | OF_ACCOUNT, change={"subject": "Other"}),
    **writable(
        "survey-responses", "surveys", body=BODIES["survey-responses"] | OF_ACCOUNT, change={"comment": "Other"}
    ),
    "GET score-overrides": Route("scores:read", 200, rows=1, hidden=200),
    "GET score-overrides/{pk}": Route("scores:read", 200, hidden=404),
    "POST score-overrides": Route("scores:write", 201, body=OVERRIDE, hidden=400, **FROM_CONTRIBUTOR),
    "DELETE score-overrides/{pk}": Route("scores:write", 204, hidden=404, **FROM_CONTRIBUTOR),
    "GET alerts": Route("alerts:read", 200, rows=1, hidden=200),
    "GET alerts/{pk}": Route("alerts:read", 200, hidden=404),
    "PATCH alerts/{pk}": Route(
        "alerts:write", 200, body={"state": "acknowledged"}, hidden=404, level=AccessLevel.CONTRIBUTOR
    ),
    **readable("scorecards", "scores:read"),
    **readable("scorecard-versions", "scores:read"),
    "PATCH scorecards/{pk}": Route("configuration:write", 200, body={"name": "New"}, **FROM_EDITOR),
    # Refused: there is no version 9, and the draft changes nothing.
    "POST scorecards/{pk}/roll-back": Route("configuration:write", 400, body={"version": 9}, **FROM_EDITOR),
    **readable("scorecard-drafts", "configuration:read", **FROM_EDITOR),
    "POST scorecard-drafts": Route("configuration:write", 201, body={"name": "New", "kind": "health"}, **FROM_EDITOR),
    "GET scorecard-drafts/{pk}/preview": Route("configuration:read", 200, **FROM_EDITOR),
    "POST scorecard-drafts/{pk}/publish": Route("configuration:write", 400, body={"reason": "New"}, **FROM_EDITOR),
    "PATCH scorecard-drafts/{pk}": Route("configuration:write", 200, body={"name": "New"}, **FROM_EDITOR),
    "DELETE scorecard-drafts/{pk}": Route("configuration:write", 204, **FROM_EDITOR),
    **readable("alert-rules", "alerts:read"),
    "POST alert-rules": Route("configuration:write", 201, body=ALERT_RULE, **FROM_EDITOR),
    "PATCH alert-rules/{pk}": Route("configuration:write", 200, body={"guidance": "Call"}, **FROM_EDITOR),
    "DELETE alert-rules/{pk}": Route("configuration:write", 204, **FROM_EDITOR),
    **readable("incidents", "scores:read"),
    "POST incidents": Route("configuration:write", 201, body=INCIDENT, **FROM_EDITOR),
    "PATCH incidents/{pk}": Route("configuration:write", 200, body={"closing_reason": "Off on purpose"}, **FROM_EDITOR),
    **readable("backtests", "scores:read"),
    "POST backtests": Route("configuration:write", 201, body=BACKTEST, **FROM_EDITOR),
    "PATCH backtests/{pk}": Route("configuration:write", 200, body={"state": "cancelled"}, **FROM_EDITOR),
    "DELETE backtests/{pk}": Route("configuration:write", 204, **FROM_EDITOR),
    "GET health-scores": Route("scores:read", 200, rows=1, hidden=200),
    "GET health-scores/{pk}": Route("scores:read", 200, hidden=404),
    "GET accounts/{pk}/score-history": Route("scores:read", 200, rows=1, hidden=404),
    "GET accounts/{pk}/receipt": Route("scores:read", 200, hidden=404),
    "GET accounts/{pk}/score-change": Route("scores:read", 400, hidden=400),
}


class World:
    """One account of a team, with one row of every kind, called crm/known by another system."""

    def __init__(self) -> None:
        self.team = TeamFactory()
        self.key = make_key()
        api, known = ApiClient(self.key), "by-external/crm/known"
        self.keys = {"accounts": api.call("PUT", f"/accounts/{known}", {"team": str(self.team.pk)}).json()["id"]}
        self.account = Account.objects.get()
        for name, route in ROUTES.items():
            method, _, path = name.partition(" ")
            is_written = f"PUT {path}/by-external/{{system}}/{{external_id}}" in ROUTES
            if method == "POST" and is_written and path != "accounts":
                self.keys[path] = api.call("PUT", f"/{path}/{known}", self.filled(route.body)).json()["id"]
        card = make_scorecard()
        self.keys |= {"scorecards": str(card.pk), "scorecard-versions": str(card.version_id)}
        self.keys["backtests"] = api.call("POST", "/backtests", self.filled(BACKTEST)).json()["id"]
        self.keys["scorecard-drafts"] = api.call("POST", "/scorecard-drafts", {"scorecard": str(card.pk)}).json()["id"]
        score_accounts(scorecard=card, now=timezone.now())
        self.keys["score-overrides"] = api.call("POST", "/score-overrides", self.filled(OVERRIDE)).json()["id"]
        self.keys["health-scores"] = api.read("/health-scores").json()["data"][0]["id"]
        rule = create_rule(
            fields={**ALERT_RULE, "name": "Known", "enter": {"field": "name", "op": "known"}},
            now=timezone.now(),
            raise_standing=True,
        )
        self.keys["alert-rules"], self.keys["alerts"] = str(rule.pk), str(rule.alerts.get().pk)
        send(("tickets", "crm"))
        send(("surveys", "crm"), last_hour_ago=9)
        check_feeds(now=timezone.now())
        self.keys["incidents"] = str(Incident.objects.get().pk)
        self.keys["users"], self.keys["products"] = str(UserFactory().pk), str(ProductFactory().pk)

    def filled(self, body):
        """Return a body with the account's id in its place."""
        if isinstance(body, dict):
            return {name: self.filled(value) for name, value in body.items()}
        if isinstance(body, list):
            return [self.filled(value) for value in body]
        words = {"{account}": "accounts", "{scorecard}": "scorecards", "{version}": "scorecard-versions"}
        return self.keys[words[body]] if body in words else body

    def ask(self, client, name):
        """Return the status, with lists the number of rows too; what was written is undone."""
        method, _, path = name.partition(" ")
        key = self.keys.get(path.partition("/")[0], "")
        path = path.format(pk=key, system="crm", external_id="known")
        with transaction.atomic():
            response = client.call(method, f"/{path}", self.filled(ROUTES[name].body))
            transaction.set_rollback(True)
        rows = ROUTES[name].rows
        return response.status_code if rows is None or response.status_code != 200 else len(response.json()["data"])

    def answers(self, client):
        return {name: self.ask(client, name) for name in ROUTES}


def expected(name, *, level, is_visible):
    route = ROUTES[name]
    if LEVELS.index(level) < LEVELS.index(route.level):
        return 403
    status = route.status if is_visible or route.hidden is None else route.hidden
    return route.rows * is_visible if status == 200 and route.rows is not None else status


def routes_of(patterns, prefix=""):
    """Yield "METHOD path" of everything a list of URL patterns leads to."""
    for pattern in patterns:
        path = prefix + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from routes_of(pattern.url_patterns, path)
        else:
            actions = getattr(pattern.callback, "actions", None) or {"get": ""}
            yield from (f"{method.upper()} {path}" for method in actions if method != "head")


def test_every_address_has_its_line_here():
    assert sorted(routes_of(v1)) == sorted(ROUTES)


def test_strangers_get_only_the_description(world):
    assert world.answers(ApiClient()) == {
        name: route.status if route.scope == "open" else 401 for name, route in ROUTES.items()
    }


def test_a_key_does_what_its_scope_says_and_nothing_else(world):
    for scope in SCOPES:
        allowed = {None, "open", scope}
        assert world.answers(ApiClient(make_key(scope))) == {
            name: expected(name, level=AccessLevel.ADMIN, is_visible=True) if route.scope in allowed else 403
            for name, route in ROUTES.items()
        }, scope


def relate(world, relation, user):
    match relation:
        case "team":
            user.teams.add(world.team)
        case "csm":
            Account.objects.update(csm=user)
        case "account team":
            AccountTeamMember.objects.create(account=world.account, user=user, since=timezone.now())


@pytest.mark.parametrize(
    ("relation", "levels"),
    [
        ("stranger", LEVELS),
        ("team", LEVELS[:2]),
        ("csm", LEVELS[:2]),
        ("account team", LEVELS[:2]),
    ],
)
def test_a_person_sees_and_does_what_level_and_relation_allow(world, person, relation, levels):
    for level in levels:
        client = person(access_level=level)
        relate(world, relation, client.user)
        is_visible = relation != "stranger" or level in {AccessLevel.EDITOR, AccessLevel.ADMIN}
        assert world.answers(client) == {name: expected(name, level=level, is_visible=is_visible) for name in ROUTES}, (
            level
        )
