"""manage.py change_signing_key."""

from argparse import ArgumentParser
from typing import Any

from proxies.commandkit import ACTOR, PortalCommand, add_environment_word, add_yes, environment
from tokens import impact, signing
from tokens.models import SigningKey


class Command(PortalCommand):
    """A new key at once: every JWT ends."""

    help = (
        "Change an environment's signing key: all its JWTs and the refresh tokens of their families end at once "
        "(S0.31); opaque tokens live on. rotate_signing_key ends nothing."
    )

    def add_words(self, parser: ArgumentParser) -> None:
        add_environment_word(parser)
        parser.add_argument("--algorithm", choices=SigningKey.Algorithm.values, help="default: as before, or RS256")
        add_yes(parser)

    def act(self, options: dict[str, Any]) -> None:
        place = environment(options["environment"])
        lost = impact.lines(impact.impact(environment=place, jwt_only=True))
        ending = f"Changing the signing key of {place} ends these at once and for good (rotate_signing_key ends none):"
        if place.is_default:
            ending += "\n  Everybody who is logged in with a login token is logged out."
        self.confirm(options, str(place), lost, ending)
        key = signing.change(place, by=ACTOR, algorithm=options["algorithm"])
        self.tell(
            {"environment": place.slug, "kid": key.kid, "algorithm": key.algorithm},
            f"{key} signs in {place} from now on. Every JWT of before has ended. Reload gateways that hold key files.",
        )
