"""`manage.py backup FILE`: everything in the database, in one file."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management import BaseCommand, CommandError
from django.utils import timezone

from cs_platform.backups import BackupError, back_up
from cs_platform.servers import ServerError
from team.security import log_security
from team.system import BACKUP_MADE


class Command(BaseCommand):
    help = "Write a backup of the database to FILE while everything runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *, file: Path, **_options: object) -> None:
        try:
            manifest = back_up(file)
        except (BackupError, ServerError) as error:
            raise CommandError(str(error)) from None
        log_security(kind=BACKUP_MADE, now=timezone.now(), subject=file.name)
        self.stdout.write(f"{file}: {manifest['bytes']:,} bytes of version {manifest['version']}. Keep SECRET_KEY too.")
