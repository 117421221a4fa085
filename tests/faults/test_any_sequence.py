"""One fault after the other, sometimes two at once, in an order drawn from a fixed seed; the same clients all along.

Each client keeps a model of what it was given and told (tests/faults/honest.py). After each fault, and one more answer
that does not arrive, it is compared with what the two nodes say.
"""

import random
import signal
import time
from collections.abc import Callable

import pytest

from tests.faults import checks, honest, test_redis
from tests.faults.honest import Honest
from tests.faults.installation import Installation
from tests.faults.processes import send, wait_for
from tests.faults.wire import Mode

pytestmark = [pytest.mark.fault, pytest.mark.slow, pytest.mark.timeout(180)]
Fault = Callable[[Installation], object]
SEED = 26
STEPS = 9
DURING_SECONDS = 1.2
# A transaction whose answer was lost keeps its row until its client gives up, and who wants that row is told 503.
PATIENCE_SECONDS = 10.0


def kill_workers(portal: Installation) -> None:
    for node in portal.nodes:
        send(node.workers(), signal.SIGKILL)


def cut(number: int, mode: Mode) -> Fault:
    return lambda portal: portal.wires[number].switch(mode)


FAULTS: dict[str, Fault] = {
    "database stopped": lambda portal: portal.database.stop(),
    "database killed": lambda portal: portal.database.kill(),
    "database frozen": lambda portal: portal.database.freeze(all_of_it=True),
    "web workers killed": kill_workers,
    **{f"node {n}, {mode.name}": cut(n, mode) for n in (0, 1) for mode in Mode if mode is not Mode.PASS},
}
OF_REDIS = {f"Redis {name}": fault for name, fault in test_redis.FAULTS.items() if name != "asleep"}


def drawn() -> list[list[str]]:
    """Each step's faults: another one each time, every second time one of Redis with it."""
    chance = random.Random(SEED)
    of_redis = chance.sample(sorted(OF_REDIS), STEPS)
    return [
        [name, *([other] if chance.random() < 0.5 else [])]
        for name, other in zip(chance.sample(sorted(FAULTS), STEPS), of_redis, strict=True)
    ]


def heal(portal: Installation) -> None:
    if portal.redis.process is not None:
        portal.redis.signal(signal.SIGCONT)
        portal.redis.client.config_set("maxmemory", "0")
    portal.heal()
    for node in portal.nodes:
        wait_for("the node is not ready", node.is_ready, 20)


def test_i26_after_any_sequence_of_faults_each_client_holds_a_working_token_or_can_have_one_by_its_refresh_token(
    portal: Installation,
) -> None:
    steps = drawn()
    members: list[Honest] = []
    try:
        for names in steps:
            with honest.at_work(portal, members=4, again=members) as crowd:
                members = crowd.members
                time.sleep(0.3)
                for name in names:
                    (FAULTS | OF_REDIS)[name](portal)
                time.sleep(DURING_SECONDS)
                heal(portal)
                crowd.wait_until_served()
            for member in members:
                member.lose_a_refresh()
            try:
                # A worker that is killed, or a wire that is cut, leaves questions without an answer.
                crowd.judge(answers_may_be_lost=True, patience=PATIENCE_SECONDS)
            except AssertionError as lost:
                raise AssertionError(f"after {names} of {steps}: {lost}") from lost
    finally:
        heal(portal)
    checks.all_hold(portal.database, crowd)
    assert sum(len(member.asked) for member in members) > 10 * STEPS, "nobody was at work"
    assert {each.status for member in members for each in member.asked} >= {200, 503}
