"""`manage.py run`: the whole product on this machine, with one command."""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import connections

from accounts.models import Account
from cs_platform import env, servers
from cs_platform.servers.place import is_free
from cs_platform.supervisor import Program, Supervisor
from health.models import Source
from integrations.demo import company
from team.models import User

KEEPER_CHECK_SECONDS = 5.0


class Command(BaseCommand):
    help = "Run everything: servers if none are named, migrations, a demo when empty, web, worker and scheduler."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="leave an empty database empty (DEMO=false)")

    def handle(self, *, no_demo: bool, **_options: object) -> None:
        if not is_free(env.text("BIND", "127.0.0.1"), settings.PORT):
            another = f"PORT={settings.PORT + 1} make run"
            raise CommandError(f"Port {settings.PORT} is in use. Stop what uses it or choose another: {another}")
        call_command("migrate", verbosity=0, interactive=False)
        if env.flag("DEMO", default=not no_demo) and is_empty():
            self.stdout.write("The database is empty: loading the demo book of business.")
            call_command("load_demo")
        connections.close_all()
        Supervisor(programs(), write=self._write).run(self._watch())

    def _watch(self) -> Callable[[], None]:
        """Return what the supervisor calls each round: the banner once, and a look after the servers."""
        names = servers.embedded(database_url=env.text("DATABASE_URL"), redis_url=env.text("REDIS_URL"))
        announced, next_check = False, time.monotonic()

        def each_round() -> None:
            nonlocal announced, next_check
            if not announced and _answers():
                announced = True
                self._write(banner())
            if time.monotonic() >= next_check:
                next_check = time.monotonic() + KEEPER_CHECK_SECONDS
                # Starts a keeper again that was killed; otherwise this only looks.
                with servers.running(names, data_dir=settings.DATA_DIR):
                    pass

        return each_round

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def programs() -> list[Program]:
    """Return what runs beside the servers."""
    python = sys.executable
    # Python's warning about root is for pickled jobs; ours are JSON only.
    celery = [python, "-W", "ignore:You're running the worker with superuser", "-m", "celery", "--quiet"]
    worker_settings = {"REMAP_SIGTERM": "SIGQUIT", "WORKER_SHUTDOWN_SECONDS": "1"}
    return [
        Program("web", [python, "-m", "gunicorn"], environment={"WEB_SHUTDOWN_SECONDS": "2"}),
        Program("scheduler", [python, "manage.py", "scheduler"]),
        Program(
            "worker",
            [*celery, "--app", "cs_platform", "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle"],
            stage=1,
            environment=worker_settings,
        ),
    ]


def is_empty() -> bool:
    """Return whether nobody has put anything into the database yet."""
    return not any(model.objects.exists() for model in (User, Account, Source))


def banner() -> str:
    """Return what a person needs to know, between two rules."""
    rule = "─" * 76
    lines = [
        rule,
        f"  {settings.ORGANISATION_NAME} is ready at {settings.PUBLIC_URL}",
        *_sign_ins(),
        "",
        "  Stop with Ctrl-C.",
    ]
    return "\n".join(["", *lines, rule, "", ""])


def _sign_ins() -> list[str]:
    """Return the demo's people whose password is still the printed one."""
    users = {user.email: user for user in User.objects.filter(email__in=[person.email for person in company.PEOPLE])}
    people = [person for person in company.PEOPLE if person.email in users]
    # All got the same hash, and checking one takes a while on purpose: look at the first only.
    if not people or not users[people[0].email].check_password(company.PASSWORD):
        return []
    lines = [f"    {person.email:<24} {person.name:<16} {person.access_level}, {person.function}" for person in people]
    return ["", f"  Sign in with the password {company.PASSWORD} as", *lines]


def _answers() -> bool:
    connection = HTTPConnection("localhost", settings.PORT, timeout=1)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
