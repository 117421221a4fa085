"""manage.py import_oauth_toolkit."""

from argparse import ArgumentParser
from typing import Any

from tokens.commandkit import ImportCommand
from tokens.importing import import_oauth_toolkit, oauth_toolkit


class Command(ImportCommand):
    """Applications, access and refresh tokens of django-oauth-toolkit."""

    help = (
        "Import from the database of django-oauth-toolkit: its applications become credentials, and the access and "
        "refresh tokens that live go on working in their own form. docs/importing.md tells the way. "
        "Can be run again: nothing is doubled, and what was revoked there meanwhile ends here."
    )
    verifier = "oauth-toolkit"

    def add_more(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--refresh-lifetime", type=int, default=None, metavar="SECONDS",
            help="the source's REFRESH_TOKEN_EXPIRE_SECONDS; default: refresh tokens count until the end",
        )  # fmt: skip
        parser.add_argument(
            "--drop-unknown-scopes", action="store_true", help="go on where the target lacks scopes that tokens have"
        )

    def act(self, options: dict[str, Any]) -> None:
        wanted = oauth_toolkit.Wanted(
            **self.common(options),
            refresh_lifetime=options["refresh_lifetime"],
            drop_unknown_scopes=options["drop_unknown_scopes"],
        )
        self.tell_report(
            import_oauth_toolkit(
                self.url(options), wanted, by=self.actor, dry_run=options["dry_run"], progress=self.at_work
            )
        )
