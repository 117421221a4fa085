"""manage.py signing_key."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from proxies.commandkit import ACTOR, PortalCommand, add_environment_word, environment
from tokens import signing
from tokens.models import SigningKey


class Command(PortalCommand):
    """Stage and publish the key that will sign next."""

    help = "List an environment's signing keys, stage the next one, or publish a staged one well before it signs."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=("list", "stage", "publish"))
        parser.add_argument("kid", nargs="?", default="", help="of the key to publish")
        add_environment_word(parser)
        parser.add_argument(
            "--algorithm", choices=SigningKey.Algorithm.values, default=SigningKey.Algorithm.RS256.value
        )
        parser.add_argument("--pem", type=Path, help="a file with an unencrypted private key, instead of a new one")

    def act(self, options: dict[str, Any]) -> None:
        place = environment(options["environment"])
        if options["verb"] == "stage":
            pem = options["pem"].read_bytes() if options["pem"] else None
            signing.stage(place, by=ACTOR, algorithm=options["algorithm"], pem=pem)
        elif options["verb"] == "publish":
            key = SigningKey.objects.filter(environment=place, kid=options["kid"]).first()
            if key is None:
                raise CommandError(
                    f"There is no signing key {options['kid']!r} in {place}. signing_key list shows them."
                )
            signing.publish(key, by=ACTOR)
        keys = [
            {"kid": key.kid, "algorithm": key.algorithm, "state": key.state}
            for key in SigningKey.objects.filter(environment=place).order_by("-pk")
        ]
        lines = [f"{key['kid']}  {key['algorithm']}  {key['state']}" for key in keys]
        self.tell({"environment": place.slug, "keys": keys}, *lines)
