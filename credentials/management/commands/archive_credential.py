"""manage.py archive_credential."""

from argparse import ArgumentParser
from typing import Any

from credentials import clients
from credentials.commandkit import credential
from proxies.commandkit import ACTOR, PortalCommand, add_yes, impact_on


class Command(PortalCommand):
    """Put a credential away for good."""

    help = "Archive a credential: it and its tokens are refused for ever (D43). deactivate_credential can be undone."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_id", help="client id or name of the credential")
        parser.add_argument("--note", default="", help="kept in the history")
        add_yes(parser)

    def act(self, options: dict[str, Any]) -> None:
        subject = credential(options["client_id"])
        ending = f"Archiving {subject} ends these for good (deactivate_credential can be undone):"
        self.confirm(options, str(subject), impact_on(subject, "archive"), ending)
        clients.archive(subject, by=ACTOR, note=options["note"])
        self.tell({"client_id": subject.client_id}, f"{subject} is archived.")
