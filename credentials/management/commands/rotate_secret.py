"""manage.py rotate_secret."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.utils import timezone

from credentials import clients
from credentials.commandkit import credential
from proxies.commandkit import ACTOR, PortalCommand


class Command(PortalCommand):
    """A second secret beside the first."""

    help = "Rotate a credential's secret: a second one works beside the first and no token ends. Printed once."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_id", help="client id or name of the credential")
        parser.add_argument("--retire-old-in-days", type=int, metavar="DAYS", help="default: retire it by hand")

    def act(self, options: dict[str, Any]) -> None:
        subject, days = credential(options["client_id"]), options["retire_old_in_days"]
        retire_at = None if days is None else timezone.now() + timedelta(days=days)
        raw = clients.rotate_secret(subject, by=ACTOR, retire_old_at=retire_at)
        until = "until you retire it" if retire_at is None else f"until {retire_at:%Y-%m-%d %H:%M} UTC"
        self.tell(
            {"client_id": subject.client_id, "client_secret": raw, "old_retires_at": retire_at},
            f"client secret  {raw}",
            f"It is not shown again. The old secret works {until}.",
        )
