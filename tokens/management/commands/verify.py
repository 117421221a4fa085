"""manage.py verify."""

import os
from argparse import ArgumentParser
from typing import Any

from proxies.commandkit import REFUSED, PortalCommand, add_environment_word, hidden
from tokens import lifecycle
from tokens.lifecycle import Proof, Told


class Command(PortalCommand):
    """Does a token open a proxy, now?"""

    help = (
        "Say whether a token opens a proxy, or why not; exit code 1 where it does not. "
        "The token comes from a file, from TOKEN or from standard input. Where gateways must prove themselves, "
        "a connection token comes from GATEWAY_TOKEN."
    )

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("proxy", help="slug of the API proxy")
        parser.add_argument("--token-file", default="", metavar="FILE", help="file with the token; - is stdin")
        parser.add_argument("--scopes", default="", help="scopes that the call would need")
        parser.add_argument("--method", default="", help="HTTP method of the call")
        parser.add_argument("--uri", default="", help="path of the call, for path rules")
        add_environment_word(parser)

    def act(self, options: dict[str, Any]) -> None:
        raw = hidden("The token", file=options["token_file"], variable="TOKEN")
        verdict = lifecycle.verify(
            raw,
            proxy=options["proxy"],
            environment=options["environment"],
            required_scopes=options["scopes"],
            told=Told(options["method"].upper(), options["uri"], is_trusted=True),
            gateway=Proof(os.environ["GATEWAY_TOKEN"]) if os.environ.get("GATEWAY_TOKEN") else None,
        )
        if not verdict.good:
            self.tell({"good": False, "reason": str(verdict.reason)}, f"Refused: {verdict.reason}.")
            raise SystemExit(REFUSED)
        self.tell(
            {
                "good": True,
                "subject": verdict.subject,
                "client_id": verdict.client_id,
                "scopes": verdict.scopes,
                "jti": verdict.jti,
            },
            f"Good: {verdict.subject}, scopes {verdict.scopes}, jti {verdict.jti}.",
        )
