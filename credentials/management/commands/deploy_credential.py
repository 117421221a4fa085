"""manage.py deploy_credential."""

from argparse import ArgumentParser
from typing import Any

from credentials import clients
from credentials.commandkit import credential
from proxies.commandkit import ACTOR, PortalCommand, add_environment_word, environment


class Command(PortalCommand):
    """Deploy a credential of its own."""

    help = "Deploy a credential in an environment, so that it can get and use tokens there."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_id", help="client id or name of the credential")
        add_environment_word(parser)
        parser.add_argument("--note", default="", help="kept in the history")

    def act(self, options: dict[str, Any]) -> None:
        subject, place = credential(options["client_id"]), environment(options["environment"])
        made = clients.deploy(subject, place, by=ACTOR, note=options["note"])
        self.tell(
            {"client_id": subject.client_id, "environment": place.slug, "generation": made.generation},
            f"{subject} is deployed in {place}.",
        )
