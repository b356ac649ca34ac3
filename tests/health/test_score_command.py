"""`manage.py score` and the work that scores by the clock."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from health.models import CurrentScore, DirtyAccount, ScoreSnapshot
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


def test_score_command_makes_the_starter_scorecards_and_scores_by_them(account, capsys):
    call_command("score")
    scores = {score.scorecard.name: score for score in CurrentScore.objects.all()}
    assert set(scores) == {"Health", "Success", "Happiness"}
    assert scores["Health"].score is not None
    assert scores["Happiness"].score is None  # silence is not happiness
    day = timezone.now().date() + timedelta(days=1)
    report = capsys.readouterr().out
    assert report == f"3 scored by Health, Success, Happiness as of {day}: 3 new, 2 bands changed.\n"


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
        ({"scorecard": "Nope"}, "There is no live scorecard 'Nope'; there are 'Health', 'Success', 'Happiness'."),
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
    for name, kind in (("Health", "health"), ("Happy", "happiness"), ("Successful", "success")):
        make_scorecard(name, kind=kind)
    score_everybody(now=timezone.now())
    run_due_work()
    assert not Work.objects.exclude(state="done").exists()
    assert set(CurrentScore.objects.values_list("score", flat=True)) == {50}
    use(account, timezone.now().date() - timedelta(days=2), 5)
    now = timezone.now()
    DirtyAccount.objects.create(account_id=account.pk, since=now, marked_at=now)
    for _ in range(2):
        Work.objects.create(kind="health.score_changed")
        run_due_work()
    assert set(CurrentScore.objects.values_list("score", flat=True)) == {55}
    assert not Work.objects.exclude(state="done").exists()
