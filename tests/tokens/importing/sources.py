"""Databases of other systems, made by the real packages in a process of their own; one copy for each test."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tests.databases import PROJECT, _maintenance


@dataclass
class Other:
    """The other system: where its database is, and a way to ask its own program."""

    module: str
    url: str
    told: dict[str, Any]
    environment: dict[str, str]

    def ask(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Let its own program do something with its database."""
        inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        done = subprocess.run(
            [sys.executable, "-m", self.module, self.url],
            cwd=PROJECT,
            env={**inherited, **self.environment},
            input=json.dumps(wish),
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


def made(module: str, url: str, **environment: str) -> Other:
    """A new one."""
    other = Other(module, url, {}, environment)
    other.told = other.ask({"do": "make"})
    return other


def copied(other: Other, path: Path) -> Other:
    """A copy of one on SQLite, to change as a test wants."""
    shutil.copy(other.url.removeprefix("sqlite:///"), path)
    return Other(other.module, f"sqlite:///{path}", other.told, other.environment)


@contextmanager
def postgresql_database() -> Iterator[str]:
    """An empty database beside the one of the tests; its URL."""
    name = f"latchkey_source_{uuid.uuid4().hex[:12]}"
    with _maintenance() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))
    finally:
        with _maintenance() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
