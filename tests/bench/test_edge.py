"""Servers that are restarted one after the other behind nginx: nobody who asks through it notices.

EDGE_TURNS=100 makes it the hundred of docs/performance.md.
"""

import os
from pathlib import Path

import pytest

from bench import edge
from tests.databases import OwnDatabase

TURNS = int(os.environ.get("EDGE_TURNS", "2"))


@pytest.mark.slow
@pytest.mark.timeout(120 + 60 * TURNS)
def test_a_rolling_restart_behind_nginx_loses_no_request(own_database: OwnDatabase) -> None:
    found = edge.restarts("gunicorn", own_database.environment(), TURNS)

    assert (found.restarts, found.killed) == (TURNS, 0)
    assert not found.lost
    assert min(found.answered["GET"], found.answered["POST"]) > TURNS


def test_the_trial_s_nginx_differs_from_the_deployed_one_in_places_and_tls_alone() -> None:
    shipped = edge.CONFIGURATION.read_text()

    text = edge.configured(shipped, Path("/somewhere"), 1234, (81, 82))

    assert "listen 127.0.0.1:1234;" in text
    assert "server 127.0.0.1:81 " in text
    assert "server 127.0.0.1:82 " in text
    assert "ssl" not in text.replace("# (How nginx", "")
    assert "/tmp/" not in text
    assert text.count("proxy_next_upstream") == shipped.count("proxy_next_upstream")
