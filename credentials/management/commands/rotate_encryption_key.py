"""manage.py rotate_encryption_key."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings

from credentials import sealed
from proxies.commandkit import PortalCommand


class Command(PortalCommand):
    """Put the new key on the first line of KEY_ENCRYPTION_KEYS, start the portal with both, then run this."""

    help = "Seal every stored secret again with the newest key of KEY_ENCRYPTION_KEYS, in batches."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("--batch-size", type=int, default=200, help="rows in one transaction")

    def act(self, options: dict[str, Any]) -> None:
        totals: dict[str, int] = {}
        for step in sealed.reseal(batch_size=max(1, options["batch_size"])):
            totals[step.column] = step.total
            self.progress(f"{step.column}: {step.done} of {step.total} ")
        newest = settings.KEY_ENCRYPTION_KEYS[0][0]
        old = sorted(key_id for key_id, _ in settings.KEY_ENCRYPTION_KEYS[1:])
        still = sealed.keys_in_use()
        removable = [key_id for key_id in old if key_id not in still]
        self.tell(
            {"newest": newest, "sealed_again": totals, "removable": removable},
            *(f"{column}: {count} sealed again with {newest}." for column, count in totals.items()),
            *(f"Key {key_id} is no longer needed; its line may be removed." for key_id in removable),
        )
