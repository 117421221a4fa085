"""With a wrong encryption key nothing starts, nothing is changed, and the sentence says what to do (S4, D19)."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from config import keyfiles
from tests.databases import PROJECT
from tests.wire import free_port


def environment(data: Path) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "PUBLIC_URL")
    }
    return {**kept, "DATA_DIR": str(data), "PORT": str(free_port()), "HOST": "127.0.0.1", "DEMO": "0"}


def run(data: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=PROJECT,
        env=environment(data),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def sealed_elsewhere(tmp_path: Path) -> Path:
    """A data folder with a sealed signing key, whose encryption key was swapped for another of the same name."""
    data = tmp_path / "data"
    assert run(data, "manage.py", "migrate").returncode == 0
    assert run(data, "manage.py", "add_environment", "test").returncode == 0
    assert run(data, "manage.py", "rotate_signing_key").returncode == 0
    keys = data / "secrets" / "key_encryption_keys"
    name = keys.read_text().split(":")[0]
    keys.write_text(f"{name}:{keyfiles.new_encryption_key().split(':')[1]}")
    return data


def sealed(data: Path) -> list[tuple[bytes]]:
    with sqlite3.connect(data / "latchkey.sqlite3") as database:
        return database.execute("SELECT sealed_private_key FROM tokens_signingkey").fetchall()


def test_a_wrong_key_refuses_to_start_and_changes_nothing(sealed_elsewhere: Path) -> None:
    before = sealed(sealed_elsewhere)
    for command in (
        ("-m", "config.portal"),
        ("-m", "gunicorn", "-c", "python:config.webserver", "config.wsgi"),
        ("manage.py", "rotate_encryption_key"),
    ):
        refused = run(sealed_elsewhere, *command)
        assert refused.returncode != 0, command
        assert "ut the key back that sealed it" in refused.stdout + refused.stderr, command
    assert sealed(sealed_elsewhere) == before
