"""manage.py refresh."""

from argparse import ArgumentParser
from typing import Any

from proxies.commandkit import ACTOR, PortalCommand, hidden
from tokens import lifecycle
from tokens.lifecycle import Request
from tokens.management.commands.issue import add_client, client, tell_answer


class Command(PortalCommand):
    """A new access token for a refresh token."""

    help = (
        "Refresh. The client secret and the refresh token come from files, from CLIENT_SECRET and REFRESH_TOKEN, or "
        "as two lines of standard input, in this order."
    )

    def add_words(self, parser: ArgumentParser) -> None:
        add_client(parser)
        parser.add_argument("--token-file", default="", metavar="FILE", help="file with the refresh token; - is stdin")
        parser.add_argument("--scope", default=None, help="a narrower set of scopes")

    def act(self, options: dict[str, Any]) -> None:
        who = client(options)
        raw = hidden("The refresh token", file=options["token_file"], variable="REFRESH_TOKEN")
        answer = lifecycle.refresh(
            who, raw, request=Request(actor=ACTOR), environment=options["environment"], scope=options["scope"]
        )
        tell_answer(self, answer)
