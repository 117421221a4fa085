"""manage.py clean_tokens."""

import dataclasses
from argparse import ArgumentParser
from typing import Any

from proxies.commandkit import PortalCommand
from tokens import lifecycle


class Command(PortalCommand):
    """Remove expired tokens now."""

    help = "Remove expired tokens that nothing needs any more, as the background work does. The log is not touched."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count only")

    def act(self, options: dict[str, Any]) -> None:
        dry_run = options["dry_run"]
        # Counted for the bar alone.
        total = lifecycle.count_expired() if self.stderr.isatty() else 0
        done = lifecycle.clean(
            dry_run=dry_run, progress=lambda seen: self.progress_bar(seen, total, "expired records looked at")
        )
        if done.seen:
            self.progress("\n")
        counts = f"{done.tokens} access tokens and {done.refresh_keys} refresh tokens"
        told = dataclasses.asdict(done) | {"dry_run": dry_run}
        if dry_run:
            self.tell(told, f"{counts} would be removed. Nothing was done.")
        else:
            self.tell(told, f"{counts} were removed, and {done.families} families with them.")
