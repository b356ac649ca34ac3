"""`manage.py score`: compute scores now, or as of any past day."""

from argparse import ArgumentParser
from datetime import date

from django.core.management import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from accounts.errors import InvalidInput
from accounts.models import Account
from health.metrics.query import AccountSet
from health.models import Scorecard
from health.services import ensure_starter_scorecards, score_accounts
from health.services.scores import ScoreReport, account_chunks, live_as_of


class Command(BaseCommand):
    help = "Score accounts by the live scorecards, as of the end of today or of a past day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--as-of",
            type=date.fromisoformat,
            metavar="DATE",
            help="count only what happened and was known before this day (UTC); writes history, no current scores",
        )
        parser.add_argument("--scorecard", metavar="NAME", help="one scorecard instead of all live ones")
        parser.add_argument("--account", type=int, metavar="ID", help="one account instead of all")

    def handle(self, *, as_of: date | None, scorecard: str | None, account: int | None, **_options: object) -> None:
        now = timezone.now()
        ensure_starter_scorecards(now=now)
        cards = _cards(scorecard)
        chunks = _chunks(account)
        report = ScoreReport()
        steps = [(card, chunk) for card in cards for chunk in chunks]
        try:
            for card, chunk in tqdm(steps, unit="chunk", disable=None if len(steps) > 1 else True):
                report += score_accounts(scorecard=card, accounts=chunk, as_of=as_of, now=now)
        except InvalidInput as error:
            raise CommandError(error.message) from error
        day = as_of or live_as_of(now)
        names = ", ".join(str(card) for card in cards)
        self.stdout.write(
            f"{report.scored} scored by {names} as of {day}: {report.written} new, {report.band_changes} bands changed."
        )


def _cards(name: str | None) -> list[Scorecard]:
    live = Scorecard.objects.live()
    if name is None:
        return list(live)
    found = list(live.filter(name=name))
    if not found:
        there_are = ", ".join(repr(card.name) for card in live)
        raise CommandError(f"There is no live scorecard {name!r}; there are {there_are}.")
    return found


def _chunks(account: int | None) -> list[AccountSet]:
    if account is None:
        return account_chunks()
    if not Account.objects.filter(pk=account).exists():
        raise CommandError(f"There is no account {account}.")
    return [AccountSet(ids=(account,))]
