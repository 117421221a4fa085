"""manage.py archive."""

from argparse import ArgumentParser
from typing import Any

from proxies import catalogue
from proxies.commandkit import ACTOR, PortalCommand, add_yes, holder, impact_on


class Command(PortalCommand):
    """Put a proxy or group away for good."""

    help = "Archive a proxy or group: undeployed everywhere and never usable again; its slug stays taken (D43)."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("holder", help="slug of a proxy or group")
        parser.add_argument("--note", default="", help="kept in the history")
        add_yes(parser)

    def act(self, options: dict[str, Any]) -> None:
        subject = holder(options["holder"])
        ending = f"Archiving {subject} ends these at once and for good (undeploy can be followed by deploy):"
        self.confirm(options, str(subject), impact_on(subject, "archive"), ending)
        catalogue.archive(subject, by=ACTOR, note=options["note"])
        self.tell({"slug": subject.slug}, f"{subject} is undeployed everywhere and archived.")
