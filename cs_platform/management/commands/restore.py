"""`manage.py restore FILE`: a backup into an empty database."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management import BaseCommand, CommandError

from cs_platform.backups import BackupError, restore
from cs_platform.servers import ServerError


class Command(BaseCommand):
    help = "Restore a backup into an empty database; any other is refused."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *, file: Path, **_options: object) -> None:
        try:
            manifest = restore(file)
        except (BackupError, ServerError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Restored the backup of {manifest['made_at']} (version {manifest['version']}).")
