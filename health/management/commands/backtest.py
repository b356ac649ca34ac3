"""`manage.py backtest`: would a scorecard have told who would churn?"""

from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from accounts.errors import InvalidInput
from health.enums import BacktestState
from health.metrics.query import LOOKBACK_DAYS
from health.models import Backtest, Scorecard
from health.outcomes import DEFAULT_ACTIVE_DAYS, DEFAULT_HORIZON_DAYS, RULE_KINDS, ChurnRule
from health.scorecard_text import read_text
from health.services.backtests import DEFAULT_CAPACITY, Candidate, create_backtest, run_backtest


class Command(BaseCommand):
    help = "Judge scorecards over stored history: would they have told who would churn? Changes no score."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "scorecards", nargs="*", metavar="NAME", help="a scorecard's version in force, or NAME:3 for version 3"
        )
        parser.add_argument("--yaml", action="append", default=[], type=Path, metavar="FILE", help="a scorecard file")
        parser.add_argument("--dates", required=True, type=_dates, metavar="DATE,…", help="as of which days to judge")
        parser.add_argument("--rule", choices=RULE_KINDS, default="subscription", help="what churn is")
        parser.add_argument("--horizon", type=int, default=DEFAULT_HORIZON_DAYS, metavar="DAYS")
        parser.add_argument("--lead", type=int, default=0, metavar="DAYS", help="churn this soon is too late to count")
        parser.add_argument(
            "--active-days",
            type=int,
            default=DEFAULT_ACTIVE_DAYS,
            metavar="DAYS",
            help=f"lapse: accounts with usage this recently are judged (at most {LOOKBACK_DAYS})",
        )
        parser.add_argument("--events", nargs="*", default=[], metavar="NAME", help="lapse: only these count as usage")
        parser.add_argument(
            "--complete-until",
            type=date.fromisoformat,
            metavar="DATE",
            help="the last day of which history is complete; default: the last day with facts",
        )
        parser.add_argument(
            "--capacity",
            type=int,
            default=DEFAULT_CAPACITY,
            metavar="N",
            help="how many accounts the team can look after per date",
        )
        parser.add_argument("--learn", action="store_true", help="learn weights from earlier dates, beside the first")
        parser.add_argument(
            "--train-dates", type=_dates, default=[], metavar="DATE,…", help="where to learn; default: chosen"
        )

    def handle(self, **options: Any) -> None:
        candidates, scorecard = _candidates(options["scorecards"], options["yaml"])
        rule = ChurnRule(
            options["rule"],
            horizon_days=options["horizon"],
            lead_days=options["lead"],
            active_days=options["active_days"],
            events=tuple(options["events"]),
            complete_until=options["complete_until"],
        )
        try:
            backtest = create_backtest(
                candidates=candidates,
                scorecard=scorecard,
                rule=rule,
                dates=options["dates"],
                capacity=options["capacity"],
                learns=options["learn"] or bool(options["train_dates"]),
                training_dates=options["train_dates"],
                now=timezone.now(),
                in_background=False,
            )
        except InvalidInput as error:
            raise CommandError(error.message) from error
        _run(backtest)
        from health.backtest_text import report_lines

        self.stdout.write("\n".join(report_lines(backtest)))


def _run(backtest: Backtest) -> None:
    with tqdm(total=len(backtest.all_dates), unit="date", disable=None) as bar:
        run_backtest(backtest=backtest, on_date=bar.update)
    backtest.refresh_from_db()
    if backtest.state != BacktestState.DONE:
        raise CommandError(f"The backtest is {backtest.get_state_display().lower()}. {backtest.message}")


def _dates(text: str) -> list[date]:
    return [date.fromisoformat(each.strip()) for each in text.split(",") if each.strip()]


def _candidates(names: list[str], files: list[Path]) -> tuple[list[Candidate], Scorecard | None]:
    """Return what to judge, and the scorecard whose page shows it: the first one named."""
    candidates, first = [], None
    for name in names:
        scorecard, candidate = _of_scorecard(name)
        first = first or scorecard
        candidates.append(candidate)
    candidates += [_of_file(path, place) for place, path in enumerate(files)]
    if not candidates:
        raise CommandError("Name a scorecard, or give a file with --yaml.")
    return candidates, first


def _of_scorecard(name: str) -> tuple[Scorecard, Candidate]:
    title, _, number = name.rpartition(":") if name.rpartition(":")[2].isdigit() else (name, "", "")
    scorecard = Scorecard.objects.select_related("version__scorecard").filter(name=title).first()
    if scorecard is None:
        there_are = ", ".join(repr(each.name) for each in Scorecard.objects.all()) or "none"
        raise CommandError(f"There is no scorecard {title!r}; there are {there_are}.")
    version = scorecard.versions.filter(number=number).first() if number else scorecard.version
    if version is None:
        raise CommandError(f"The scorecard {title!r} has no version {number or 'in force'}.")
    return scorecard, Candidate.of_version(version)


def _of_file(path: Path, place: int) -> Candidate:
    try:
        read = read_text(path.read_text())
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error}") from error
    except InvalidInput as error:
        raise CommandError(f"{path}: {error.message}") from error
    return Candidate(f"file{place}", (read.name or path.stem)[:80], read.config)
