"""manage.py change_key."""

from argparse import ArgumentParser
from typing import Any

from credentials import clients
from credentials.commandkit import credential
from proxies.commandkit import ACTOR, PortalCommand, add_yes, impact_on


class Command(PortalCommand):
    """Replace the private key of a proxy, group or credential."""

    help = (
        "Change the key of a proxy, group or credential: every secret is replaced and all tokens obtained with it end "
        "at once (S0.30, S0.33). The new secret is printed once. rotate_secret ends nothing."
    )

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_id", help="client id or name of the credential")
        parser.add_argument("--new-client-id", default="", help="default: the client id stays")
        add_yes(parser)

    def act(self, options: dict[str, Any]) -> None:
        subject = credential(options["client_id"])
        ending = f"Changing the key of {subject} ends these at once and for good (rotate_secret would end none):"
        self.confirm(options, str(subject), impact_on(subject, "change-key"), ending)
        raw = clients.change_key(subject, by=ACTOR, client_id=options["new_client_id"])
        self.tell(
            {"client_id": subject.client_id, "client_secret": raw},
            f"client id      {subject.client_id}",
            f"client secret  {raw}",
            "The secret is not shown again. All tokens obtained with the old key have ended.",
        )
