#!/usr/bin/env python
"""Django's command line; brings up the embedded servers when no others are named."""

import os
import sys

from cs_platform import env, servers

# Commands that read no data, so that building an image or checking code starts nothing.
WITHOUT_SERVERS = {"", "check", "collectstatic", "diffsettings", "findstatic", "help", "spectacular", "version"}
SERVER_STOP_SECONDS = 4.5


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cs_platform.settings")
    from django.core.management import execute_from_command_line

    names = servers.embedded(database_url=env.text("DATABASE_URL"), redis_url=env.text("REDIS_URL"))
    if {"--help", "-h", "--version"} & set(sys.argv) or "".join(sys.argv[1:2]) in WITHOUT_SERVERS:
        names = []
    try:
        with servers.running(names, data_dir=env.data_dir()):
            execute_from_command_line(sys.argv)
        if sys.argv[1:2] == ["run"]:  # the prompt comes back when everything has stopped
            servers.wait_until_stopped(data_dir=env.data_dir(), timeout_seconds=SERVER_STOP_SECONDS)
    except servers.ServerError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
