"""manage.py withdraw."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from credentials import clients
from credentials.commandkit import grantee, told_of
from proxies.commandkit import ACTOR, PortalCommand, add_yes, holder, impact_on
from proxies.models import ApiProxy


class Command(PortalCommand):
    """End a grant."""

    help = "Withdraw a grant: tokens that stand on it are refused from the next request on (D14)."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_id", help="client id or name of the credential; with --user a user name")
        parser.add_argument("target", help="slug of a proxy or group")
        parser.add_argument("--user", action="store_true", help="the grant is to a person")
        parser.add_argument("--note", default="", help="kept in the history")
        add_yes(parser)

    def act(self, options: dict[str, Any]) -> None:
        subject, target = grantee(options), holder(options["target"])
        kind = "proxy" if isinstance(target, ApiProxy) else "group"
        found = subject.grants.filter(withdrawn_at=None, **{kind: target}).first()
        if found is None:
            raise CommandError(f"{subject} has no grant for {target} that could be withdrawn.")
        ending = f"{subject} loses {target}. Granting it again revives what has not expired:"
        self.confirm(options, str(subject), impact_on(found, "withdraw"), ending)
        clients.withdraw(found, by=ACTOR, note=options["note"])
        self.tell({**told_of(subject), "target": target.slug}, f"{subject} may no longer use {target}.")
