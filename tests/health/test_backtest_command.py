"""`manage.py backtest`: what is judged, and what is refused."""

from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from health.models import Backtest
from health.services import publish_version
from tests.conftest import NOW
from tests.factories import AccountFactory
from tests.health.cards import CONFIG, make_scorecard
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db

AS_OF = date(2026, 1, 1)
FILE = """
name: From a file
kind: health
children:
  - {key: days, label: Active days, weight: 1, metric: active_days, params: {days: 28}, curve: [[0, 0], [10, 100]]}
"""


@pytest.fixture
def scorecard(clock):
    return make_scorecard()


@pytest.fixture
def book():
    for count in (1, 50, 400):
        account = AccountFactory()
        use(account, AS_OF - timedelta(days=1), count)
        if count > 10:
            use(account, AS_OF + timedelta(days=3))
    use(AccountFactory(), AS_OF + timedelta(days=90))


def run(*words, dates="2026-01-01"):
    out = StringIO()
    rule = ["--rule", "lapse", "--horizon", "30", "--active-days", "60", "--capacity", "1"]
    call_command("backtest", *words, "--dates", dates, *rule, stdout=out)
    return out.getvalue()


def test_prints_what_the_page_shows(scorecard, book):
    printed = run("Health", dates="2025-12-02,2026-01-01")
    backtest = Backtest.objects.get()
    assert (backtest.scorecard, backtest.dates) == (scorecard, ["2025-12-02", "2026-01-01"])
    heading, rule, about = printed.splitlines()[:3]
    assert (heading, rule) == (
        "Health v1, 2025-12-02 to 2026-01-01",
        "Churn: no usage for 30 days, by accounts active in the 60 days before. Dates: 2025-12-02, 2026-01-01.",
    )
    assert about.startswith("3 rows of 3 accounts; 1 of them churned (33.3 % of the rows). Capacity 1 accounts per")
    assert "Health v1: 1 account churned: too few to tell." in printed
    assert "Missed alarms (healthy by Health v1, churned): none" in printed


def test_an_old_version_and_a_file_beside_it(scorecard, book, tmp_path):
    publish_version(scorecard=scorecard, config={**CONFIG, "minimum_confidence": 10}, now=NOW)
    file = tmp_path / "mine.yaml"
    file.write_text(FILE)
    run("Health:1", "Health", "--yaml", str(file))
    labels = [each["label"] for each in Backtest.objects.get().contenders]
    assert labels == ["Health v1", "Health v2", "From a file"]


def test_learning_is_asked_for(scorecard, book):
    printed = run("Health", "--learn")
    assert "Nothing learned: Learning needs 2 earlier dates with known outcomes and has 0." in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Name a scorecard, or give a file with --yaml."),
        (["Wealth"], "There is no scorecard 'Wealth'; there are 'Health'."),
        (["Health:7"], "The scorecard 'Health' has no version 7."),
        (["--yaml", "/nowhere.yaml"], "/nowhere.yaml cannot be read"),
        (["Health", "--lead", "900"], "The lead time is a number of days from 0 to 365."),
    ],
)
def test_what_cannot_be_judged_is_refused(scorecard, words, message):
    with pytest.raises(CommandError) as refused:
        run(*words)
    assert str(refused.value).startswith(message)
    assert Backtest.objects.count() == 0


def test_a_file_that_says_nothing_is_refused(scorecard, tmp_path):
    file = tmp_path / "empty.yaml"
    file.write_text("- a list")
    with pytest.raises(CommandError, match=r"empty\.yaml: "):
        run("--yaml", str(file))
    file.write_text("name: Nothing\nchildren: []\n")
    with pytest.raises(CommandError, match="Nothing: there is nothing inside; add a measure"):
        run("--yaml", str(file))
