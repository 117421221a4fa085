"""manage.py demo."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tokens import demo


class Command(BaseCommand):
    """Make the demo, and say how to use it."""

    help = "Make the demo in an empty installation; where there is data, nothing is done."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--fixtures", action="store_true", help="print its ids, secrets and audiences as JSON")
        what.add_argument("--quiet", action="store_true", help="make it and say nothing")
        what.add_argument("--welcome", action="store_true", help="print where the admin is and what to try, of a demo")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        if options["fixtures"]:
            self.stdout.write(json.dumps(self._fixtures(), indent=2))
            return
        if not options["welcome"]:
            made = demo.make()
            if options["quiet"]:
                return
            if not made:
                self.stdout.write("There is data already; the demo is made in an empty installation only.")
                return
        self._welcome(self._fixtures())

    def _fixtures(self) -> dict[str, Any]:
        found = demo.fixtures()
        if found is None:
            raise CommandError(f"There is no demo here: {demo.path()} is missing. A new DATA_DIR gets one by make run.")
        return found

    def _welcome(self, found: dict[str, Any]) -> None:
        """Three lines that work when pasted: the demo's secrets are the one exception to showing none."""
        admin, base = found["users"]["admin"], found["url"]
        orders, billing = (_basic(found["clients"][name]) for name in ("orders", "billing"))
        ask = f"-d grant_type=client_credentials {base}/oauth2/token"
        nested = f"""$(curl -s -u {orders} {ask} | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')"""
        for line in (
            f"Admin: {found['admin_url']}",
            f"  User {admin['username']}, password {admin['password']} (printed this once)",
            "",
            "Try it:",
            "  # A token for the API proxy orders",
            f"  curl -s -u {orders} {ask}",
            "  # A JWT for the API proxy billing",
            f"  curl -s -u {billing} {ask}",
            "  # Does a token of orders open orders? 200. With X-Proxy: billing it is 401",
            f'  curl -i -H "X-Proxy: orders" -H "Authorization: Bearer {nested}" {base}/auth/verify',
            "",
            "All ids and secrets of the demo: make demo-fixtures. The README goes on from here.",
        ):
            self.stdout.write(line)


def _basic(client: dict[str, str]) -> str:
    return f"{client['client_id']}:{client['client_secret']}"
