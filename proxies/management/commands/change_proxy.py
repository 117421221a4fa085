"""manage.py change_proxy."""

from argparse import ArgumentParser
from typing import Any

from proxies import catalogue
from proxies.commandkit import ACTOR, PortalCommand, proxy
from proxies.models import ScopeMatch
from proxies.ownership import OWNER_FIELDS


class Command(PortalCommand):
    """What may change of a proxy."""

    help = "Change an API proxy. What is not named stays. Slug and audience are permanent."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="slug of the API proxy")
        parser.add_argument("--name")
        parser.add_argument("--scopes", help="scopes defined here, separated by spaces")
        parser.add_argument("--required-scopes", help="scopes that every call needs, separated by spaces")
        parser.add_argument("--required-match", choices=ScopeMatch.values, help="are all of them needed, or any")
        parser.add_argument("--owner-name")
        parser.add_argument("--owner-team")
        parser.add_argument("--owner-email")
        parser.add_argument(
            "--accept-token-in-url",
            choices=("on", "off"),
            help="access_token of the forwarded URI; risky: URLs end up in logs and browser history",
        )

    def act(self, options: dict[str, Any]) -> None:
        subject = proxy(options["slug"])
        wanted = ("name", "scopes", "required_scopes", "required_match", *OWNER_FIELDS)
        fields = {name: options[name] for name in wanted if options[name] is not None}
        if options["accept_token_in_url"] is not None:
            fields["accept_token_in_url"] = options["accept_token_in_url"] == "on"
        catalogue.change_proxy(subject, by=ACTOR, **fields)
        told = {name: getattr(subject, name) for name in ("slug", *wanted, "accept_token_in_url")}
        self.tell(told, *(f"{name.replace('_', ' ')}: {value}" for name, value in told.items()))
