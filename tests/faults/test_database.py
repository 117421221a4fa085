"""The database is stopped, killed, frozen, cut off, used up: 503, nothing lost, back by itself in five seconds."""

import time
from contextlib import ExitStack, suppress

import psycopg
import pytest

from tests.faults.honest import Crowd
from tests.faults.installation import Installation
from tests.faults.wire import Mode

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]
DURING_SECONDS = 3.0
# The longest statement (3 s here), what the client adds to it, the wait for a connection before, a busy machine.
LONGEST_ANSWER_SECONDS = 10.0


def meanwhile(crowd: Crowd, seconds: float = DURING_SECONDS) -> None:
    """Let the clients go on, and look only at what they are answered from now on."""
    crowd.statuses()
    time.sleep(seconds)


def bounded(crowd: Crowd) -> None:
    slowest = max(member.slowest for member in crowd.members)
    assert slowest < LONGEST_ANSWER_SECONDS, f"somebody waited {slowest:.1f} seconds"


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_i13_i7_a_database_that_is_stopped_or_killed_is_503_and_comes_back_by_itself(
    portal: Installation, crowd: Crowd, how: str
) -> None:
    meanwhile(crowd, 1)
    getattr(portal.database, how)()
    meanwhile(crowd)
    assert crowd.statuses()[503] > 0
    portal.database.start()
    crowd.wait_until_served()
    meanwhile(crowd, 1)
    assert set(crowd.statuses()) <= {200, 503}
    bounded(crowd)


def test_i13_where_only_the_postmaster_is_frozen_open_sessions_go_on(portal: Installation, crowd: Crowd) -> None:
    portal.database.freeze(all_of_it=False)
    meanwhile(crowd)
    assert crowd.statuses()[200] > 0
    # New sessions hang after the TCP connection: the client's own limit makes 503 of them.
    for wire in portal.wires:
        wire.switch(Mode.CUT)
    meanwhile(crowd, 5)
    assert crowd.statuses()[503] > 0
    portal.database.thaw()
    crowd.wait_until_served()
    bounded(crowd)


def test_i13_a_database_that_is_frozen_whole_is_503_too(portal: Installation, crowd: Crowd) -> None:
    """Its kernel still acknowledges, so no limit of the server and none of TCP ends the wait: the client's does."""
    portal.database.freeze(all_of_it=True)
    meanwhile(crowd, LONGEST_ANSWER_SECONDS + 2)
    assert crowd.statuses()[503] > 0
    portal.database.thaw()
    crowd.wait_until_served()
    bounded(crowd)


@pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.BLACKHOLE, Mode.RESET, Mode.HALFOPEN, Mode.CUT, Mode.DELAY])
def test_i13_i23_a_node_cut_off_from_the_database_is_503_and_the_other_goes_on(
    portal: Installation, crowd: Crowd, mode: Mode
) -> None:
    portal.wires[0].switch(mode)
    meanwhile(crowd, 6 if mode in (Mode.BLACKHOLE, Mode.HALFOPEN) else DURING_SECONDS)
    answered = crowd.statuses()
    assert answered[200] > 0, "the other node"
    assert set(answered) <= {200, 503}
    if mode not in (Mode.CUT, Mode.DELAY):
        assert answered[503] > 0
    portal.wires[0].switch(Mode.PASS)
    crowd.wait_until_served()
    bounded(crowd)


def test_i13_connections_used_up_by_others_are_503(portal: Installation, crowd: Crowd) -> None:
    with ExitStack() as hoard:
        for wire in portal.wires:
            wire.switch(Mode.REFUSE)
        with suppress(psycopg.OperationalError):  # too many clients
            for _ in range(100):
                hoard.enter_context(psycopg.connect(portal.database.url(), connect_timeout=5))
            pytest.fail("the server takes any number of connections")
        for wire in portal.wires:
            wire.switch(Mode.PASS)
        meanwhile(crowd)
        assert crowd.statuses()[503] > 0
    crowd.wait_until_served()
    bounded(crowd)


def test_i13_a_lock_that_somebody_keeps_is_503_where_it_is_needed_and_nothing_elsewhere(
    portal: Installation, crowd: Crowd
) -> None:
    with psycopg.connect(portal.database.url()) as wire:
        wire.execute("LOCK TABLE tokens_tokenfamily IN EXCLUSIVE MODE")
        meanwhile(crowd, 5)
        seen = {action: set() for action in ("issue", "refresh", "revoke", "verify")}
        for member in crowd.members:
            for action, status in list(member.seen):
                seen[action].add(status)
    assert seen["verify"] <= {200}, "reading waits for nobody"
    assert 503 in seen["issue"] | seen["refresh"] | seen["revoke"]
    crowd.wait_until_served()
    bounded(crowd)


def test_i13_a_database_that_only_reads_hands_out_nothing_and_still_verifies(
    portal: Installation, crowd: Crowd
) -> None:
    """As after a failover to a replica."""
    portal.database.ask("ALTER DATABASE portal SET default_transaction_read_only = on", name="postgres")
    try:
        for wire in portal.wires:
            wire.switch(Mode.CUT)
        meanwhile(crowd)
        verified = {status for member in crowd.members for action, status in list(member.seen) if action == "verify"}
        asked = {status for member in crowd.members for action, status in list(member.seen) if action != "verify"}
        assert 200 in verified
        assert 503 in asked
    finally:
        portal.database.ask(
            "SET default_transaction_read_only = off; ALTER DATABASE portal RESET default_transaction_read_only",
            name="postgres",
        )
        for wire in portal.wires:
            wire.switch(Mode.CUT)
    crowd.wait_until_served()
