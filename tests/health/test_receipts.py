"""A receipt proves its score; a replay gives it again, whatever arrived, changed or went since."""

import json
import math
import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.services import (
    define_attribute,
    delete_activity,
    delete_contact,
    delete_subscription,
    delete_survey_response,
    delete_ticket,
    edit_activity,
    join_account,
    leave_account,
    pin_persona,
    record_activity,
    record_sentiment,
    record_survey_response,
    set_attributes,
    set_exchange_rate,
    upsert_subscription,
    upsert_ticket,
)
from health.metrics.registry import all_metrics
from health.models import ScoreSnapshot
from health.proof import replay, verify
from health.receipts import build_receipt, use_words
from health.services import create_scorecard, publish_version, score_accounts
from tests.factories import AccountFactory, ContactFactory, PersonaFactory, ProductFactory, UserFactory
from tests.health.cards import CONFIG, make_scorecard
from tests.health.metrics.reading import use_of
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db


def snapshot_of(card, account, **options):
    score_accounts(scorecard=card, now=timezone.now(), **options)
    return ScoreSnapshot.objects.filter(account_id=account.pk).latest("as_of", "revision")


@pytest.fixture
def account():
    account = AccountFactory()
    use(account, timezone.now().date() - timedelta(days=2), 80)
    return account


VETOED = CONFIG | {"limits": [{"key": "veto", "label": "Veto", "metric": "event_count", "value": 80, "then": "veto"}]}


# --- The receipt ---------------------------------------------------------------------------------


def test_receipt_says_how_the_score_came_about(account):
    record_sentiment(account=account, user=UserFactory(), level=2, now=timezone.now())
    receipt = build_receipt(snapshot_of(make_scorecard(), account))
    assert (receipt.score, receipt.band.word, receipt.snapshot.confidence) == (Decimal("66.25"), "yellow", 100)
    assert receipt.last_day == timezone.now().date()
    usage, sentiment = receipt.root.children
    assert (usage.label, usage.points, usage.nominal_share, usage.share, usage.contribution) == (
        "Usage", 80.0, 0.75, 0.75, 22.5,
    )  # fmt: skip
    (events,) = usage.children
    assert (events.measure.label, events.groups, events.words, events.state) == (
        "Events",
        ("Usage",),
        "7 days",
        "known",
    )
    assert (events.value, events.points, events.contribution) == (80.0, 80.0, 22.5)
    assert events.age_days == 2
    assert (sentiment.value, sentiment.points, sentiment.contribution, sentiment.words) == (
        2.0, 25.0, -6.25, "90 days",
    )  # fmt: skip
    assert 50 + sum(line.contribution for line in receipt.lines) == float(receipt.score)


def test_receipt_has_a_line_for_each_limit(account):
    card = make_scorecard(config=VETOED)
    snapshot = snapshot_of(card, account)
    assert (snapshot.points, snapshot.contribution) == ([8000, -1, 10_000], [3000, 0, -1001])
    receipt = build_receipt(snapshot)
    (veto,) = receipt.limits
    assert (veto.value, veto.is_fired, veto.held_at, veto.contribution) == (80.0, True, 69.99, -10.01)
    assert (veto.about, veto.rule) == ("Events · 28 days", "At least 80: the score is not healthy, at most 69.99")
    moves = [line.contribution for line in (*receipt.lines, *receipt.limits)]
    assert (float(receipt.score), moves) == (69.99, [30.0, 0.0, -10.01])
    assert verify(json.loads(json.dumps(receipt.as_dict()))) == []
    assert replay(snapshot).hashes[0].tobytes() == bytes(snapshot.hash)
    use(account, timezone.now().date(), 1, recorded_at=timezone.now(), backfill=True)
    assert replay(snapshot).hashes[0].tobytes() == bytes(snapshot.hash)


def test_receipt_tells_missing_from_too_old(account):
    config = json.loads(json.dumps(CONFIG))
    config["children"][1]["fresh_days"] = 10
    card = make_scorecard(config=config)
    now = timezone.now()
    record_sentiment(account=account, user=UserFactory(), level=5, now=now - timedelta(days=30))
    receipt = build_receipt(snapshot_of(card, account))
    (_, old) = receipt.lines
    assert (old.state, old.value, old.points, old.share, old.contribution) == ("stale", 5.0, None, 0.0, 0.0)
    assert old.nominal_share == 0.25
    assert receipt.snapshot.confidence == 75
    other = AccountFactory()
    missing = build_receipt(snapshot_of(card, other))
    assert [line.state for line in missing.lines] == ["missing", "missing"]
    assert (missing.score, missing.band.word, missing.root.points) == (None, "unknown", None)
    assert verify(missing.as_dict()) == []


def test_verify_proves_a_receipt_that_went_through_json(account):
    receipt = build_receipt(snapshot_of(make_scorecard(), account)).as_dict()
    assert verify(json.loads(json.dumps(receipt))) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda r: r["limits"][0].update(is_fired=False), "Veto: is_fired is True, not False."),
        (lambda r: r["limits"][0].update(contribution=0.0), "Veto: contribution is -10.01, not 0.0."),
        (lambda r: r.update(score="99.00"), "The score is 69.99, not 99.00."),
        (lambda r: r.update(band="red"), "The band is yellow, not red."),
        (lambda r: r.update(confidence=3), "The confidence is 75, not 3."),
        (lambda r: r["measures"][0].update(points=81.0), "Events: points is 80.0, not 81.0."),
        (lambda r: r["measures"][0].update(contribution=31.0), "Events: contribution is 30.0, not 31.0."),
        (lambda r: r["measures"].pop(), "The measures and limits are not those of the configuration."),
        (
            lambda r: r["version"]["config"].update(minimum_confidence=41),
            "The configuration is not the one its hash was made of.",
        ),
    ],
)
def test_verify_finds_what_was_tampered_with(account, change, problem):
    receipt = json.loads(json.dumps(build_receipt(snapshot_of(make_scorecard(config=VETOED), account)).as_dict()))
    change(receipt)
    assert verify(receipt) == [problem]


def test_verify_believes_no_input_that_its_hash_does_not(account):
    receipt = build_receipt(snapshot_of(make_scorecard(), account)).as_dict()
    receipt["measures"][0]["value"] = 90.0
    problems = verify(receipt)
    assert "The score is 90.00, not 80.00." in problems
    assert any(problem.startswith("The hash is") for problem in problems)


def test_a_receipt_keeps_its_version_when_another_is_published(account):
    card = make_scorecard()
    snapshot = snapshot_of(card, account)
    publish_version(
        scorecard=card, config=CONFIG | {"bands": {"green": 95, "yellow": 90}}, now=timezone.now(), note="Stricter"
    )
    receipt = build_receipt(snapshot)
    assert (receipt.version.number, receipt.band.word) == (1, "green")
    assert verify(receipt.as_dict()) == []


def test_use_words_say_parameters_and_scope():
    assert use_words(use_of("open_tickets")) == ""
    assert use_words(use_of("usage_trend", days=7)) == "7 days · smallest baseline 20"
    scope = {"role": "champion", "product": 4}
    use_ = use_of("event_count", scope, days=30, events=["order", "login"])
    assert use_words(use_, {"product 4": "Fleet"}) == "30 days · login, order · role champion · Fleet"
    assert use_words(use_of("days_since_activity", function="csm")) == "Customer success"
    assert use_words(use_of("attribute", attribute="sites")) == "sites"


# --- Replay --------------------------------------------------------------------------------------


def every_measure(scope):
    """Return a scorecard with every metric, alone and in every scope it knows."""
    uses = [
        (metric, words)
        for metric in all_metrics()
        for words in [{}, *({word: scope[word]} for word in sorted(metric.scopes))]
    ]
    children = [
        {
            "key": "_".join([metric.key, *words]),
            "label": metric.label,
            "metric": metric.key,
            "params": {"attribute": "sites"} if metric.key == "attribute" else {},
            "scope": words,
            "curve": [[0, 0], [100, 100]],
        }
        for metric, words in uses
    ]
    return {"minimum_confidence": 0, "children": children}


class Life:
    """Writes facts of every kind about an account, and later changes, corrects and deletes them."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.account = AccountFactory()
        self.user = UserFactory()
        self.product = ProductFactory()
        self.personas = [PersonaFactory(), PersonaFactory()]
        self.contacts = [ContactFactory() for _ in range(3)]
        define_attribute(entity="account", key="sites", label="Sites", type="number")
        self.scope = {"role": "champion", "persona": self.personas[0].pk, "product": self.product.pk}
        self.kept = {kind: [] for kind in ("ticket", "activity", "survey", "member", "subscription")}

    def past(self, now):
        return now - timedelta(days=self.random.randint(0, 60), hours=self.random.randint(0, 23))

    def anything(self, now, *, backfill=False):
        """Write one fact of each kind, some time ago, heard of now."""
        pick, at = self.random.choice, self.past(now)
        times = {"occurred_at": at, "now": now, "backfill": backfill}
        contact = pick(self.contacts)
        use(
            self.account, at.date(), self.random.randint(1, 40), contact=pick([None, contact]), name=pick("ab"),
            product=pick([None, self.product]), recorded_at=now, backfill=backfill, value=self.random.random(),
        )  # fmt: skip
        roles = ["champion", "end_user", "admin"]
        self.kept["member"].append(join_account(contact=contact, account=self.account, role=pick(roles), **times))
        pin_persona(contact=contact, persona=pick([*self.personas, None]), **times)
        fields = {"contact": contact, "product": pick([None, self.product]), "is_escalated": pick([True, False])}
        ticket, _ = upsert_ticket(account=self.account, fields=fields, **times)
        self.kept["ticket"].append(ticket)
        self.kept["activity"].append(
            record_activity(
                account=self.account, kind="call", initiative=pick(["proactive", "reactive", ""]),
                function=pick(["csm", "support"]), **times,
            )[0]
        )  # fmt: skip
        for kind, high in (("nps", 10), ("csat", 5), ("ces", 7)):
            name = f"{kind}{self.random.randint(0, 3)}"
            self.kept["survey"].append(
                record_survey_response(
                    account=self.account, kind=kind, score=self.random.randint(1, high), contact=contact,
                    system="s", external_id=name, **times,
                )[0]
            )  # fmt: skip
        record_sentiment(account=self.account, user=self.user, level=self.random.randint(1, 5), **times)
        set_attributes(row=self.account, values={"sites": self.random.randint(1, 99)}, **times)
        set_exchange_rate(currency="EUR", on=at.date(), rate=Decimal(self.random.randint(50, 150)) / 100, now=now)
        terms = {
            "mrr": self.random.randint(1, 999), "seats": self.random.randint(1, 50), "currency": pick(["EUR", "USD"]),
            "renews_on": at.date() + timedelta(days=90), "notice_on": at.date() + timedelta(days=70),
        }  # fmt: skip
        self.kept["subscription"].append(
            upsert_subscription(
                account=self.account, subscription=pick([None, *self.kept["subscription"]]),
                fields=terms | {"product": pick([None, self.product])} if not self.kept["subscription"] else terms,
                effective_at=at, now=now, backfill=backfill,
            )[0]
        )  # fmt: skip

    def upheaval(self, now):
        """Change, correct and delete what was written before."""
        last = {kind: rows[-1] for kind, rows in self.kept.items()}
        first = {kind: rows[0] for kind, rows in self.kept.items()}
        at = self.past(now)
        upsert_ticket(
            account=self.account, ticket=first["ticket"], fields={"status": "solved"},
            occurred_at=first["ticket"].occurred_at, changed_at=max(at, first["ticket"].occurred_at), now=now,
        )  # fmt: skip
        delete_ticket(ticket=last["ticket"], now=now)
        first["activity"].refresh_from_db()
        edit_activity(
            activity=first["activity"],
            fields={"initiative": "proactive" if first["activity"].initiative != "proactive" else "reactive"},
            editor=self.user,
        )
        delete_activity(activity=last["activity"], now=now)
        delete_survey_response(response=last["survey"], now=now)
        leave_account(membership=last["member"], at=at, now=now)
        delete_contact(contact=self.contacts[0], now=now)
        upsert_subscription(
            account=self.account, subscription=first["subscription"], fields={"ended_on": now.date()},
            effective_at=now, now=now,
        )  # fmt: skip
        delete_subscription(subscription=last["subscription"], now=now)


@pytest.mark.parametrize("seed", range(6))
def test_replay_gives_the_score_again_whatever_came_later(seed):
    life = Life(seed)
    start = timezone.now() - timedelta(days=2)
    for hours in range(4):
        life.anything(start + timedelta(hours=hours), backfill=hours == 1)
    card = create_scorecard(name="All", config=every_measure(life.scope), now=start)
    days = [None, start.date(), start.date() - timedelta(days=20)]
    before = {}
    for day in days:
        snapshot = snapshot_of(card, life.account, as_of=day)
        before[day] = snapshot
        assert replay(snapshot).hashes[0].tobytes() == bytes(snapshot.hash)
    assert sum(not math.isnan(value) for value in before[None].value) > len(before[None].value) / 2

    for round_ in range(3):
        life.anything(timezone.now(), backfill=round_ == 0)
        if round_ == 1:
            life.upheaval(timezone.now())
    for snapshot in before.values():
        again = replay(snapshot)
        assert differences(snapshot, again) == {}
        assert again.hashes[0].tobytes() == bytes(snapshot.hash)
    # They did matter: today's score is another.
    assert bytes(snapshot_of(card, life.account).hash) != bytes(before[None].hash)


def differences(snapshot, again):
    """Return which measures read something else, for a failure that says what."""
    old = dict(zip([line.measure.key for line in build_receipt(snapshot).lines], snapshot.value, strict=True))
    new = again.scores.values.iloc[0].to_dict()
    return {key: (old[key], new[key]) for key in old if str(old[key]) != str(new[key])}


def test_replay_of_a_moment_within_a_day_reads_the_events_up_to_it():
    """Roll-ups know days; the raw events tell what was recorded when the score was taken."""
    account = AccountFactory()
    card = make_scorecard()
    now = timezone.now()
    use(account, now.date(), 30, recorded_at=now)
    first = snapshot_of(card, account)
    use(account, now.date(), 30, recorded_at=timezone.now())
    second = snapshot_of(card, account)
    assert (first.score, second.score) == (3000, 6000)
    assert replay(first).scores.accounts["score"].iloc[0] == 3000
    assert replay(second).scores.accounts["score"].iloc[0] == 6000


def test_replay_of_an_old_day_by_a_late_run():
    account, card = AccountFactory(), make_scorecard()
    day = date(2026, 3, 1)
    use(account, date(2026, 2, 27), 40)
    snapshot = snapshot_of(card, account, as_of=day)
    use(account, date(2026, 2, 27), 10, recorded_at=timezone.now(), backfill=True)
    late = snapshot_of(card, account, as_of=day)
    assert [(s.revision, s.score) for s in (snapshot, late)] == [(1, 4000), (2, 5000)]
    assert [replay(s).scores.accounts["score"].iloc[0] for s in (snapshot, late)] == [4000, 5000]
