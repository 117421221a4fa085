"""manage.py policy."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from credentials.commandkit import credential
from credentials.models import Credential
from proxies.commandkit import ACTOR, PortalCommand, holder
from proxies.models import ApiProxy
from tokens import policies
from tokens.models import TokenPolicy


class Command(PortalCommand):
    """Suspend a policy or let it count again."""

    help = "Suspend a token policy (no new tokens, no refresh; tokens in use live on) or resume it (D5)."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=("suspend", "resume"))
        parser.add_argument("owner", help="slug of a proxy or group; with --credential a client id or name")
        parser.add_argument("--credential", action="store_true", help="the owner is a credential")

    def act(self, options: dict[str, Any]) -> None:
        owner = credential(options["owner"]) if options["credential"] else holder(options["owner"])
        kind = "credential" if isinstance(owner, Credential) else "proxy" if isinstance(owner, ApiProxy) else "group"
        found = TokenPolicy.objects.filter(**{kind: owner}).first()
        if found is None:
            raise CommandError(f"{owner} has no token policy. Make one: set_policy.")
        (policies.suspend if options["verb"] == "suspend" else policies.resume)(found, by=ACTOR)
        state = "suspended" if found.suspended_at else "in force"
        self.tell({"owner": options["owner"], "state": state}, f"The {found} is {state}.")
