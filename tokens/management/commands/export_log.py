"""manage.py export_log."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from proxies.commandkit import ACTOR, PortalCommand
from tokens import log_archive
from tokens.commandkit import moment
from tokens.log_archive import Archived


class Command(PortalCommand):
    """A copy of the request log of a time."""

    help = (
        "Write the request log of a time to a file, the oldest row first: .jsonl or .csv, with .gz packed. "
        "The same command again goes on where it was interrupted. The rows stay in the log. "
        "Exit code 1 where the seals over them are broken."
    )

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="such as 2026-01.jsonl.gz; nothing is written over")
        parser.add_argument("--from", type=moment, dest="since", metavar="TIME", help="in ISO 8601; default: all")
        parser.add_argument("--until", type=moment, metavar="TIME", help="not included; default: some minutes ago")

    def act(self, options: dict[str, Any]) -> None:
        try:
            done = log_archive.write(
                options["file"],
                since=options["since"],
                until=options["until"],
                by=ACTOR,
                progress=lambda rows: self.progress(f"{rows} rows written"),
            )
        except OSError as trouble:
            raise CommandError(f"{trouble}. Once there is room, the same command goes on.") from trouble
        self.progress("\n")
        for broken in done.broken:
            self.stderr.write(str(broken))
        told = {
            "file": str(options["file"]),
            "rows": done.rows,
            "first_id": done.first_id,
            "last_id": done.last_id,
            "until": done.until,
            "sha256": done.sha256,
            "seals": {"first": done.first_seal, "last": done.last_seal, "rows_under_none_yet": done.unsealed},
            "broken": [str(each) for each in done.broken],
        }
        self.tell(
            told,
            f"{done.rows} rows before {done.until:%Y-%m-%d %H:%M:%S} UTC are in {options['file']}.",
            f"SHA-256 {done.sha256}",
            _of_seals(done),
        )
        if done.broken:
            raise CommandError("The request log is not as it was sealed. The file says what is there now.")


def _of_seals(done: Archived) -> str:
    if not done.first_seal:
        return "No seal is over these rows yet."
    newest = f"; {done.unsealed} of the newest rows are under none yet" if done.unsealed else ""
    state = "broken" if done.broken else "whole"
    return f"The seals {done.first_seal} to {done.last_seal} over these rows are {state}{newest}."
