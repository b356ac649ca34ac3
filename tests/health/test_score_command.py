"""`manage.py score` and the work that scores by the clock."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from health.models import CurrentScore, DirtyAccount, Scorecard, ScoreSnapshot
from health.services.scores import score_everybody
from team.models import Work
from team.work import run_due_work
from tests.factories import AccountFactory
from tests.health.cards import make_scorecard
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    account = AccountFactory()
    use(account, timezone.now().date() - timedelta(days=3), 50)
    return account


def test_score_command_makes_the_starter_scorecard_and_scores_by_it(account, capsys):
    call_command("score")
    assert CurrentScore.objects.get().scorecard == Scorecard.objects.get(name="Health")
    day = timezone.now().date() + timedelta(days=1)
    assert capsys.readouterr().out == f"1 scored by Health as of {day}: 1 new, 1 bands changed.\n"


def test_score_command_as_of_a_day_for_one_card_and_account(account, capsys):
    make_scorecard()
    make_scorecard("Second")
    other = AccountFactory()
    day = timezone.now().date() - timedelta(days=1)
    use(other, day, 5)
    call_command("score", as_of=day, scorecard="Second", account=account.pk)
    (snapshot,) = ScoreSnapshot.objects.all()
    assert (snapshot.account_id, snapshot.as_of, snapshot.score) == (account.pk, day, 5000)
    assert capsys.readouterr().out == f"1 scored by Second as of {day}: 1 new, 0 bands changed.\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scorecard": "Nope"}, "There is no live scorecard 'Nope'; there are 'Health'."),
        ({"account": 99}, "There is no account 99."),
    ],
)
def test_score_command_says_what_is_wrong(options, message):
    make_scorecard()
    with pytest.raises(CommandError) as error:
        call_command("score", **options)
    assert str(error.value) == message


def test_score_command_refuses_days_to_come():
    with pytest.raises(CommandError, match="2999-01-01 has not come yet"):
        call_command("score", as_of=timezone.now().date().replace(2999, 1, 1))


@pytest.mark.django_db(transaction=True)
def test_work_scores_everybody_and_what_changed_and_twice_does_no_harm(account):
    make_scorecard()
    score_everybody(now=timezone.now())
    assert run_due_work() == 1
    assert CurrentScore.objects.get().score == 50
    use(account, timezone.now().date() - timedelta(days=2), 5)
    now = timezone.now()
    DirtyAccount.objects.create(account_id=account.pk, since=now, marked_at=now)
    for _ in range(2):
        Work.objects.create(kind="health.score_changed")
        assert run_due_work() == 1
    assert CurrentScore.objects.get().score == 55
    assert not Work.objects.exclude(state="done").exists()
