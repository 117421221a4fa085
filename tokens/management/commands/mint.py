"""manage.py mint."""

from argparse import ArgumentParser
from typing import Any

from credentials.commandkit import user
from proxies.commandkit import ACTOR, PortalCommand
from tokens import lifecycle
from tokens.lifecycle import Request


class Command(PortalCommand):
    """A refresh key for a person, as the screen JWT Refresh Keys makes it."""

    help = "Make a JWT refresh key for a person. Its value is shown once."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", help="the person who will own the key")
        parser.add_argument("--audience", default="", help="slug, audience or any text; default: the portal's API")
        parser.add_argument("--lifetime", type=int, default=None, metavar="SECONDS", help="default: the installation's")

    def act(self, options: dict[str, Any]) -> None:
        owner = user(options["username"])
        made = lifecycle.mint(
            owner, audience=options["audience"], lifetime=options["lifetime"], request=Request(actor=ACTOR)
        )
        assert made.refresh_expires_at is not None
        self.tell(
            {"refresh": made.refresh, "jti": made.jti, "refresh_expires_at": made.refresh_expires_at},
            f"refresh key  {made.refresh}",
            f"jti          {made.jti}",
            f"It lives until {made.refresh_expires_at:%Y-%m-%d %H:%M:%S} UTC. It is not shown again.",
        )
