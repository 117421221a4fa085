"""manage.py retire_secret."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from credentials import clients
from credentials.commandkit import credential
from proxies.commandkit import ACTOR, PortalCommand


class Command(PortalCommand):
    """Take the older of two secrets out of service."""

    help = "Retire the older of a credential's two secrets, after a rotation. No token ends (D18)."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_id", help="client id or name of the credential")

    def act(self, options: dict[str, Any]) -> None:
        subject = credential(options["client_id"])
        older = subject.secrets.filter(slot__isnull=False).order_by("created_at", "pk").first()
        if older is None:
            raise CommandError(f"{subject} has no secret in service.")
        clients.retire_secret(older, by=ACTOR)
        self.tell({"client_id": subject.client_id}, f"The older secret of {subject} is retired.")
