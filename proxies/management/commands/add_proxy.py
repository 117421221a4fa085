"""manage.py add_proxy."""

from argparse import ArgumentParser
from typing import Any

from proxies import catalogue
from proxies.commandkit import ACTOR, PortalCommand


class Command(PortalCommand):
    """A new API proxy."""

    help = "Add an API proxy. Slug and audience are permanent and never used twice."

    def add_words(self, parser: ArgumentParser) -> None:
        add_identity(parser)
        parser.add_argument("--required-scopes", default="", help="scopes that every call needs, separated by spaces")

    def act(self, options: dict[str, Any]) -> None:
        made = catalogue.add_proxy(
            name=options["name"] or options["slug"].capitalize(),
            slug=options["slug"],
            audience=options["audience"],
            scopes=options["scopes"],
            required_scopes=options["required_scopes"],
            owner_name=options["owner"],
            owner_team=options["owner_team"],
            owner_email=options["owner_email"],
            by=ACTOR,
        )
        self.tell(
            {"slug": made.slug, "name": made.name, "audience": made.audience},
            f"API proxy {made} was added, audience {made.audience}.",
            f"Next: deploy {made.slug}, open_credential --key-of {made.slug}, set_policy {made.slug}.",
        )


def add_identity(parser: ArgumentParser) -> None:
    """What proxies and groups are named by."""
    parser.add_argument("slug", help="short name for gateways and clients; permanent")
    parser.add_argument("--name", default="", help="default: made from the slug")
    parser.add_argument("--audience", default="", help="absolute URI; default: made from the public URL and the slug")
    parser.add_argument("--scopes", default="", help="scopes defined here, separated by spaces")
    parser.add_argument("--owner", default="", help="person that answers for it")
    parser.add_argument("--owner-team", default="")
    parser.add_argument("--owner-email", default="", help="reminders go there")
