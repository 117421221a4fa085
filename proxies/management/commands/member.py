"""manage.py member."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from proxies import catalogue
from proxies.commandkit import ACTOR, PortalCommand, add_yes, holder, impact_on, proxy
from proxies.models import ProxyGroup


class Command(PortalCommand):
    """Which proxies a group's tokens open."""

    help = "Add a proxy to a group or remove it. It counts from the next request on (D14)."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=("add", "remove"))
        parser.add_argument("group", help="slug of a group")
        parser.add_argument("proxy", help="slug of a proxy")
        add_yes(parser)

    def act(self, options: dict[str, Any]) -> None:
        group, member = holder(options["group"]), proxy(options["proxy"])
        if not isinstance(group, ProxyGroup):
            raise CommandError(f"{group} is no group.")
        if options["verb"] == "add":
            catalogue.add_member(group, member, by=ACTOR)
        else:
            ending = f"Tokens of {group} stop opening {member}; they keep opening the other members:"
            self.confirm(options, str(group), impact_on(group, "remove-member"), ending)
            catalogue.remove_member(group, member, by=ACTOR)
        slugs = list(group.members.order_by("slug").values_list("slug", flat=True))
        self.tell({"group": group.slug, "members": slugs}, f"{group} has: {', '.join(slugs) or 'no members'}.")
