"""manage.py client_key."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from credentials import client_keys
from credentials.commandkit import credential
from credentials.models import Credential, CredentialKey
from proxies.commandkit import ACTOR, PortalCommand, add_yes, impact_on


class Command(PortalCommand):
    """Public keys and certificates of a credential."""

    help = (
        "List a credential's public keys and certificates; add some from a file in PEM or JWKS (add CLIENT FILE); "
        "remove one (remove CLIENT KID), with all tokens of the client if you say --end-tokens."
    )

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=("list", "add", "remove"))
        parser.add_argument("client_id", help="client id or name of the credential")
        parser.add_argument("what", nargs="?", default="", help="add: the file, - is stdin; remove: the key id")
        parser.add_argument("--kid", default="", help="of add: the key id; default: of the JWKS, or the thumbprint")
        parser.add_argument("--algorithms", default="", help="of add: such as ES256; default: all that suit the key")
        parser.add_argument("--authority", action="store_true", help="of add: it issues the client's certificates")
        parser.add_argument("--end-tokens", action="store_true", help="of remove: a change (D18)")
        add_yes(parser)

    def act(self, options: dict[str, Any]) -> None:
        subject = credential(options["client_id"])
        if options["verb"] != "list" and not options["what"]:
            raise CommandError("Name the file to add, or the key id to remove.", returncode=2)
        if options["verb"] == "add":
            self._add(subject, options)
        elif options["verb"] == "remove":
            self._remove(subject, options)
        self._list(subject)

    def _add(self, subject: Credential, options: dict[str, Any]) -> None:
        upload, kid = _read(options["what"]), options["kid"]
        if options["authority"]:
            client_keys.add_authority(subject, upload, kid=kid, by=ACTOR)
        else:
            algorithms = tuple(options["algorithms"].replace(",", " ").split())
            client_keys.add_keys(subject, upload, kid=kid, algorithms=algorithms, by=ACTOR)

    def _remove(self, subject: Credential, options: dict[str, Any]) -> None:
        key = subject.keys.filter(removed_at=None, kid=options["what"]).first()
        if key is None:
            raise CommandError(f"{subject} has no key {options['what']!r} in service. client_key list shows them.")
        if options["end_tokens"]:
            ending = f"Removing this key as a change ends these tokens of {subject} at once and for good:"
            self.confirm(options, str(subject), impact_on(key, "remove-and-end"), ending)
        client_keys.remove_key(key, change=options["end_tokens"], by=ACTOR)

    def _list(self, subject: Credential) -> None:
        keys = [_told(key) for key in subject.keys.filter(removed_at=None).order_by("pk")]
        lines = [
            f"{key['kid']}  {key['kind']}  {key['algorithms'] or '-'}"
            + (f"  until {key['not_after']:%Y-%m-%d}" if key["not_after"] else "")
            for key in keys
        ]
        told = {"client_id": subject.client_id, "auth_methods": subject.auth_methods.split(), "keys": keys}
        self.tell(told, f"Methods: {', '.join(subject.auth_methods.split())}", *lines or ["No key or certificate."])


def _told(key: CredentialKey) -> dict[str, Any]:
    names = ("kid", "kind", "algorithms", "thumbprint", "subject", "not_after", "last_used_at")
    return {name: getattr(key, name) for name in names}


def _read(file: str) -> str:
    if file == "-":
        return sys.stdin.read()
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise CommandError(f"{file} cannot be read: {unreadable}") from unreadable
