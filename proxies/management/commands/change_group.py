"""manage.py change_group."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from proxies import catalogue
from proxies.commandkit import ACTOR, PortalCommand, holder
from proxies.models import ProxyGroup
from proxies.ownership import OWNER_FIELDS


class Command(PortalCommand):
    """What may change of a group."""

    help = "Change a group. What is not named stays. Slug and audience are permanent; its members: member add, remove."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="slug of the group")
        parser.add_argument("--name")
        parser.add_argument("--description")
        parser.add_argument("--scopes", help="scopes defined here, separated by spaces")
        parser.add_argument("--owner-name")
        parser.add_argument("--owner-team")
        parser.add_argument("--owner-email")

    def act(self, options: dict[str, Any]) -> None:
        subject = holder(options["slug"])
        if not isinstance(subject, ProxyGroup):
            raise CommandError(f"{subject} is no group.")
        wanted = ("name", "description", "scopes", *OWNER_FIELDS)
        fields = {name: options[name] for name in wanted if options[name] is not None}
        catalogue.change_group(subject, by=ACTOR, **fields)
        told = {name: getattr(subject, name) for name in ("slug", *wanted)}
        self.tell(told, *(f"{name.replace('_', ' ')}: {value}" for name, value in told.items()))
