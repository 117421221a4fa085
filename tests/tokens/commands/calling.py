"""Calling commands as a shell does: words in, two streams and an exit code out."""

import io
import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError


@dataclass
class Done:
    """What a command left."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


class Terminal(io.StringIO):
    """Somebody types into it, or reads from it."""

    def isatty(self) -> bool:
        return True


def run(*words: str, typed: str | None = None, piped: str = "", watched: bool = False) -> Done:
    """Run a command; `typed` comes from a terminal, `piped` from a pipe. `watched`: somebody sees its stderr."""
    out, err = io.StringIO(), Terminal() if watched else io.StringIO()
    source = io.StringIO(piped) if typed is None else Terminal(typed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", source)
        for name in ("CLIENT_SECRET", "REFRESH_TOKEN", "TOKEN", "GATEWAY_TOKEN"):
            patch.delenv(name, raising=False)
        try:
            call_command(*words, stdout=out, stderr=err)
        except CommandError as refused:
            return Done(refused.returncode, out.getvalue(), f"{err.getvalue()}{refused}")
        except SystemExit as ended:
            return Done(int(ended.code or 0), out.getvalue(), err.getvalue())
    return Done(0, out.getvalue(), err.getvalue())
