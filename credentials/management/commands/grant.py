"""manage.py grant."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from credentials import clients
from credentials.commandkit import grantee, told_of
from proxies.commandkit import ACTOR, PortalCommand, holder


class Command(PortalCommand):
    """What a credential or a person may reach."""

    help = "Grant a credential or a person access to a proxy or group. Granting again changes the terms."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_id", help="client id or name of the credential; with --user a user name")
        parser.add_argument("target", help="slug of a proxy or group")
        parser.add_argument("--user", action="store_true", help="the grant is to a person")
        parser.add_argument("--scopes", default="", help="separated by spaces; default: all that are defined there")
        parser.add_argument("--expires-on", type=date.fromisoformat, metavar="YYYY-MM-DD")
        parser.add_argument("--disallowed-methods", default="", help='for instance "DELETE PUT"')

    def act(self, options: dict[str, Any]) -> None:
        subject, target = grantee(options), holder(options["target"])
        made = clients.grant(
            to=subject,
            target=target,
            scopes=options["scopes"],
            expires_on=options["expires_on"],
            disallowed_methods=options["disallowed_methods"],
            by=ACTOR,
        )
        self.tell({**told_of(subject), "target": target.slug, "scopes": made.scopes}, f"{made}.")
