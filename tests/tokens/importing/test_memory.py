"""An import reads page by page: ten times the rows take no more memory (I12, I25)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.databases import PROJECT, OwnDatabase
from tests.tokens.commands.calling import run
from tests.tokens.importing import sources
from tests.tokens.importing.multiplied import multiply
from tests.tokens.importing.toolkit import MODULE

FEW, MANY = 3_000, 30_000
MAY_GROW_KIB = 8 * 1024
# Where the tokens land.
PLACE = (
    ("add_environment", "test"),
    ("add_proxy", "orders", "--scopes", "read write groups"),
    ("set_mode", "orders", "credentials", "--yes"),
    ("deploy", "orders"),
)


def peak_of(environment: dict[str, str], *words: str) -> int:
    """The peak of the command's resident memory, in KiB as Linux counts it."""
    command = [sys.executable, "manage.py", *words]
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, words
    return usage.ru_maxrss


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_i12_ten_times_the_tokens_take_no_more_memory(own_database: OwnDatabase, tmp_path: Path) -> None:
    environment = own_database.environment()
    for words in PLACE:
        peak_of(environment, *words)
    other = sources.made(MODULE, f"sqlite:///{tmp_path}/first.sqlite3")
    peaks = {}
    for number in (FEW, MANY):
        copy = sources.copied(other, tmp_path / f"{number}.sqlite3")
        multiply(tmp_path / f"{number}.sqlite3", number)
        asked = ("import_oauth_toolkit", "--target", "orders", "--until", "2099-12-31", "--dry-run")
        peaks[number] = peak_of(environment | {"SOURCE_DATABASE_URL": copy.url}, *asked)
    assert peaks[MANY] - peaks[FEW] < MAY_GROW_KIB, peaks


@pytest.mark.slow
def test_the_copies_are_tokens_to_the_import_each_for_itself(db: None, tmp_path: Path) -> None:
    other = sources.made(MODULE, f"sqlite:///{tmp_path}/first.sqlite3")
    multiply(tmp_path / "first.sqlite3", 700)
    for words in PLACE:
        assert run(*words).status == 0
    done = run("import_oauth_toolkit", other.url, "--target", "orders", "--until", "2099-12-31", "--json")
    assert done.json["refresh_tokens"]["carried"] > 700, done.json
    assert done.json["access_tokens"]["carried"] > 700
