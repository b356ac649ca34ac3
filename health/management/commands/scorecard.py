"""`manage.py scorecard`: scorecards as YAML, out of here and into here."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from accounts.errors import InvalidInput
from health.draft_problems import problems_of
from health.models import Scorecard, ScorecardDraft
from health.scorecard_text import MAX_TEXT, read_text, write_text
from health.services import create_draft, publish_draft


class Command(BaseCommand):
    help = "Export scorecards as YAML, and import them as drafts or at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        export = commands.add_parser("export", help="write a version as YAML to standard output")
        export.add_argument("name", help="name of the scorecard")
        export.add_argument(
            "--version-number", type=int, metavar="N", help="an old version instead of the one in force"
        )
        take = commands.add_parser(
            "import", help="make a draft of a YAML file; of an existing scorecard, if it has one"
        )
        take.add_argument("file", help="path of the file, or - for standard input")
        take.add_argument("--publish", metavar="REASON", help="publish at once, for this reason")

    def handle(self, *, command: str, **options: Any) -> None:
        try:
            if command == "export":
                self._export(options["name"], options["version_number"])
            else:
                self._import(options["file"], options["publish"])
        except InvalidInput as error:
            raise CommandError(error.message) from error

    def _export(self, name: str, number: int | None) -> None:
        scorecard = Scorecard.objects.select_related("version").filter(name=name).first()
        if scorecard is None:
            names = ", ".join(Scorecard.objects.values_list("name", flat=True)) or "none"
            raise CommandError(f"There is no scorecard {name!r}; there are: {names}.")
        version = scorecard.versions.filter(number=number).first() if number else scorecard.version
        if version is None:
            raise CommandError(f"{name} has no version {number}.")
        text = write_text(name=scorecard.name, kind=scorecard.kind, config=version.config, note=version.note)
        self.stdout.write(text, ending="")

    @transaction.atomic
    def _import(self, file: str, reason: str | None) -> None:
        read = read_text(_text_of(file))
        now = timezone.now()
        scorecard = Scorecard.objects.select_related("version").filter(name=read.name).first()
        draft = create_draft(
            name=read.name, kind=read.kind, scorecard=scorecard, config=read.config, now=now, actor=None
        )
        if reason is None:
            self._tell(draft)
            return
        name = f"Import of {now:%Y-%m-%d}"
        version = publish_draft(draft=draft, name=name, reason=reason, now=now, actor=None)
        self.stdout.write(f"Published version {version.number} of {version.scorecard}.")

    def _tell(self, draft: ScorecardDraft) -> None:
        self.stdout.write(f"Made draft {draft.pk} of {draft}: /settings/scorecards/drafts/{draft.pk}/")
        for problem in problems_of(draft.config):
            self.stdout.write(f"To mend: {problem.label + ': ' if problem.label else ''}{problem.message}")


def _text_of(file: str) -> str:
    try:
        return sys.stdin.read(MAX_TEXT + 1) if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}.") from error
