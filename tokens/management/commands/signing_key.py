"""manage.py signing_key."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from proxies import catalogue
from proxies.commandkit import ACTOR, PortalCommand, add_environment_word, environment
from proxies.models import Environment
from tokens import key_outlook, signing
from tokens.models import SigningKey


class Command(PortalCommand):
    """Everything about signing keys that ends no token."""

    help = (
        "List an environment's signing keys; stage the next one; publish a staged one (publish KID), or the next one "
        "whichever it is (next), well before it signs; take back one that never signed (retire KID); say how often "
        "keys rotate by themselves (schedule)."
    )

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=("list", "stage", "publish", "next", "retire", "schedule"))
        parser.add_argument("kid", nargs="?", default="", help="of the key to publish or to take back")
        add_environment_word(parser)
        parser.add_argument("--algorithm", choices=SigningKey.Algorithm.values, help="default: like the key that signs")
        parser.add_argument("--pem", type=Path, help="a file with an unencrypted private key, instead of a new one")
        parser.add_argument("--every-days", type=int, metavar="N", help="of schedule; 0: by hand")

    def act(self, options: dict[str, Any]) -> None:
        place = environment(options["environment"])
        algorithm = options["algorithm"]
        match options["verb"]:
            case "stage":
                pem = options["pem"].read_bytes() if options["pem"] else None
                signing.stage(place, by=ACTOR, algorithm=algorithm or SigningKey.Algorithm.RS256, pem=pem)
            case "publish":
                signing.publish(_key(place, options["kid"]), by=ACTOR)
            case "next":
                signing.publish_next(place, by=ACTOR, algorithm=algorithm)
            case "retire":
                signing.retire(_key(place, options["kid"]), by=ACTOR)
            case "schedule":
                if options["every_days"] is None:
                    raise CommandError("Say how often: --every-days N, or 0 for by hand.", returncode=2)
                catalogue.change_environment(place, by=ACTOR, signing_key_rotation_days=options["every_days"] or None)
        self._list(place)

    def _list(self, place: Environment) -> None:
        keys = [
            {"kid": key.kid, "algorithm": key.algorithm, "state": key.state, **key_outlook.outlook(key)._asdict()}
            for key in SigningKey.objects.filter(environment=place).select_related("environment").order_by("-pk")
        ]
        lines = [
            f"{key['kid']}  {key['algorithm']}  {key['state']}, {key['age']} old  {key['next_step']}" for key in keys
        ]
        every = place.signing_key_rotation_days
        told = {"environment": place.slug, "rotation_days": every, "keys": keys}
        self.tell(told, f"Rotation: every {every} days" if every else "Rotation: by hand", *lines)


def _key(place: Environment, kid: str) -> SigningKey:
    found = SigningKey.objects.filter(environment=place, kid=kid).first()
    if found is None:
        raise CommandError(f"There is no signing key {kid!r} in {place}. signing_key list shows them.")
    return found
