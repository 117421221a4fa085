"""manage.py change_environment."""

from argparse import ArgumentParser
from typing import Any

from proxies import catalogue
from proxies.commandkit import ACTOR, PortalCommand, environment
from proxies.models import Environment


class Command(PortalCommand):
    """What may change of an environment."""

    help = "Change an environment. What is not named stays. The slug is part of URLs and permanent."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="slug of the environment")
        parser.add_argument("--name")
        parser.add_argument("--kind", choices=Environment.Kind.values)
        parser.add_argument("--description")
        parser.add_argument(
            "--gateways-must-authenticate", choices=("on", "off"), help="a connection token is needed at /auth/verify"
        )
        parser.add_argument("--default", action="store_true", help="serve the endpoints without /env/<slug>/")

    def act(self, options: dict[str, Any]) -> None:
        subject = environment(options["slug"])
        fields = {name: options[name] for name in ("name", "kind", "description") if options[name] is not None}
        if options["gateways_must_authenticate"] is not None:
            fields["gateways_must_authenticate"] = options["gateways_must_authenticate"] == "on"
        catalogue.change_environment(subject, by=ACTOR, **fields)
        if options["default"]:
            catalogue.make_default(subject, by=ACTOR)
        told = {
            name: getattr(subject, name)
            for name in ("slug", "name", "kind", "description", "gateways_must_authenticate", "is_default")
        }
        self.tell(told, *(f"{name.replace('_', ' ')}: {value}" for name, value in told.items()))
