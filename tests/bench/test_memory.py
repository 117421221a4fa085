"""Peaks of memory are those of the process that was run, and a command that fails is no figure."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bench import memory
from bench.memory import Line


def test_a_command_s_peak_is_measured_and_one_that_fails_ends_the_measurement() -> None:
    line = memory.command("check", "--help", environment=os.environ, what="check")

    assert line.what == "check"
    assert 10 < line.peak_mb < 1_000
    with pytest.raises(SystemExit, match="nothing_like_it"):
        memory.command("nothing_like_it", environment=os.environ)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_sources_hold_as_many_tokens_as_were_asked_for(tmp_path: Path) -> None:
    found = {words[0]: more["SOURCE_DATABASE_URL"] for words, more, _ in memory._sources(tmp_path, 40)}

    tables = {"import_oauth_toolkit": "oauth2_provider_refreshtoken", "import_simplejwt": memory.OUTSTANDING}
    for command, table in tables.items():
        with closing(sqlite3.connect(found[command].removeprefix("sqlite:///"))) as database:
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] >= 40


def test_the_page_says_how_many_rows_there_were() -> None:
    text = memory.section([Line("worker", 120.4, 9.6)], 1_000_000)

    assert "1,000,000 access tokens" in text
    assert "| worker | 120 | 10 |" in text
