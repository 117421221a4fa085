"""manage.py export."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from proxies.commandkit import PortalCommand
from tokens import configuration


class Command(PortalCommand):
    """The configuration as a file."""

    help = (
        "Write the configuration as the file that manage.py apply reads: YAML in a stable order, without secrets and "
        "tokens. What is archived or closed is left out."
    )

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("--output", default="", metavar="FILE", help="default: the standard output")

    def act(self, options: dict[str, Any]) -> None:
        found = configuration.export()
        for sentence in found.left_out:
            self.stderr.write(f"Left out: {sentence}")
        if self.as_json:
            told = json.dumps(configuration.plain(found.values), indent=2) + "\n"
        else:
            told = configuration.text(found.values)
        if not options["output"]:
            self.stdout.write(told, ending="")
            return
        try:
            Path(options["output"]).write_text(told, encoding="utf-8")
        except OSError as unwritable:
            raise CommandError(f"{options['output']} cannot be written: {unwritable}") from unwritable
