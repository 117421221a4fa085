"""manage.py legacy_verifier."""

# ruff: noqa: ARG002 - verbs are called alike

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from proxies.commandkit import ACTOR, PortalCommand, add_verb, add_yes, impact_on
from tokens import legacy
from tokens.commandkit import moment
from tokens.models import LegacyVerifier


class Command(PortalCommand):
    """What knows imported tokens, and until when."""

    help = "Imported tokens keep their form until their verifier ends: list, move-end, end."

    def add_words(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        add_verb(verbs, "list", "verifiers, their ends, and how many token families came with them")
        moving = add_verb(verbs, "move-end", "another end, later or sooner")
        moving.add_argument("name")
        moving.add_argument("until", type=moment, metavar="TIME", help="ISO 8601")
        ending = add_verb(verbs, "end", "end it now: none of its tokens is known any more")
        ending.add_argument("name")
        add_yes(ending)

    def act(self, options: dict[str, Any]) -> None:
        verbs: dict[str, Callable[[dict[str, Any]], None]] = {
            "list": self._list,
            "move-end": self._move_end,
            "end": self._end,
        }
        verbs[options["verb"]](options)

    def _list(self, options: dict[str, Any]) -> None:
        found = [_told(each) for each in LegacyVerifier.objects.select_related("environment")]
        sentences = [
            f"{each['name']}  {each['kind']} {each['algorithm']}  {each['state']}, "
            f"ends {each['ends_at']:%Y-%m-%d %H:%M} UTC  {each['families']} families"
            for each in found
        ]
        self.tell({"verifiers": found}, *(sentences or ["Nothing was imported."]))

    def _move_end(self, options: dict[str, Any]) -> None:
        subject = _verifier(options["name"])
        legacy.move_end(subject, options["until"], by=ACTOR)
        self.tell(_told(subject), f"{subject} ends {subject.ends_at:%Y-%m-%d %H:%M} UTC.")

    def _end(self, options: dict[str, Any]) -> None:
        subject = _verifier(options["name"])
        ending = f"Ending {subject} ends these at once and for good, unless they have been refreshed here:"
        self.confirm(options, str(subject), impact_on(subject, "end"), ending)
        legacy.end(subject, by=ACTOR)
        self.tell(_told(subject), f"{subject} has ended. Its tokens are unknown from now on.")


def _verifier(name: str) -> LegacyVerifier:
    found = LegacyVerifier.objects.filter(name=name).select_related("environment").first()
    if found is None:
        known = ", ".join(LegacyVerifier.objects.values_list("name", flat=True)) or "none"
        raise CommandError(f"There is no verifier {name}. There are: {known}.")
    return found


def _told(each: LegacyVerifier) -> dict[str, Any]:
    return {
        "name": each.name,
        "kind": each.kind,
        "algorithm": each.algorithm,
        "kid": each.kid,
        "environment": each.environment.slug,
        "state": "in use" if each.ends_at > timezone.now() else "ended",
        "ends_at": each.ends_at,
        "families": each.families.count(),
    }
