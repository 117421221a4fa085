"""Web worker and database are killed with -9 at each step of each verb: all or nothing, and repeating is safe."""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import checks
from tests.faults.honest import Honest, verify
from tests.faults.installation import Installation
from tests.faults.processes import send, wait_for

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

TABLES = ("tokens_tokenfamily", "tokens_issuedtoken", "tokens_refreshkey", "tokens_tokenrequestlog")
STEPS = {
    "issue": [f"{table} INSERT" for table in TABLES],
    "refresh": ["tokens_tokenfamily UPDATE", *(f"{table} INSERT" for table in TABLES[1:])],
    "revoke": ["tokens_tokenfamily UPDATE", "tokens_tokenrequestlog INSERT"],
}
COMMIT = "at the commit"
ASLEEP = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


@pytest.fixture
def waiting(portal: Installation) -> Iterator[Installation]:
    """Triggers that wait after a step that is marked: nothing of the product is changed for it."""
    portal.database.ask("CREATE TABLE fault_mark (step text)")
    portal.database.ask("""
        CREATE FUNCTION fault_wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF EXISTS (SELECT 1 FROM fault_mark WHERE step = TG_ARGV[0]) THEN PERFORM pg_sleep(1.5); END IF;
            RETURN NULL;
        END $$""")
    for table in TABLES:
        for verb in ("INSERT", "UPDATE"):
            if (table, verb) != (TABLES[3], "UPDATE"):
                portal.database.ask(
                    f"CREATE TRIGGER fault_{verb} AFTER {verb} ON {table} FOR EACH ROW"
                    f" EXECUTE FUNCTION fault_wait('{table} {verb}')"
                )
    portal.database.ask(
        f"CREATE CONSTRAINT TRIGGER fault_commit AFTER INSERT ON {TABLES[3]} DEFERRABLE INITIALLY DEFERRED"
        f" FOR EACH ROW EXECUTE FUNCTION fault_wait('{COMMIT}')"
    )
    yield portal
    portal.heal()
    portal.database.ask("DROP FUNCTION fault_wait CASCADE")
    portal.database.ask("DROP TABLE fault_mark")


def kill_worker(portal: Installation) -> None:
    workers = portal.nodes[0].workers()
    send(workers, signal.SIGKILL)
    wait_for("the workers live on", lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def kill_database(portal: Installation) -> None:
    portal.database.kill()
    portal.database.start()


KILLS = {"the worker": kill_worker, "the database": kill_database}


@pytest.mark.parametrize("verb", STEPS)
@pytest.mark.parametrize("who", KILLS)
def test_i23_i7_i9_killed_at_any_step_it_happened_whole_or_not_at_all_and_can_be_asked_again(
    waiting: Installation, who: str, verb: str
) -> None:
    node = waiting.nodes[0]
    for step in [*STEPS[verb], COMMIT]:
        member = Honest("orders", tuple(waiting.clients["orders"]), [node])
        wait_for("the node is not ready", node.is_ready)
        assert member.issue() == 200
        before = member.access
        waiting.database.ask("INSERT INTO fault_mark VALUES (%s)", step)
        act = {"issue": member.issue, "refresh": member.use_refresh, "revoke": member.revoke}[verb]
        asking = threading.Thread(target=act)
        asking.start()
        wait_for(f"nobody came to: {step}", lambda: waiting.database.ask(ASLEEP)[0][0], 15)
        KILLS[who](waiting)
        asking.join(30)
        waiting.database.ask("DELETE FROM fault_mark")
        assert member.asked[-1].status in (None, 503), f"{step}: a promise was made before it was kept"
        wait_for("the node is not ready", node.is_ready)
        wait_for("the session that slept is still there", lambda: not waiting.database.ask(ASLEEP)[0][0], 15)

        # The same question again; who revoked has lost the token's name in the model and so has a new one.
        if verb == "refresh":
            assert member.use_refresh() == 200, f"{step}: the refresh token is lost (I23, I26)"
            assert verify(node, "orders", before) == 401
        else:
            assert member.issue() == 200
        assert verify(node, "orders", member.access) == 200
        assert checks.violations(waiting.database) == [], step
        rows = waiting.database.ask(
            "SELECT count(*) FROM tokens_tokenrequestlog WHERE request_id = %s", member.asked[1].request_id
        )
        assert int(str(rows[0][0])) <= 1


def test_i7_what_was_answered_as_revoked_stays_so_when_the_database_is_killed_right_after(portal: Installation) -> None:
    for node in portal.nodes:
        wait_for("the node is not ready", node.is_ready)
    for proxy in ("orders", "billing"):
        member = Honest(proxy, tuple(portal.clients[proxy]), list(portal.nodes))
        for _ in range(2):
            assert member.issue() == 200
            access = member.access
            assert member.revoke() == 200
            portal.database.kill()
            portal.database.start()
            for node in portal.nodes:
                wait_for("the node is not ready", node.is_ready)
                assert verify(node, proxy, access) == 401
