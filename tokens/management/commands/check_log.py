"""manage.py check_log."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from proxies.commandkit import PortalCommand
from tokens import sealing


class Command(PortalCommand):
    """Is the request log as it was written?"""

    help = "Compute the seals of the request log again, and the rows under them. Exit code 1 where anything differs."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", type=int, default=1, dest="first", metavar="SEAL", help="rows from this seal on")

    def act(self, options: dict[str, Any]) -> None:
        done = sealing.check(
            rows_from=options["first"],
            progress=lambda done: self.progress(f"{done.seals} seals, {done.rows} rows checked"),
        )
        self.progress("\n")
        for broken in done.broken:
            self.stderr.write(str(broken))
        told = {
            "seals": done.seals,
            "rows": done.rows,
            "broken": [
                {"seal": each.number, "first_id": each.first_id, "last_id": each.last_id, "why": each.why}
                for each in done.broken
            ],
            "newest": None if done.head is None else {"seal": done.head.number, "hash": done.head.hash},
        }
        head = "There are no seals yet." if done.head is None else f"Newest: seal {done.head.number}, {done.head.hash}"
        self.tell(told, f"{done.rows} rows under {done.seals} seals were checked.", head)
        if done.broken:
            raise CommandError("The request log is not as it was sealed.")
