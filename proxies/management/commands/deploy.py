"""manage.py deploy."""

from argparse import ArgumentParser
from typing import Any

from proxies import deployment
from proxies.commandkit import ACTOR, PortalCommand, add_environment_word, environment, holder


class Command(PortalCommand):
    """Deploy a proxy or group."""

    help = "Deploy a proxy or group in an environment. What an undeployment ended stays ended."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("holder", help="slug of a proxy or group")
        add_environment_word(parser)
        parser.add_argument("--note", default="", help="kept in the history")

    def act(self, options: dict[str, Any]) -> None:
        subject, place = holder(options["holder"]), environment(options["environment"])
        made = deployment.deploy(subject, place, by=ACTOR, note=options["note"])
        self.tell(
            {"slug": subject.slug, "environment": place.slug, "generation": made.generation},
            f"{subject} is deployed in {place}.",
        )
