"""manage.py revoke."""

from argparse import ArgumentParser
from typing import Any

from credentials.commandkit import credential, user
from credentials.models import Credential, User
from proxies.commandkit import ACTOR, PortalCommand, add_yes, holder, impact_on
from proxies.models import ApiProxy, ProxyGroup
from tokens import lifecycle
from tokens.lifecycle import Request


class Command(PortalCommand):
    """End tokens."""

    help = "Revoke one token (--jti), or every family of a client, a user, a proxy or a group."

    def add_words(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--jti", help="of an access token: that one; of a refresh token: its family")
        what.add_argument("--client", metavar="CLIENT_ID", help="client id or name of a credential")
        what.add_argument("--user", metavar="NAME")
        what.add_argument("--proxy", metavar="SLUG", help="a proxy, or a group")
        what.add_argument("--group", dest="proxy", metavar="SLUG", help="the same as --proxy")
        parser.add_argument("--because", default="", help="kept with the tokens")
        add_yes(parser)

    def act(self, options: dict[str, Any]) -> None:
        because, request = options["because"], Request(actor=ACTOR)
        if options["jti"]:
            done = lifecycle.revoke_by_jti(options["jti"], by=ACTOR, because=because, request=request)
            self.tell({"revoked": int(done)}, "It is revoked." if done else "It was revoked before.")
            return
        subject = _subject(options)
        ending = f"Revoking everything of {subject} ends these at once and for good; new tokens can be obtained:"
        self.confirm(options, str(subject), impact_on(subject, "revoke"), ending)
        count = lifecycle.revoke_holder(subject, by=ACTOR, because=because, request=request)
        self.tell({"revoked": count}, f"{count} families of {subject} were revoked.")


def _subject(options: dict[str, Any]) -> Credential | User | ApiProxy | ProxyGroup:
    if options["client"]:
        return credential(options["client"])
    if options["proxy"]:
        return holder(options["proxy"])
    return user(options["user"])
