"""manage.py deactivate_credential."""

from argparse import ArgumentParser
from typing import Any

from credentials import clients
from credentials.commandkit import credential
from proxies.commandkit import ACTOR, PortalCommand, add_yes, impact_on


class Command(PortalCommand):
    """Refuse a credential while it is so."""

    help = "Deactivate a credential: it and its tokens are refused until reactivate_credential."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_id", help="client id or name of the credential")
        parser.add_argument("--note", default="", help="kept in the history")
        add_yes(parser)

    def act(self, options: dict[str, Any]) -> None:
        subject = credential(options["client_id"])
        ending = f"While {subject} is deactivated these are refused; reactivate_credential lets them work again:"
        self.confirm(options, str(subject), impact_on(subject, "deactivate"), ending)
        clients.deactivate(subject, by=ACTOR, note=options["note"])
        self.tell(
            {"client_id": subject.client_id, "deactivated_at": subject.deactivated_at},
            f"{subject} is deactivated. reactivate_credential undoes it.",
        )
