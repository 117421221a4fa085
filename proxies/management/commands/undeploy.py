"""manage.py undeploy."""

from argparse import ArgumentParser
from typing import Any

from proxies import deployment
from proxies.commandkit import ACTOR, PortalCommand, add_environment_word, add_yes, environment, holder, impact_on
from proxies.errors import NotDeployed


class Command(PortalCommand):
    """Undeploy a proxy or group."""

    help = "Undeploy a proxy or group in an environment: all its tokens there end at once and for good (S0.29)."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("holder", help="slug of a proxy or group")
        add_environment_word(parser)
        parser.add_argument("--note", default="", help="kept in the history")
        add_yes(parser)

    def act(self, options: dict[str, Any]) -> None:
        subject, place = holder(options["holder"]), environment(options["environment"])
        deployed = subject.deployments.filter(environment=place, undeployed_at=None).first()
        if deployed is None:
            raise NotDeployed
        ending = f"Undeploying {subject} in {place} ends these at once and for good; deploying again revives none:"
        self.confirm(options, str(subject), impact_on(deployed, "undeploy"), ending)
        made = deployment.undeploy(subject, place, by=ACTOR, note=options["note"])
        self.tell(
            {"slug": subject.slug, "environment": place.slug, "generation": made.generation},
            f"{subject} is undeployed in {place}. Its tokens there have ended, for good.",
        )
