"""Create somebody who can sign in."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from team.enums import AccessLevel, Function
from team.errors import InvalidTeamInput
from team.services import create_user, make_password_link


class Command(BaseCommand):
    help = "Creates a user. Without --password it prints a link to choose one, which works once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="")
        parser.add_argument("--access-level", choices=AccessLevel.values, default=AccessLevel.ADMIN)
        parser.add_argument("--function", choices=Function.values, default=Function.CSM)
        parser.add_argument("--password", help="10 characters or more; it stays in the shell's history")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        fields = {name: options[name] for name in ("email", "name", "access_level", "function", "password")}
        try:
            user = create_user(now=now, **fields)
            link = None if options["password"] else make_password_link(user=user, now=now, actor=None)
        except InvalidTeamInput as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"{user.email} can sign in as {user.get_access_level_display()}.")
        if link:
            self.stdout.write(f"To choose a password, open: {link}")
