"""The default server starts and ends cleanly under load; why it is the default is measured by the same trial.

SERVER_TURNS=100 makes it the hundred of docs/performance.md.
"""

import os

import pytest

from bench import servers
from bench.servers import Figures
from tests.databases import OwnDatabase

TURNS = int(os.environ.get("SERVER_TURNS", "3"))


@pytest.mark.slow
@pytest.mark.timeout(60 + 60 * TURNS)
def test_gunicorn_starts_and_ends_under_load_and_leaves_nothing_behind(own_database: OwnDatabase) -> None:
    environment, figures = own_database.environment(), Figures()

    for _ in range(TURNS):
        servers.turn("gunicorn", environment, figures)

    assert (figures.turns, figures.hung_starts, figures.killed, figures.orphans) == (TURNS, 0, 0, 0)
    assert figures.answered > TURNS


@pytest.mark.slow
@pytest.mark.parametrize(("server", "told"), [("gunicorn", "mine"), ("granian", "theirs")])
def test_a_header_s_twin_is_dropped_by_the_one_and_wins_at_the_other(
    own_database: OwnDatabase, server: str, told: str
) -> None:
    """The day when the other keeps them apart, it may be looked at again: this test says so."""
    assert servers.twins(server, own_database.environment()) == told
