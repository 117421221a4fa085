"""manage.py reactivate_credential."""

from argparse import ArgumentParser
from typing import Any

from credentials import clients
from credentials.commandkit import credential
from proxies.commandkit import ACTOR, PortalCommand


class Command(PortalCommand):
    """Let a deactivated credential work again."""

    help = "Reactivate a credential: it and its unexpired tokens work again."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_id", help="client id or name of the credential")

    def act(self, options: dict[str, Any]) -> None:
        subject = credential(options["client_id"])
        clients.reactivate(subject, by=ACTOR)
        self.tell({"client_id": subject.client_id}, f"{subject} is active.")
