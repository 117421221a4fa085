"""Redis is stopped, frozen, full, flushed, slow, cut off: no answer differs, none fails, none takes long (I14)."""

import signal
import threading
import time
from collections.abc import Callable

import pytest

from tests.faults.honest import Crowd
from tests.faults.installation import Installation
from tests.faults.wire import Mode

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]
Fault = Callable[[Installation], object]


def stop(portal: Installation) -> None:
    portal.redis.stop()


def freeze(portal: Installation) -> None:
    portal.redis.signal(signal.SIGSTOP)


def fill(portal: Installation) -> None:
    portal.redis.client.config_set("maxmemory", "1")


def sleep(portal: Installation) -> None:
    threading.Thread(target=lambda: portal.redis.client.execute_command("DEBUG", "SLEEP", "2"), daemon=True).start()


def flush(portal: Installation) -> None:
    for _ in range(300):
        portal.redis.client.flushall()
        portal.redis.client.script_flush()
        time.sleep(0.005)


def cut(mode: Mode) -> Fault:
    return lambda portal: portal.redis_wire.switch(mode)


FAULTS: dict[str, Fault] = {
    "stopped": stop,
    "frozen": freeze,
    "full": fill,
    "asleep": sleep,
    "flushed in a loop": flush,
    **{mode.value: cut(mode) for mode in (Mode.BLACKHOLE, Mode.RESET, Mode.HALFOPEN, Mode.DELAY, Mode.REFUSE)},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_i14_whatever_happens_to_redis_all_decisions_stay_right(portal: Installation, crowd: Crowd, fault: str) -> None:
    crowd.statuses()
    portal.redis_wire.delay = 0.3
    try:
        FAULTS[fault](portal)
        time.sleep(2)
        answered = crowd.statuses()
        assert set(answered) == {200}, answered
        assert max(member.slowest for member in crowd.members) < 5
    finally:
        if portal.redis.process is not None:
            portal.redis.signal(signal.SIGCONT)
            portal.redis_wire.switch(Mode.PASS)
            portal.redis.client.config_set("maxmemory", "0")


def test_i14_the_limiter_counts_on_redis_while_it_is_there(portal: Installation, crowd: Crowd) -> None:
    """Or the tests above would show nothing."""
    portal.redis.client.flushall()
    time.sleep(7)  # the breaker's pause of the test before
    assert list(portal.redis.client.scan_iter("*limit:token:*"))
