"""manage.py load_demo: an invented book of business in an empty database."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from integrations.demo import company
from integrations.demo.services import NotEmptyError, load_demo


class Command(BaseCommand):
    help = (
        "Load the demo book of business: about 300 invented accounts, two years up to today. Needs an empty database."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            load_demo(now=timezone.now(), say=self.stdout.write)
        except NotEmptyError as error:
            message = "The database is not empty: the demo book would mix with what is there. Give it another DATA_DIR."
            raise CommandError(message) from error
        self.stdout.write(f"Sign in with any of these and the password {company.PASSWORD}:")
        for person in company.PEOPLE:
            self.stdout.write(f"  {person.email:<26} {person.name}, {person.access_level}, {person.function}")
