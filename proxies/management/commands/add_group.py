"""manage.py add_group."""

from argparse import ArgumentParser
from typing import Any

from proxies import catalogue
from proxies.commandkit import ACTOR, PortalCommand, proxy
from proxies.management.commands.add_proxy import add_identity


class Command(PortalCommand):
    """A new group of proxies."""

    help = "Add a group of API proxies: a token got with its key opens every member."

    def add_words(self, parser: ArgumentParser) -> None:
        add_identity(parser)
        parser.add_argument("--members", nargs="*", default=[], metavar="PROXY", help="slugs of proxies")

    def act(self, options: dict[str, Any]) -> None:
        members = [proxy(slug) for slug in options["members"]]
        made = catalogue.add_group(
            name=options["name"] or options["slug"].capitalize(),
            slug=options["slug"],
            audience=options["audience"],
            scopes=options["scopes"],
            owner_name=options["owner"],
            owner_team=options["owner_team"],
            owner_email=options["owner_email"],
            members=members,
            by=ACTOR,
        )
        self.tell(
            {"slug": made.slug, "name": made.name, "audience": made.audience, "members": options["members"]},
            f"Group {made} was added with {len(members)} members, audience {made.audience}.",
            f"Next: deploy {made.slug}, open_credential --key-of {made.slug}, set_policy {made.slug}.",
        )
