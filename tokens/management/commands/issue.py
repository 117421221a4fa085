"""manage.py issue."""

from argparse import ArgumentParser
from typing import Any

from proxies.commandkit import ACTOR, PortalCommand, add_environment_word, hidden
from tokens import lifecycle
from tokens.lifecycle import Client, Request


class Command(PortalCommand):
    """A token for a client, as POST /oauth2/token gives it."""

    help = "Get a token with a client id and secret. The secret comes from a file, CLIENT_SECRET or standard input."

    def add_words(self, parser: ArgumentParser) -> None:
        add_client(parser)
        parser.add_argument("--target", default=None, help="slug or audience, where a credential has several grants")
        parser.add_argument("--scope", default=None, help="separated by spaces; default: all that is granted")

    def act(self, options: dict[str, Any]) -> None:
        answer = lifecycle.issue(
            client(options),
            request=Request(actor=ACTOR),
            environment=options["environment"],
            target=options["target"],
            scope=options["scope"],
        )
        tell_answer(self, answer)


def add_client(parser: ArgumentParser) -> None:
    """How a client is named; its secret is never on the command line."""
    parser.add_argument("client_id")
    parser.add_argument("--secret-file", default="", metavar="FILE", help="file with the client secret; - is stdin")
    add_environment_word(parser)


def client(options: dict[str, Any]) -> Client:
    """The client of the arguments."""
    secret = hidden("The client secret", file=options["secret_file"], variable="CLIENT_SECRET")
    return Client(options["client_id"], secret)


def tell_answer(command: PortalCommand, answer: lifecycle.TokenAnswer) -> None:
    """The only moment the values exist."""
    ends = "never expires" if answer.expires_in is None else f"ends in {answer.expires_in} seconds"
    command.tell(
        answer.as_json(),
        f"access token   {answer.access_token}",
        *([f"refresh token  {answer.refresh_token}"] if answer.refresh_token else []),
        f"It {ends} and has the scopes: {answer.scope}. It is not shown again.",
    )
