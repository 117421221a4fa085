"""manage.py undeploy_credential."""

from argparse import ArgumentParser
from typing import Any

from credentials import clients
from credentials.commandkit import credential
from credentials.errors import CredentialNotDeployed
from proxies.commandkit import ACTOR, PortalCommand, add_environment_word, add_yes, environment, impact_on


class Command(PortalCommand):
    """Undeploy a credential of its own."""

    help = "Undeploy a credential in an environment: all its tokens there end at once and for good (S0.32)."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_id", help="client id or name of the credential")
        add_environment_word(parser)
        parser.add_argument("--note", default="", help="kept in the history")
        add_yes(parser)

    def act(self, options: dict[str, Any]) -> None:
        subject, place = credential(options["client_id"]), environment(options["environment"])
        deployed = subject.deployments.filter(environment=place, undeployed_at=None).first()
        if deployed is None:
            raise CredentialNotDeployed
        ending = f"Undeploying {subject} in {place} ends these at once and for good; deploying again revives none:"
        self.confirm(options, str(subject), impact_on(deployed, "undeploy"), ending)
        clients.undeploy(subject, place, by=ACTOR, note=options["note"])
        self.tell(
            {"client_id": subject.client_id, "environment": place.slug},
            f"{subject} is undeployed in {place}. Its tokens there have ended, for good.",
        )
