"""Backtests over imported history, held against scikit-learn on a path of their own from the CSV.

The real files are judged with SLOW=1, where ../shared/data has them.
"""

import os
import re
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from sklearn.metrics import average_precision_score, roc_auc_score

from health.models import Backtest, LearnedModel
from tests.integrations.orders_book import CARD_FILE, judged_customers, read_invoices, scores_of, write_orders

DATA = Path(__file__).resolve().parents[3] / "shared/data"
RAVENSTACK = sorted((DATA / "ravenstack").glob("ravenstack_*.csv"))
AS_OF = date(2011, 9, 1)
STARTER = CARD_FILE.parents[2] / "health/starters/health.yaml"

pytestmark = pytest.mark.django_db
slow = pytest.mark.skipif(os.environ.get("SLOW") != "1", reason="takes a minute: SLOW=1")


def backtest(*words):
    """Run the command; return (the backtest, what it printed)."""
    out = StringIO()
    call_command("backtest", *words, stdout=out)
    return Backtest.objects.latest("id"), out.getvalue()


def figures(found, name):
    judged = found.result["judgement"]["judged"]
    return {each["contender"]["label"]: each["figures"][name]["value"] for each in judged}


def judge_orders(path, *words):
    return backtest(
        "--yaml", str(CARD_FILE), "--dates", str(AS_OF), "--rule", "lapse", "--events", "Order placed",
        "--capacity", "100", *words,
    )  # fmt: skip


def check_against_the_csv(found, path):
    """Every customer, label and figure is what the lines of the file say."""
    customers = judged_customers(read_invoices(path), AS_OF)
    churned, judgement = customers["churned"], found.result["judgement"]
    assert (judgement["rows"], judgement["churned_rows"]) == (len(customers), churned.sum())
    risk = {
        "Wholesaler": -scores_of(customers),
        "Number of events in 90 days": -customers["recent_orders"],
        "Number of events in 400 days": -customers["orders"],
        "Days since the last event": customers["last_order"],
    }
    auc, precision = figures(found, "roc_auc"), figures(found, "pr_auc")
    for label, expected in risk.items():
        # Where scores lie a hundredth apart, another order of adding may round them otherwise.
        assert auc[label] == pytest.approx(roc_auc_score(churned, expected), abs=1e-5), label
        assert precision[label] == pytest.approx(average_precision_score(churned, expected), abs=1e-4), label
    return customers


def test_a_made_up_wholesaler(tmp_path):
    path = write_orders(tmp_path / "online_retail_made_up.csv")
    call_command("import_data", "online_retail", str(path), stdout=StringIO())
    found, printed = judge_orders(path)
    check_against_the_csv(found, path)
    auc = figures(found, "roc_auc")
    assert auc["Wholesaler"] > 0.6
    assert re.search(rf"^Wholesaler +{auc['Wholesaler']:.3f} \(", printed, re.MULTILINE)
    assert "Churn: no “Order placed” for 90 days, by accounts active in the 180 days before." in printed


@slow
def test_online_retail():
    """The scorecard was fixed by dates up to June; this date was looked at last."""
    path = DATA / "online_retail/online_retail.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    call_command("import_data", "online_retail", str(path), stdout=StringIO())
    found, printed = judge_orders(path, "--learn")
    customers = check_against_the_csv(found, path)
    assert (len(customers), customers["churned"].sum()) == (2772, 1089)
    auc = figures(found, "roc_auc")
    assert auc["Wholesaler"] >= 0.72
    for label in ("Learned weights", "Learned probability"):
        assert auc[label] >= 0.73
        assert auc[label] >= auc["Number of events in 400 days"]
    assert max(found.training_dates) == "2011-06-03"
    assert LearnedModel.objects.get().is_usable is True
    assert "Learned weights: It ranks who will churn better than chance: ROC-AUC 0.7" in printed


@slow
def test_ravenstack_has_no_usable_signal():
    if not RAVENSTACK:
        pytest.skip(f"{DATA / 'ravenstack'} is not there")
    call_command("import_data", "ravenstack", *map(str, RAVENSTACK), stdout=StringIO())
    found, printed = backtest(
        "--yaml", str(STARTER), "--dates", "2024-07-01,2024-08-01,2024-09-01,2024-10-01",
        "--train-dates", "2023-10-01,2023-11-01,2023-12-01,2024-01-01,2024-02-01,2024-03-01,2024-04-01",
        "--rule", "any_subscription", "--capacity", "20",
    )  # fmt: skip
    states = {each["contender"]: each["state"] for each in found.result["verdicts"]}
    assert states == dict.fromkeys(states, "no_signal")
    assert {"file0", "learned_weights", "learned_probability"} == set(states)
    assert "Health: No usable signal: ROC-AUC 0.5" in printed
    assert "Learned probability: No usable signal: ROC-AUC 0." in printed
    assert LearnedModel.objects.get().is_usable is False


@slow
def test_ravenstack_whole_accounts_are_too_few():
    if not RAVENSTACK:
        pytest.skip(f"{DATA / 'ravenstack'} is not there")
    call_command("import_data", "ravenstack", *map(str, RAVENSTACK), stdout=StringIO())
    _, printed = backtest("--yaml", str(STARTER), "--dates", "2024-07-01,2024-09-01", "--rule", "subscription")
    assert "Health: 1 account churned: too few to tell." in printed
