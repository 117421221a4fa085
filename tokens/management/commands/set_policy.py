"""manage.py set_policy."""

from argparse import ArgumentParser
from typing import Any

from django.forms.models import model_to_dict

from credentials.commandkit import credential
from proxies.commandkit import ACTOR, PortalCommand, holder
from tokens import policies
from tokens.models import RefreshMode, TokenFormat
from tokens.policy_warnings import policy_warnings


class Command(PortalCommand):
    """What tokens of a proxy, group or credential are like."""

    help = (
        "Make or replace the token policy of a proxy or group (by slug) or of a credential (--credential). "
        "What is not named gets its default. Tokens handed out before keep their terms."
    )

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("owner", help="slug of a proxy or group; with --credential a client id or name")
        parser.add_argument("--credential", action="store_true", help="the owner is a credential")
        parser.add_argument("--format", choices=TokenFormat.values, default=TokenFormat.OPAQUE.value)
        parser.add_argument("--never-expires", action="store_true", help="no lifetime and no refresh token")
        parser.add_argument("--lifetime", type=int, metavar="SECONDS", help="L, of the access token")
        parser.add_argument("--no-refresh", action="store_true", help="no refresh token")
        parser.add_argument("--refresh-lifetime", type=int, metavar="SECONDS", help="R, counted from each receipt")
        parser.add_argument("--refresh-count", type=int, metavar="N", help="default: without limit")
        parser.add_argument("--refresh-mode", choices=RefreshMode.values, default=RefreshMode.ROTATING.value)
        parser.add_argument("--retry-window", type=int, metavar="SECONDS", help="0: strict")
        parser.add_argument("--family-lifetime", type=int, metavar="SECONDS", help="absolute end; default: none")

    def act(self, options: dict[str, Any]) -> None:
        owner = credential(options["owner"]) if options["credential"] else holder(options["owner"])
        given = {
            "access_token_lifetime_secs": options["lifetime"],
            "refresh_token_lifetime_secs": options["refresh_lifetime"],
            "refresh_count": options["refresh_count"],
            "retry_window_secs": options["retry_window"],
            "family_lifetime_secs": options["family_lifetime"],
        }
        made = policies.set_policy(
            owner,
            by=ACTOR,
            token_format=options["format"],
            never_expires=options["never_expires"],
            refresh_allowed=not options["no_refresh"],
            refresh_mode=options["refresh_mode"],
            **{name: value for name, value in given.items() if value is not None},
        )
        told = model_to_dict(made, exclude=("id", "proxy", "group", "credential", "suspended_at"))
        if made.never_expires:
            sentence = "Its tokens never expire; only revoking, undeploying or changing a key ends them."
        elif made.refresh_allowed:
            count = "any number of times" if made.refresh_count is None else f"{made.refresh_count} times"
            sentence = (
                f"Tokens live {made.access_token_lifetime_secs} seconds and can be refreshed {count}, "
                f"each within {made.refresh_token_lifetime_secs} seconds."
            )
        else:
            sentence = f"Tokens live {made.access_token_lifetime_secs} seconds and cannot be refreshed."
        self.tell(told, f"The policy of {owner} is set: {made.get_token_format_display()}. {sentence}")
        for warning in policy_warnings(policies.terms_of(made)):
            self.stderr.write(f"Note: {warning}")
