"""The product's settings with the misbehaving work."""

from cs_platform.settings import *  # noqa: F403 -- all of them
from cs_platform.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.team.faults.apps.FaultsConfig"]
