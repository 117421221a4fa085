"""What every command uses: words for places and holders, answers for people and machines, typed confirmation.

Exit codes: 0 done, 1 refused, 2 wrong arguments, 3 not confirmed.
"""

import getpass
import json
import os
import sys
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model

from proxies.adminkit import ImpactLine, impact_of, refusals
from proxies.errors import ConfirmationMissing
from proxies.models import ApiProxy, Environment, ProxyGroup

ACTOR = "command line"
REFUSED = 1
NOT_CONFIRMED = 3
BAR_WIDTH = 30


class PortalCommand(BaseCommand):
    """A command that calls one core function. Refusals of every floor become one sentence and exit code 1.

    A subclass has `add_words` for its arguments and `act` for the call.
    """

    def add_words(self, parser: ArgumentParser) -> None:
        """The command's own arguments."""

    def act(self, options: dict[str, Any]) -> None:
        """Call the core and tell."""
        raise NotImplementedError

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="answer in JSON, for machines")
        self.add_words(parser)

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        self.as_json, self.has_told = bool(options["json"]), False
        try:
            self.act(options)
        except CommandError as wrong:
            if self.as_json and not self.has_told:
                self._print_json({"error": "invalid_request", "error_description": str(wrong)})
            raise
        except refusals() as refusal:
            code = getattr(refusal, "code", "refused")
            if self.as_json:
                self._print_json({"error": code, "error_description": str(refusal)})
            returncode = NOT_CONFIRMED if isinstance(refusal, ConfirmationMissing) else REFUSED
            raise CommandError(f"{refusal} ({code})", returncode=returncode) from refusal

    def _print_json(self, values: Mapping[str, Any]) -> None:
        self.has_told = True
        self.stdout.write(json.dumps(values, indent=2, cls=DjangoJSONEncoder))

    def tell(self, values: Mapping[str, Any], *sentences: str) -> None:
        """The values for machines, or the sentences for people."""
        if self.as_json:
            self._print_json(values)
            return
        for sentence in sentences:
            self.stdout.write(sentence)

    def progress(self, text: str) -> None:
        """A line that is written over, on a terminal only."""
        if self.stderr.isatty():
            self.stderr.write(f"\r{text}", ending="")

    def progress_bar(self, done: int, total: int, what: str) -> None:
        """The same with a bar; rows that came after `total` was counted don't lead it past its end."""
        total = max(done, total, 1)
        filled = BAR_WIDTH * done // total
        bar = "#" * filled + "." * (BAR_WIDTH - filled)
        self.progress(f"[{bar}] {100 * done // total:3} %  {done:,} of {total:,} {what}")

    def confirm(self, options: Mapping[str, Any], name: str, impact: Iterable[ImpactLine], ending: str) -> None:
        """Show what would end and have the name typed, unless --yes was given. Raises ConfirmationMissing (D12)."""
        self.stderr.write(ending)
        found = list(impact)
        for line in found:
            self.stderr.write(f"  {line.count:6}  {line.label}" + (f" ({line.detail})" if line.detail else ""))
        if not found:
            self.stderr.write("  No live token depends on it.")
        if options["yes"]:
            return
        if not sys.stdin.isatty():
            raise ConfirmationMissing("Nothing was done. Add --yes, or type the name on a terminal.")
        self.stderr.write(f"Type {name} to confirm: ", ending="")
        self.stderr.flush()
        if sys.stdin.readline().rstrip("\n") != name:
            raise ConfirmationMissing("Nothing was done: that is not the exact name.")


def add_verb(verbs: Any, name: str, help_text: str) -> ArgumentParser:
    """One verb of a command that has several."""
    parser: ArgumentParser = verbs.add_parser(name, help=help_text, description=help_text)
    # Also behind the verb, where people write it.
    parser.add_argument("--json", action="store_true", default=SUPPRESS, help="answer in JSON, for machines")
    return parser


def add_yes(parser: ArgumentParser) -> None:
    """The flag that stands for the typed name."""
    parser.add_argument("--yes", action="store_true", help="don't ask for the typed name")


def add_environment_word(parser: ArgumentParser) -> None:
    """The flag that names an environment."""
    parser.add_argument("--environment", "-e", default="", metavar="SLUG", help="default: the default environment")


def environment(slug: str) -> Environment:
    """The environment of this slug; of an empty one the default."""
    wanted = Environment.objects.filter(slug=slug) if slug else Environment.objects.filter(is_default=True)
    found = wanted.first()
    if found is None:
        known = ", ".join(Environment.objects.values_list("slug", flat=True)) or "none yet (add_environment)"
        raise CommandError(f"There is no environment {slug or 'that is the default'}. There are: {known}.")
    return found


def proxy(slug: str) -> ApiProxy:
    """The proxy of this slug."""
    found = ApiProxy.objects.filter(slug=slug).first()
    if found is None:
        raise CommandError(f"There is no API proxy {slug}. There are: {_slugs(ApiProxy)}.")
    return found


def holder(slug: str) -> ApiProxy | ProxyGroup:
    """The proxy or group of this slug: a slug is used once, by one of them (D43)."""
    found = ApiProxy.objects.filter(slug=slug).first() or ProxyGroup.objects.filter(slug=slug).first()
    if found is None:
        raise CommandError(
            f"There is no API proxy or group {slug}. Proxies: {_slugs(ApiProxy)}. Groups: {_slugs(ProxyGroup)}."
        )
    return found


def _slugs(model: type[ApiProxy] | type[ProxyGroup]) -> str:
    return ", ".join(model._default_manager.order_by("slug").values_list("slug", flat=True)[:20]) or "none yet"


def impact_on(subject: Model, act: str) -> list[ImpactLine]:
    """What an act would end, by every floor that has registered."""
    return impact_of(subject, act)


def hidden(what: str, *, file: str, variable: str) -> str:
    """A secret or token: from a file (- is the standard input), from an environment variable, or asked for.

    Never from the command line, which every user of the machine can read.
    """
    if file and file != "-":
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as unreadable:
            raise CommandError(f"{file} cannot be read: {unreadable}") from unreadable
    if not file and os.environ.get(variable):
        return os.environ[variable].strip()
    value = sys.stdin.readline() if file == "-" or not sys.stdin.isatty() else getpass.getpass(f"{what}: ")
    if not value.strip():
        raise CommandError(f"{what} is missing. Give a file, the variable {variable}, or a line of standard input.")
    return value.strip()
