"""manage.py apply."""

import dataclasses
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError

from proxies.commandkit import ACTOR, PortalCommand, add_yes
from proxies.errors import ConfirmationMissing
from tokens import configuration, secret_file
from tokens.configuration import Made, Plan

DRIFT = 2
_LARGEST_SECRET_FILE = 4096


class Command(PortalCommand):
    """Configuration as code."""

    help = (
        "Make the configuration what a file says: environments, proxies, groups, credentials, policies, grants, "
        "connections. Shows the plan, asks, and carries it out whole or not at all. What the file leaves out stays as "
        "it is. docs/configuration.md describes the file; manage.py export writes one."
    )

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="YAML or JSON; - is the standard input")
        parser.add_argument("--check", action="store_true", help="change nothing; exit code 2 where something differs")
        parser.add_argument(
            "--secrets-out", default="", metavar="FILE", help="new file (0600) for the secrets that are made, as JSON"
        )
        add_yes(parser)

    def act(self, options: dict[str, Any]) -> None:
        folder = Path(options["file"]).parent
        wanted = configuration.read(_text(options["file"]))

        def read_secret(name: str) -> str:
            with (folder / name).open(encoding="utf-8") as file:
                return file.read(_LARGEST_SECRET_FILE)

        plan = configuration.plan(wanted, read_secret=read_secret)
        if options["check"] or plan.nothing:
            self._tell(plan, applied=False)
            if not plan.nothing:
                raise SystemExit(DRIFT)
            return
        out = _file_for_secrets(plan, options["secrets_out"])
        self._ask(plan, options)
        keeper = _Keeper(out)
        try:
            configuration.apply(
                wanted, by=ACTOR, confirmed=plan.fingerprint, read_secret=read_secret, hand_over=keeper.write
            )
        except DatabaseError:
            # The answer to a commit can be lost: the secrets may count, so their file stays.
            if keeper.written:
                self.stderr.write(f"Whether it was done is not known. Ask with --check before deleting {out}.")
            raise
        self._tell(plan, applied=True, written=keeper.written)

    def _ask(self, plan: Plan, options: dict[str, Any]) -> None:
        """The plan, then yes; or, where something would end, the names of what it is done to (D12)."""
        for line in _lines(plan):
            self.stderr.write(line)
        if options["yes"]:
            return
        if not sys.stdin.isatty():
            raise ConfirmationMissing("Nothing was done. Add --yes, or answer on a terminal.")
        for word in plan.to_confirm or ["yes"]:
            self.stderr.write(f"Type {word} to confirm: ", ending="")
            self.stderr.flush()
            if sys.stdin.readline().rstrip("\n") != word:
                raise ConfirmationMissing("Nothing was done: that is not it.")

    def _tell(self, plan: Plan, *, applied: bool, written: str = "") -> None:
        told = {**plan.shown(), "applied": applied, "secrets_file": written}
        if plan.nothing:
            sentences = [f"Everything is as the file says ({plan.unchanged} things)."]
        elif applied:
            sentences = [f"Done: {_count(len(plan.steps), 'step')}."]
            sentences += [f"The secrets are in {written}. They are not shown again."] if written else []
        else:
            sentences = [*_lines(plan), f"It differs in {_count(len(plan.steps), 'step')}. Nothing was done."]
        self.tell(told, *sentences)


def _lines(plan: Plan) -> Iterator[str]:
    for each in plan.steps:
        yield f"{'!' if each.step.dangerous else '-'} {each.sentence}"
        for line in each.impact:
            yield f"    {line.count:6}  {line.label}" + (f" ({line.detail})" if line.detail else "")
    yield f"{_count(plan.unchanged, 'thing')} of the file {'is' if plan.unchanged == 1 else 'are'} so already."
    if plan.unnamed:
        names = ", ".join(plan.unnamed[:10]) + (" ..." if len(plan.unnamed) > 10 else "")
        yield f"Not in the file, and left as they are: {names}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _text(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise CommandError(f"{name} cannot be read: {unreadable}") from unreadable


def _file_for_secrets(plan: Plan, name: str) -> Path | None:
    """Where the secrets will go, known before anybody is asked anything."""
    if not name:
        if plan.secrets:
            raise CommandError(
                f"The plan makes {_count(plan.secrets, 'secret')}, shown to nobody again. Say where they shall go: "
                "--secrets-out FILE"
            )
        return None
    if Path(name).exists():
        raise CommandError(f"{name} is there already. Secrets are never written over others.")
    if not Path(name).absolute().parent.is_dir():
        raise CommandError(f"There is no folder for {name}.")
    return Path(name)


class _Keeper:
    """Writes the secrets before the commit."""

    def __init__(self, path: Path | None) -> None:
        self.path, self.written = path, ""

    def write(self, made: Made) -> None:
        assert self.path is not None  # asked for before the plan was carried out
        try:
            secret_file.write_new(self.path, dataclasses.asdict(made))
        except OSError as unwritable:
            raise CommandError(f"{self.path} cannot be written ({unwritable}). Nothing was done.") from unwritable
        self.written = str(self.path)
