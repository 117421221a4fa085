"""manage.py introspect."""

from argparse import ArgumentParser
from typing import Any

from proxies.commandkit import ACTOR, REFUSED, PortalCommand, hidden
from tokens import lifecycle
from tokens.lifecycle import Request
from tokens.management.commands.issue import add_client, client


class Command(PortalCommand):
    """What a client may be told about a token."""

    help = (
        "Introspect a token as a client would (RFC 7662); exit code 1 where it is not active. The client secret and "
        "the token come from files, from CLIENT_SECRET and TOKEN, or as two lines of standard input, in this order."
    )

    def add_words(self, parser: ArgumentParser) -> None:
        add_client(parser)
        parser.add_argument("--token-file", default="", metavar="FILE", help="file with the token; - is stdin")

    def act(self, options: dict[str, Any]) -> None:
        who = client(options)
        raw = hidden("The token", file=options["token_file"], variable="TOKEN")
        told = lifecycle.introspect(who, raw, request=Request(actor=ACTOR), environment=options["environment"])
        self.tell(told, *(f"{name}: {value}" for name, value in told.items()))
        if not told["active"]:
            raise SystemExit(REFUSED)
