"""Imports end to end: files in, rows in the database and a report out."""

import csv
import json
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import connection

from accounts.models import (
    Account,
    AccountEvent,
    Activity,
    AttributeDefinition,
    AttributeValue,
    Contact,
    ExternalId,
    Membership,
    Subscription,
    SubscriptionChange,
    SurveyResponse,
    Ticket,
    TicketChange,
)
from health.models import EventType, UsageDay, UsageEvent
from integrations.imports import applying, services
from integrations.imports.errors import ImportFailed
from integrations.imports.mapping import parse_mapping
from integrations.imports.services import plan_import, run_import
from integrations.models import ImportedRecord, ImportRun
from team.models import Team, User

pytestmark = pytest.mark.django_db

SHOP = """
system: shop
backfill: true
sections:
  orders:
    files: "*.csv"
    clean: {customer: drop_decimals}
    skip:
      - when: {customer: {empty: true}}
        reason: no customer
    accounts:
      group_by: customer
      name: {template: "Customer {customer}"}
      attributes:
        country: {last: country}
    events:
      group_by: invoice
      name: {constant: Order placed}
      account: customer
      at: at
      value: {sum: {product: [quantity, price]}}
      properties:
        lines: {count: true}
"""
LINES = """invoice,customer,country,at,quantity,price
A1,17.0,France,2024-01-05 10:00,2,1.50
A2,18,Spain,2024-01-05 11:00,1,7
A1,17.0,Italy,2024-01-05 10:01,1,0.25
A1,17.0,Italy,2024-01-05 10:01,1,0.25
A3,,Spain,2024-01-06 09:00,1,3
"""
CRM = """
system: crm
sections:
  accounts:
    files: accounts*.csv
    accounts: {id: id, name: name, parent: parent}
"""


@pytest.fixture
def load(tmp_path):
    """Return a function that imports contents by file name."""

    def load_files(mapping, files, *, errors_path=None, is_dry_run=False):
        paths = []
        for name, content in files.items():
            path = tmp_path / name
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            paths.append(path)
        parsed = parse_mapping(mapping, name="test")
        return run_import(parsed, plan_import(parsed, paths), errors_path=errors_path, is_dry_run=is_dry_run)

    return load_files


def results(report):
    """Return {target: counts} of a report's rules, those above zero."""
    return {
        outcome.target: {
            name: count
            for name in ("new", "changed", "unchanged", "repeated", "failed")
            if (count := getattr(outcome, name))
        }
        for section in report.sections
        for outcome in section.outcomes
    }


def everything():
    """Return what an import may have written, to compare before and after."""
    return {
        model.__name__: sorted(map(str, model.objects.values_list()))
        for model in (Account, AccountEvent, AttributeDefinition, AttributeValue, ExternalId, ImportedRecord, ImportRun)
    } | {"usage": sorted(UsageDay.objects.values_list("account_id", "day", "count", "value"))}


def test_groups_become_one_event_with_sum_and_time_of_the_first_line(load):
    report = load(SHOP, {"lines.csv": LINES})
    assert results(report) == {"accounts": {"new": 2}, "events": {"new": 2}}
    assert report.sections[0].rows == 5
    assert report.sections[0].skipped == {"no customer": 1}
    assert report.sections[0].outcomes[1].sums == {"Order placed": Decimal("10.50")}
    first, second = Account.objects.order_by("name")
    assert [first.name, first.attributes] == ["Customer 17", {"country": "Italy"}]
    assert list(UsageEvent.objects.order_by("occurred_at").values_list("account_id", "occurred_at", "value")) == [
        (first.pk, datetime(2024, 1, 5, 10, 0, tzinfo=UTC), 3.5),
        (second.pk, datetime(2024, 1, 5, 11, 0, tzinfo=UTC), 7.0),
    ]
    assert UsageEvent.objects.get(account_id=first.pk).properties == {"lines": 3}
    assert list(UsageDay.objects.order_by("value").values_list("day", "count", "value", "is_backfill")) == [
        (date(2024, 1, 5), 1, 3.5, True),
        (date(2024, 1, 5), 1, 7.0, True),
    ]
    assert EventType.objects.get().name == "Order placed"


def test_same_files_again_change_nothing(load):
    load(SHOP, {"lines.csv": LINES})
    before = everything()
    report = load(SHOP, {"lines.csv": LINES})
    after = everything()
    assert results(report) == {"accounts": {"unchanged": 2}, "events": {"unchanged": 2}}
    assert report.sections[0].outcomes[1].sums == {"Order placed": Decimal("10.50")}
    assert len(after.pop("ImportRun")) == 2
    before.pop("ImportRun")
    assert after == before


def test_dry_run_reports_the_same_and_changes_nothing(load):
    before = everything()
    dry = load(SHOP, {"lines.csv": LINES}, is_dry_run=True)
    assert everything() == before
    real = load(SHOP, {"lines.csv": LINES})
    assert dry.as_json() | {"seconds": 0} == real.as_json() | {"seconds": 0}
    assert dry.lines()[0].startswith("test: dry run, nothing was changed")


def test_group_with_a_bad_line_is_left_out_as_a_whole(load):
    bad = LINES.replace("A1,17.0,Italy,2024-01-05 10:01,1,0.25\n", "A1,17.0,Italy,2024-01-05 10:01,one,0.25\n", 1)
    report = load(SHOP, {"lines.csv": bad})
    assert results(report) == {"accounts": {"new": 2}, "events": {"new": 1, "failed": 1}}
    assert report.errors == {"not_a_number": 1, "incomplete_group": 1}
    assert list(UsageEvent.objects.values_list("value", flat=True)) == [7.0]
    mended = load(SHOP, {"lines.csv": LINES})
    assert results(mended)["events"] == {"new": 1, "unchanged": 1}
    assert sorted(UsageEvent.objects.values_list("value", flat=True)) == [3.5, 7.0]


@pytest.mark.parametrize("line", ["A1,17.0,It", "A1,17.0,It\0aly,2024-01-05 10:01,1,0.25"])
def test_group_of_a_row_that_cannot_be_read_is_left_out(load, line):
    report = load(SHOP, {"lines.csv": LINES + line + "\n"})
    assert results(report) == {"accounts": {"new": 1, "failed": 1}, "events": {"new": 1, "failed": 1}}
    assert report.errors["incomplete_group"] == 2
    assert report.errors.total() == 3


def test_group_over_two_files_needs_the_same_columns(load):
    head, *lines = LINES.splitlines(keepends=True)
    load(SHOP, {"day1.csv": head + "".join(lines[:2]), "day2.csv": head + "".join(lines[2:])})
    assert sorted(UsageEvent.objects.values_list("value", flat=True)) == [3.5, 7.0]
    with pytest.raises(ImportFailed, match="must have the same columns in the same order"):
        load(SHOP, {"day1.csv": LINES, "day2.csv": "note," + head})


def test_event_with_other_values_is_not_rewritten(load):
    load(SHOP, {"lines.csv": LINES})
    report = load(SHOP, {"lines.csv": LINES.replace("A2,18,Spain,2024-01-05 11:00,1,7", "A2,18,Spain,2024-01-05,1,8")})
    assert results(report)["events"] == {"unchanged": 1, "failed": 1}
    assert report.errors == {"event_changed": 1}
    assert "give a correction an id of its own" in report.examples["event_changed"][0].message
    assert sorted(UsageEvent.objects.values_list("value", flat=True)) == [3.5, 7.0]


def test_interrupted_import_keeps_whole_chunks_and_goes_on(load, monkeypatch):
    monkeypatch.setattr(services, "CHUNK_SIZE", 2)
    lines = "id,name,parent\n" + "".join(f"{n},Account {n},\n" for n in range(6))
    apply, calls = applying.Applier.apply, []

    def stop_at_third(self, records, outcomes):
        calls.append(len(records))
        if len(calls) == 3:
            raise KeyboardInterrupt
        apply(self, records, outcomes)

    monkeypatch.setattr(applying.Applier, "apply", stop_at_third)
    with pytest.raises(KeyboardInterrupt):
        load(CRM, {"accounts.csv": lines})
    assert Account.objects.count() == ImportedRecord.objects.count() == 4
    assert ImportRun.objects.get().state == "failed"
    monkeypatch.setattr(applying.Applier, "apply", apply)
    report = load(CRM, {"accounts.csv": lines})
    assert results(report) == {"accounts": {"new": 2, "unchanged": 4}}
    assert Account.objects.count() == 6


def test_record_that_fails_takes_nothing_else_with_it(load):
    report = load(
        CRM.replace("parent: parent", "stage: stage"),
        {"accounts.csv": "id,name,stage\n1,One,adoption\n2,Two,flying\n3,Three,\n"},
    )
    assert results(report) == {"accounts": {"new": 2, "failed": 1}}
    assert report.errors == {"invalid_value": 1}
    assert report.examples["invalid_value"][0].column == "stage"
    assert sorted(Account.objects.values_list("name", "stage")) == [("One", "adoption"), ("Three", "")]
    assert ExternalId.objects.count() == 2


def test_id_used_twice_is_reported_with_the_row_before(load):
    report = load(CRM, {"accounts.csv": "id,name,parent\n1,One,\n1,Uno,\n1,One,\n"})
    assert results(report) == {"accounts": {"new": 1, "repeated": 1, "failed": 1}}
    (issue,) = report.examples["duplicate_id"]
    assert issue.message == "'1' was already in row 2 with other values; the first one counts"
    assert Account.objects.get().name == "One"


def test_parent_may_come_later_in_the_file(load):
    load(CRM, {"accounts.csv": "id,name,parent\n1,Child,2\n2,Parent,\n"})
    assert Account.objects.get(name="Child").parent == Account.objects.get(name="Parent")


def test_changed_row_changes_the_account_and_empty_cells_keep_what_is_there(load):
    load(CRM, {"accounts.csv": "id,name,parent\n1,Old,2\n2,P,\n"})
    report = load(CRM, {"accounts.csv": "id,name,parent\n1,New,\n2,P,\n"})
    assert results(report) == {"accounts": {"changed": 1, "unchanged": 1}}
    account = Account.objects.get(name="New")
    assert account.parent.name == "P"


def test_errors_go_to_a_file_with_the_raw_row(load, tmp_path):
    path = tmp_path / "errors.csv"
    content = b"id,name,parent\n1,=1+1,\n" + "2,Zoë,9\n3\n,x,\n".encode("cp1252")
    load(CRM.replace("parent: parent", "csm: parent"), {"accounts.csv": content}, errors_path=path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["row"], row["level"], row["column"], row["code"]) for row in rows] == [
        ("3", "notice", "", "encoding"),
        ("4", "error", "", "ragged_row"),
        ("5", "error", "id", "missing_id"),
        ("3", "error", "parent", "unknown_user"),
    ]
    assert json.loads(rows[3]["raw"]) == ["2", "Zoë", "9"]
    assert {row["file"] for row in rows} == {"accounts.csv"}
    assert path.stat().st_mode & 0o077 == 0


def test_error_file_that_cannot_be_written_stops_before_anything(load, tmp_path):
    with pytest.raises(ImportFailed, match="the error file cannot be written"):
        load(CRM, {"accounts.csv": "id,name,parent\n1,One,\n"}, errors_path=tmp_path / "no" / "errors.csv")
    assert not Account.objects.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,nam,parent\n", "reads the column 'name', which the file does not have. Did you mean 'nam'?"),
        ("id;name;parent\n", "divided by another character: set `delimiter`"),
        ("id,name,name,parent\n", r"2 columns are called 'name' \(columns 2 and 3\); rename"),
        ("id,name,parent\n1,'x\n2,\"y\n", "a quotation mark opened in the row at line 3 is never closed"),
    ],
)
def test_file_that_does_not_fit_changes_nothing(load, content, message):
    with pytest.raises(ImportFailed, match=message):
        load(CRM, {"accounts.csv": content})
    assert not Account.objects.exists()
    assert not ImportRun.objects.exists()


def test_file_no_section_expects_is_refused(load):
    with pytest.raises(ImportFailed, match=r"no section of test may hold a file of this name \(accounts: accounts"):
        load(CRM, {"contacts.csv": "id\n"})


def test_column_called_twice_does_not_matter_when_it_is_not_read(load):
    load(CRM, {"accounts.csv": "id,name,parent,note,note\n1,One,,a,b\n"})
    assert Account.objects.get().name == "One"


def test_second_import_of_a_system_waits(load):
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended('import:crm', 0))")
        with pytest.raises(ImportFailed, match="Another import of crm is running"):
            load(CRM, {"accounts.csv": "id,name,parent\n"})


FULL = """
system: full
backfill: true
date_formats: ["%d-%m-%Y", "%d-%m-%Y %H:%M"]
sections:
  all:
    files: "*.csv"
    accounts: {when: {kind: account}, id: id, name: name, customer_since: from, csm: user, team: team}
    contacts:
      when: {kind: contact}
      id: id
      account: account
      role: {column: role, default: end_user}
      name: name
      email: user
      at: from
      left_at: to
      attributes: {score: {column: score, type: number}}
    subscriptions:
      when: {kind: subscription}
      id: id
      account: account
      product: {constant: crm}
      mrr: amount
      currency: {constant: USD}
      seats: {column: score}
      started_on: from
      ended_on: to
      not_before: account
    tickets:
      when: {kind: ticket}
      id: id
      account: account
      contact: name
      at: from
      priority: role
      is_escalated: {column: score, choices: {"1": "true", "0": "false"}}
      first_responded_at: {column: from, plus: {minutes: amount}}
      resolved_at: to
    surveys: {when: {kind: survey}, id: id, account: {contact: name}, contact: name, kind: role, score: score, at: from}
    activities: {when: {kind: activity}, id: id, account: account, kind: role, at: from, body: name, author: user}
    events:
      when: {kind: event}
      id: id
      account: {subscription: name}
      name: role
      at: from
      not_before: subscription
"""
FULL_ROWS = """kind,id,account,name,from,to,role,user,team,score,amount
account,a1,,One,01-02-2024,,,ann@example.com,North,,
contact,c1,a1,Cleo,02-02-2024,,champion,cleo@one.example,,7,
contact,c2,a1,Dan,02-02-2024,01-03-2024,,,,,
subscription,s1,a1,,01-02-2024,01-06-2024,,,,5,100
subscription,s2,a1,,01-01-2024,,,,,2,50.55
ticket,t1,a1,c1,10-02-2024 09:00,10-02-2024 12:00,high,,,1,30
survey,r1,,c1,11-02-2024,,csat,,,4,
activity,x1,a1,What was said,12-02-2024 10:00,,call,ann@example.com,,,
event,e1,,s1,01-01-2024,,Report opened,,,,
event,e2,,s1,03-02-2024,,Report opened,,,,
"""


@pytest.fixture
def ann():
    team = Team.objects.create(name="North")
    user = User.objects.create_user("ann@example.com")
    user.teams.add(team)
    return user


def test_every_target_is_written_with_its_times(load, ann):
    report = load(FULL, {"rows.csv": FULL_ROWS})
    assert report.errors == {}
    assert results(report) == {
        "accounts": {"new": 1},
        "contacts": {"new": 2},
        "subscriptions": {"new": 2},
        "tickets": {"new": 1},
        "surveys": {"new": 1},
        "activities": {"new": 1},
        "events": {"new": 2},
    }
    account = Account.objects.get()
    assert (account.csm, account.team.name, account.customer_since) == (ann, "North", date(2024, 2, 1))
    start = datetime(2024, 2, 1, tzinfo=UTC)
    assert set(AttributeValue.objects.filter(account=account).values_list("occurred_at", "known_at")) == {
        (start, start)
    }
    assert sorted(Membership.objects.values_list("contact__name", "role", "until")) == [
        ("Cleo", "champion", None),
        ("Dan", "end_user", datetime(2024, 3, 1, tzinfo=UTC)),
    ]
    assert Contact.objects.get(name="Cleo").attributes == {"score": 7}
    assert SurveyResponse.objects.get().contact.name == "Cleo"
    assert Activity.objects.get().author == ann
    assert UsageDay.objects.count() == 2


def test_end_of_a_subscription_is_known_only_when_it_came(load, ann):
    load(FULL, {"rows.csv": FULL_ROWS})
    ended = Subscription.objects.get(ended_on=date(2024, 6, 1))
    assert list(
        SubscriptionChange.objects.filter(subscription=ended)
        .order_by("occurred_at")
        .values_list("known_at", "mrr", "seats", "ended_on")
    ) == [
        (datetime(2024, 2, 1, tzinfo=UTC), Decimal("100.00"), 5, None),
        (datetime(2024, 6, 1, tzinfo=UTC), Decimal("100.00"), 5, date(2024, 6, 1)),
    ]


def test_ticket_gets_its_history(load, ann):
    load(FULL, {"rows.csv": FULL_ROWS})
    ticket = Ticket.objects.get()
    assert (ticket.status, ticket.contact.name) == ("solved", "Cleo")
    assert list(
        TicketChange.objects.order_by("occurred_at", "id").values_list(
            "occurred_at", "known_at", "status", "priority", "is_escalated", "is_first_response"
        )
    )[-2:] == [
        (*[datetime(2024, 2, 10, 9, 30, tzinfo=UTC)] * 2, "open", "high", True, True),
        (*[datetime(2024, 2, 10, 12, 0, tzinfo=UTC)] * 2, "solved", "high", True, False),
    ]


def test_facts_before_their_beginning_are_written_and_reported(load, ann):
    report = load(FULL, {"rows.csv": FULL_ROWS})
    assert report.notices == {"before_start": 2}
    assert [(issue.place.row, issue.message) for issue in report.examples["before_start"]] == [
        (6, "dated 2024-01-01, before its account began on 2024-02-01"),
        (10, "dated 2024-01-01, before its subscription began on 2024-02-01"),
    ]


@pytest.mark.parametrize(
    ("row", "code", "column"),
    [
        ("subscription,s9,a9,,01-02-2024,,,,,5,100", "unknown_account", "account"),
        ("subscription,s9,,,01-02-2024,,,,,5,100", "missing_value", "account"),
        ("subscription,s9,a1,,01-02-2024,01-01-2024,,,,5,100", "invalid_value", "to"),
        ("subscription,s9,a1,,01-02-2024,,,,,many,100", "not_a_number", "score"),
        ("event,e9,,s9,03-02-2024,,Opened,,,,", "unknown_subscription", "name"),
        ("event,e9,,s1,03-02-1980,,Opened,,,,", "date_out_of_range", "from"),
        ("event,e9,,s1,03-02-2099,,Opened,,,,", "date_out_of_range", "from"),
        ("event,e9,,s1,2099,,Opened,,,,", "not_a_date", "from"),
        (f"event,e9,,s1,03-02-2024,,{'x' * 201},,,,", "name_too_long", "role"),
        ("survey,r9,,c9,11-02-2024,,csat,,,4,", "unknown_contact", "name"),
        ("survey,r9,,c2,11-02-2024,,csat,,,4,", "ambiguous_account", "name"),
        ("survey,r9,,c1,11-02-2024,,csat,,,9,", "invalid_value", "score"),
        ("activity,x9,a1,,12-02-2024,,dance,,,,", "invalid_value", "role"),
        ("activity,x9,a1,,12-02-2024,,call,bob@example.com,,,", "unknown_user", "user"),
        ("account,a9,,Nine,01-02-2024,,,,South,,", "unknown_team", "team"),
        ("contact,c9,a1,Eve,02-02-2024,,champion,not an address,,,", "invalid_value", "user"),
        (f"contact,{'9' * 300},a1,Eve,02-02-2024,,,,,,", "invalid_value", ""),
    ],
)
def test_bad_row_is_named_and_leaves_its_neighbours_alone(load, ann, row, code, column):
    report = load(FULL, {"rows.csv": FULL_ROWS + row + "\n"})
    assert report.errors == {code: 1}
    (issue,) = report.examples[code]
    assert (issue.place.row, issue.column) == (12, column)
    assert sum(outcome.new for outcome in report.sections[0].outcomes) == 10
    assert sum(outcome.failed for outcome in report.sections[0].outcomes) == 1


def test_row_without_a_mappings_date_is_live_unless_backfill_is_declared(load, ann):
    load(FULL.replace("backfill: true", "backfill: false"), {"rows.csv": FULL_ROWS})
    response = SurveyResponse.objects.get()
    assert response.occurred_at == datetime(2024, 2, 11, tzinfo=UTC)
    assert response.known_at == response.received_at > response.occurred_at
    assert not UsageDay.objects.filter(is_backfill=True).exists()
    assert set(AccountEvent.objects.values_list("origin", flat=True)) == {"live"}
