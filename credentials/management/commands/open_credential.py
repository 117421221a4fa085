"""manage.py open_credential."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import CommandError

from credentials import clients
from proxies.commandkit import ACTOR, PortalCommand, holder
from proxies.models import ApiProxy


class Command(PortalCommand):
    """A new credential; its secret is shown once."""

    help = "Open a credential: the key of a proxy or group, or one of its own. The secret is printed once."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", default="", help="default for a key: made from its proxy or group")
        parser.add_argument("--key-of", default="", metavar="SLUG", help="make it the key of this proxy or group")
        parser.add_argument("--proxy", dest="key_of", metavar="SLUG", help="the same as --key-of")
        parser.add_argument("--group", dest="key_of", metavar="SLUG", help="the same as --key-of")
        parser.add_argument("--client-id", default="", help="default: a new one is made")
        parser.add_argument("--expires-on", type=date.fromisoformat, metavar="YYYY-MM-DD")
        parser.add_argument("--allowed-addresses", default="", help="addresses or networks, separated by spaces")
        parser.add_argument("--owner", default="", help="person that answers for it")
        parser.add_argument("--owner-team", default="")
        parser.add_argument("--owner-email", default="", help="reminders go there")

    def act(self, options: dict[str, Any]) -> None:
        bound = holder(options["key_of"]) if options["key_of"] else None
        if not options["name"] and bound is None:
            raise CommandError("A credential of its own needs a name.")
        opened = clients.open_credential(
            name=options["name"] or f"key of {bound}",
            proxy=bound if isinstance(bound, ApiProxy) else None,
            group=None if isinstance(bound, ApiProxy) else bound,
            client_id=options["client_id"],
            expires_on=options["expires_on"],
            allowed_addresses=options["allowed_addresses"],
            owner_name=options["owner"],
            owner_team=options["owner_team"],
            owner_email=options["owner_email"],
            by=ACTOR,
        )
        self.tell(
            {"client_id": opened.client_id, "client_secret": opened.secret},
            f"client id      {opened.client_id}",
            f"client secret  {opened.secret}",
            "The secret is not shown again.",
        )
