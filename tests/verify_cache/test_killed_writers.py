"""A writer that dies with kill -9 anywhere around its commit, and writers that share no memory with the verifiers."""

import os
from pathlib import Path

import pytest

from tests.databases import OwnDatabase
from tests.verify_cache.board import Board
from tests.verify_cache.dying import WAYS
from tests.verify_cache.test_races import alone, build

ROUNDS = int(os.environ.get("VERIFY_CACHE_DEATHS", "6"))
pytestmark = [pytest.mark.fault, pytest.mark.on_postgresql]


@pytest.mark.parametrize("way", WAYS)
def test_no_answer_is_stale_after_a_write_that_came(way: str, own_database: OwnDatabase, tmp_path: Path) -> None:
    if way == "within the commit" and os.geteuid() != 0:
        pytest.skip("only root may stop a process of PostgreSQL")
    named = build()
    Board(tmp_path / "board")
    (tmp_path / "elsewhere").mkdir(mode=0o700)

    with alone(own_database):
        outcomes = own_database.run_in_processes(4, "tests.verify_cache.dying.die", str(tmp_path), way, ROUNDS, named)

    first, second, judged, _ = (outcome.get() for outcome in outcomes)
    print(way, first, second, judged)
    assert judged == {"rounds": ROUNDS, "cold": 0, "stale": 0, "unrefused": 0, "early": 0, "left": 0}
    assert first["stale"] == second["stale"] == 0
