"""manage.py rotate_signing_key."""

from argparse import ArgumentParser
from typing import Any

from proxies.commandkit import ACTOR, PortalCommand, add_environment_word, environment
from tokens import signing
from tokens.models import SigningKey


class Command(PortalCommand):
    """A new key signs; nobody is cut off."""

    help = (
        "Rotate an environment's signing key: the new one signs, the old one verifies until its last token has "
        "expired (for ever, where a never-expiring JWT was signed by it). The next key must have been published: "
        "signing_key next."
    )

    def add_words(self, parser: ArgumentParser) -> None:
        add_environment_word(parser)
        parser.add_argument("--algorithm", choices=SigningKey.Algorithm.values, help="default: as before, or RS256")
        parser.add_argument(
            "--at-once",
            action="store_true",
            help="also with a key that is not published yet, which validators with a kept JWKS refuse for a while",
        )

    def act(self, options: dict[str, Any]) -> None:
        place = environment(options["environment"])
        rotate = signing.rotate if options["at_once"] else signing.rotate_published
        key = rotate(place, by=ACTOR, algorithm=options["algorithm"])
        self.tell(
            {"environment": place.slug, "kid": key.kid, "algorithm": key.algorithm},
            f"{key} signs in {place} from now on. No token ended.",
        )
