"""Create a key for another system and print it, once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from team.errors import InvalidTeamInput
from team.scopes import SCOPES
from team.services import create_api_key


class Command(BaseCommand):
    help = "Creates an API key and prints it. It cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="who uses the key, e.g. 'HubSpot sync'")
        parser.add_argument(
            "--scope", action="append", default=[], metavar="SCOPE", help=f"repeatable; of {', '.join(SCOPES)}, or all"
        )

        parser.add_argument("--expires-days", type=int, help="how many days it lives; without: until it is revoked")

    def handle(self, *args: Any, **options: Any) -> None:
        scopes = list(SCOPES) if options["scope"] == ["all"] else options["scope"]
        now, days = timezone.now(), options["expires_days"]
        expires_at = now + timedelta(days=days) if days is not None else None
        try:
            _, key = create_api_key(name=options["name"], scopes=scopes, now=now, expires_at=expires_at)
        except InvalidTeamInput as error:
            raise CommandError(error.message) from None
        self.stdout.write(key)
