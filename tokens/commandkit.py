"""What the import commands share: where from, where to, until when, and the report."""

import os
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import CommandError

from proxies.commandkit import ACTOR, PortalCommand, add_environment_word, environment, holder
from tokens.importing import Report

VARIABLE = "SOURCE_DATABASE_URL"


class ImportCommand(PortalCommand):
    """A command that reads another system's database and tells what it could carry over."""

    verifier = ""
    actor = ACTOR

    def add_more(self, parser: ArgumentParser) -> None:
        """The command's own arguments."""

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "database_url", nargs="?", default="", metavar="DATABASE_URL",
            help=f"postgres://user@host/name or sqlite:////path; with a password in it: by the variable {VARIABLE}",
        )  # fmt: skip
        parser.add_argument("--target", required=True, metavar="SLUG", help="the API proxy or group they are for")
        parser.add_argument(
            "--until", required=True, type=moment, metavar="TIME", help="end of the old tokens, in ISO 8601"
        )
        add_environment_word(parser)
        parser.add_argument("--name", default=self.verifier, help=f"of the verifier; default: {self.verifier}")
        parser.add_argument("--dry-run", action="store_true", help="write nothing; report what would be done")
        parser.add_argument("--user-table", default="auth_user", metavar="TABLE")
        parser.add_argument("--username-column", default="username", metavar="COLUMN")
        self.add_more(parser)

    def common(self, options: dict[str, Any]) -> dict[str, Any]:
        """What every import wants to know."""
        return {
            "verifier": options["name"],
            "target": holder(options["target"]),
            "environment": environment(options["environment"]),
            "ends_at": options["until"],
            "user_table": options["user_table"],
            "username_column": options["username_column"],
        }

    def url(self, options: dict[str, Any]) -> str:
        """Where the other database is. A password is never taken from the words of a command."""
        given: str = options["database_url"]
        if given and urlsplit(given).password:
            raise CommandError(f"Every user of the machine can read this password. Give the URL by {VARIABLE}.")
        found = given or os.environ.get(VARIABLE, "").strip()
        if not found:
            raise CommandError(f"Where from? Give DATABASE_URL, or the variable {VARIABLE}.")
        return found

    def at_work(self, what: str, done: int) -> None:
        """How far it is, on a terminal."""
        self.progress(f"{done} {what}")

    def tell_report(self, report: Report) -> None:
        """What was carried over, and what was not and why."""
        self.progress("\n")
        self.tell(report.shown(), *report.sentences())


def moment(text: str) -> datetime:
    """A time or day in ISO 8601, in UTC where it names no zone."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
