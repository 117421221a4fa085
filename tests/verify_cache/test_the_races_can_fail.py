"""The proof of the proof: a writer that forgets to mark is found out, whatever it forgets."""

from pathlib import Path

import pytest

from tests.databases import OwnDatabase
from tests.verify_cache.board import Board
from tests.verify_cache.test_races import alone, build

pytestmark = [pytest.mark.slow, pytest.mark.on_postgresql]


@pytest.mark.parametrize("door", ["verify", "introspect"])
@pytest.mark.parametrize("fault", ["never marks", "names no slot"])
def test_a_writer_with_a_fault_makes_stale_answers(
    fault: str, door: str, own_database: OwnDatabase, tmp_path: Path
) -> None:
    named = build()
    Board(tmp_path / "board")
    with alone(own_database):
        outcomes = own_database.run_in_processes(
            3, "tests.verify_cache.racing.race_with_a_fault", str(tmp_path / "board"), fault, 4, named, door
        )
    *verifiers, writer = (outcome.get() for outcome in outcomes)
    print(fault, verifiers, writer)
    assert sum(each["stale"] for each in verifiers) + writer["unrefused"] > 0
