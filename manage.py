#!/usr/bin/env python3
"""Django's command line, for this project."""

import os
import sys
from collections.abc import MutableMapping

from django.core.management import execute_from_command_line

# These change tables or what protects them.
BY_THE_OWNER = ("migrate", "protect_log")


def come_as_owner(arguments: list[str], environment: MutableMapping[str, str]) -> None:
    """A few commands come as the role of MIGRATION_DATABASE_URL, where it is set, and take the time they need (I8).

    The portal itself then need not own its tables, and could not drop what protects the request log.
    """
    if len(arguments) < 2 or arguments[1] not in BY_THE_OWNER:
        return
    environment.setdefault("DATABASE_STATEMENT_TIMEOUT_MS", "0")
    for tail in ("", "_FILE"):
        if given := environment.get(f"MIGRATION_DATABASE_URL{tail}"):
            for other in ("DATABASE_URL", "DATABASE_URL_FILE"):
                environment.pop(other, None)
            environment[f"DATABASE_URL{tail}"] = given
            return


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    come_as_owner(sys.argv, os.environ)
    execute_from_command_line(sys.argv)
