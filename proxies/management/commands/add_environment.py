"""manage.py add_environment."""

from argparse import ArgumentParser
from typing import Any

from proxies import catalogue
from proxies.commandkit import ACTOR, PortalCommand
from proxies.models import Environment


class Command(PortalCommand):
    """A new environment; the first one becomes the default."""

    help = "Add an environment. The first one is the default: it serves the endpoints without /env/<slug>/."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="part of URLs; permanent")
        parser.add_argument("--name", default="", help="default: made from the slug")
        parser.add_argument("--kind", choices=Environment.Kind.values, default=Environment.Kind.TEST.value)

    def act(self, options: dict[str, Any]) -> None:
        slug = options["slug"]
        made = catalogue.add_environment(
            name=options["name"] or slug.capitalize(), slug=slug, kind=options["kind"], by=ACTOR
        )
        self.tell(
            {"slug": made.slug, "name": made.name, "kind": made.kind, "is_default": made.is_default},
            f"Environment {made} was added{' and is the default' if made.is_default else ''}.",
            f"Next: manage.py rotate_signing_key --environment {made.slug} gives it a key, if it shall issue JWTs.",
        )
