"""manage.py import_simplejwt."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from tokens.commandkit import ImportCommand
from tokens.importing import import_simplejwt, simplejwt
from tokens.models import LegacyVerifier


class Command(ImportCommand):
    """Refresh tokens of djangorestframework-simplejwt, and the access tokens got with them."""

    help = (
        "Import from the database of simplejwt's token_blacklist app: refresh tokens that are neither blacklisted nor "
        "over go on working at /api/auth/refresh, and access tokens at gateways, in their own form. The key they are "
        "signed with only verifies here. docs/importing.md tells the way. Can be run again: nothing is doubled, and "
        "what was blacklisted there meanwhile ends here."
    )
    verifier = "simplejwt"

    def add_more(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--key-file", required=True, metavar="FILE",
            help="SIGNING_KEY (HS...: the shared secret, by default Django's SECRET_KEY) or VERIFYING_KEY (PEM)",
        )  # fmt: skip
        parser.add_argument("--algorithm", choices=LegacyVerifier.Algorithm.values, default="HS256")
        parser.add_argument("--kid", default="", help="key id that the headers name; default: they name none")
        parser.add_argument("--user-claim", default="user_id", metavar="NAME", help="USER_ID_CLAIM; default: user_id")

    def act(self, options: dict[str, Any]) -> None:
        wanted = simplejwt.Wanted(
            **self.common(options),
            algorithm=options["algorithm"],
            key=_key(options["key_file"]),
            kid=options["kid"],
            user_claim=options["user_claim"],
        )
        self.tell_report(
            import_simplejwt(
                self.url(options), wanted, by=self.actor, dry_run=options["dry_run"], progress=self.at_work
            )
        )


def _key(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as unreadable:
        raise CommandError(f"{name} cannot be read: {unreadable}") from unreadable
