"""Create somebody who can sign in."""

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from team.enums import AccessLevel, Function
from team.errors import InvalidTeamInput
from team.services import create_user


class Command(BaseCommand):
    help = "Creates a user; asks for the password when none is given."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="")
        parser.add_argument("--access-level", choices=AccessLevel.values, default=AccessLevel.ADMIN)
        parser.add_argument("--function", choices=Function.values, default=Function.CSM)
        parser.add_argument("--password")

    def handle(self, *args: Any, **options: Any) -> None:
        password = options["password"] or getpass.getpass("Password (10 characters or more): ")
        try:
            user = create_user(
                email=options["email"],
                name=options["name"],
                access_level=options["access_level"],
                function=options["function"],
                password=password,
                now=timezone.now(),
            )
        except InvalidTeamInput as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"{user.email} can sign in as {user.get_access_level_display()}.")
