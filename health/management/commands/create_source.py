"""`manage.py create_source`: a source of usage events, for scripts and first steps."""

from argparse import ArgumentParser

from django.core.management import BaseCommand, CommandError
from django.utils import timezone

from accounts.errors import InvalidInput
from health.services.sources import create_source


class Command(BaseCommand):
    help = "Creates a source of usage events and prints its write key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what sends the events, e.g. 'Web app'")
        parser.add_argument(
            "--write-key", metavar="KEY", help="up to 64 visible ASCII characters; without: a random one"
        )

    def handle(self, *, name: str, write_key: str | None, **_options: object) -> None:
        try:
            source = create_source(name=name, write_key=write_key, now=timezone.now())
        except InvalidInput as error:
            raise CommandError(error.message) from None
        self.stdout.write(source.write_key)
