"""manage.py client_methods."""

from argparse import ArgumentParser
from typing import Any

from credentials import clients, methods
from credentials.commandkit import credential
from credentials.rules import Method
from proxies.commandkit import ACTOR, PortalCommand


class Command(PortalCommand):
    """How a credential may prove itself."""

    help = "Set the ways of authentication that a credential may use. Using another one is refused. No token ends."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_id", help="client id or name of the credential")
        parser.add_argument("methods", nargs="+", choices=list(Method), metavar="METHOD", help=", ".join(Method))
        parser.add_argument("--certificate-name", help="for tls_client_auth: such as dns:shop.example")

    def act(self, options: dict[str, Any]) -> None:
        subject = credential(options["client_id"])
        clients.set_methods(subject, options["methods"], certificate_name=options["certificate_name"], by=ACTOR)
        told = {"client_id": subject.client_id, "auth_methods": subject.auth_methods.split()}
        self.tell(told, f"{subject} may use: {', '.join(subject.auth_methods.split())}.")
        if off := [method for method in options["methods"] if method not in methods.switched_on()]:
            self.stderr.write(
                f"Off in this installation: {', '.join(off)}. See CLIENT_AUTH_METHODS and CLIENT_CERTIFICATE_HEADER."
            )
