"""manage.py change_credential."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from credentials import clients
from credentials.commandkit import credential
from proxies.commandkit import ACTOR, PortalCommand
from proxies.ownership import OWNER_FIELDS


class Command(PortalCommand):
    """Name, last day, addresses, owner."""

    help = "Change a credential: its name, the day from which it is refused, its addresses, its owner."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_id", help="client id or name of the credential")
        parser.add_argument("--name")
        parser.add_argument(
            "--expires-on", type=date.fromisoformat, metavar="YYYY-MM-DD", help="refused from 00:00 UTC"
        )
        parser.add_argument("--never-expires", action="store_true", help="no last day")
        parser.add_argument("--allowed-addresses", help="addresses or networks, separated by spaces")
        parser.add_argument("--owner-name")
        parser.add_argument("--owner-team")
        parser.add_argument("--owner-email")

    def act(self, options: dict[str, Any]) -> None:
        subject = credential(options["client_id"])
        names = ("name", "expires_on", "allowed_addresses", *OWNER_FIELDS)
        fields = {name: options[name] for name in names if options[name] is not None}
        if options["never_expires"]:
            fields["expires_on"] = None
        clients.change_credential(subject, by=ACTOR, **fields)
        self.tell({"client_id": subject.client_id, "changed": sorted(fields)}, f"{subject} was changed.")
