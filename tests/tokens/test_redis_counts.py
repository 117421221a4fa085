"""Redis away, slow, full, flushed or lying: the database counts, nothing breaks, nobody waits long (I14)."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from tests.tokens.doors.asking import ask_token
from tests.world import World, later
from tokens import errors, lifecycle, redis_counts
from tokens.lifecycle import Count
from tokens.models import RateLimitWindow

Behave = Callable[[socket.socket], None]


def hang(wire: socket.socket) -> None:
    while wire.recv(4096):
        pass


def hang_up(wire: socket.socket) -> None:
    wire.recv(4096)


def reset(wire: socket.socket) -> None:
    wire.recv(4096)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def say(answer: bytes) -> Behave:
    """The same answer to everything."""

    def behave(wire: socket.socket) -> None:
        while wire.recv(4096):
            wire.sendall(answer)

    return behave


TROUBLES: dict[str, Behave | None] = {
    "nobody listens": None,
    "hangs": hang,
    "hangs up": hang_up,
    "resets": reset,
    "full": say(b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"),
    "a replica": say(b"-READONLY You can't write against a read only replica.\r\n"),
    "wants a password": say(b"-NOAUTH Authentication required.\r\n"),
    "says nothing": say(b"$-1\r\n"),
    "says text": say(b"+OK\r\n"),
    "counts backwards": say(b"*1\r\n:-1\r\n"),
    "counts in words": say(b"*1\r\n$3\r\none\r\n"),
    "counts too many": say(b"*3\r\n:1\r\n:1\r\n:1\r\n"),
    "speaks another language": say(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
}


@contextlib.contextmanager
def fake(behave: Behave | None) -> Iterator[tuple[str, list[float]]]:
    """A server on loopback that behaves like that; its URL and when it was asked."""
    asked: list[float] = []
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if behave is not None:
            server.listen()

        def serve(wire: socket.socket) -> None:
            with wire, contextlib.suppress(OSError):
                assert behave is not None
                behave(wire)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    wire, _ = server.accept()
                    asked.append(time.monotonic())
                    threading.Thread(target=serve, args=(wire,), daemon=True).start()

        if behave is not None:
            threading.Thread(target=accept, daemon=True).start()
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0", asked
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    redis_counts.close()
    yield
    redis_counts.close()


@pytest.mark.parametrize("trouble", TROUBLES)
def test_i14_whatever_is_wrong_with_redis_the_database_counts_and_the_limit_holds(db: None, settings, trouble) -> None:
    with fake(TROUBLES[trouble]) as (settings.REDIS_URL, asked):
        count = Count("b", "c", allowed=3)
        for _ in range(3):
            lifecycle.limit(count, at=later(0))
        with pytest.raises(errors.RateLimited):
            lifecycle.limit(count, at=later(0))
        window = RateLimitWindow.objects.get()
    assert (window.requests, window.refused) == (4, 1)
    assert len(asked) <= 1, "the breaker leaves it in peace"


def test_i14_the_doors_answer_as_ever_while_redis_hangs(world: World, settings) -> None:
    settings.TOKEN_RATE_LIMIT_PER_MINUTE = 5
    with fake(hang) as (settings.REDIS_URL, _):
        statuses = [ask_token(world.key_of(world.orders)).status for _ in range(7)]
    # A minute may turn in between.
    assert set(statuses) <= {200, 429}
    assert statuses[0] == 200


def test_i14_after_a_pause_one_caller_finds_out_whether_redis_is_back(db: None, settings, monkeypatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(redis_counts.time, "monotonic", lambda: now[0])
    with fake(say(b"-LOADING Redis is loading the dataset in memory\r\n")) as (settings.REDIS_URL, asked):
        for seconds, times in ((0, 1), (1, 1), (redis_counts.PAUSE_SECONDS + 1, 2), (2, 2)):
            now[0] += seconds
            assert redis_counts.count([("x", 60)]) is None
            assert len(asked) <= times
    redis_counts.close()


def test_a_count_on_redis_that_is_there_costs_the_database_nothing(
    db: None, settings, django_assert_num_queries: Any
) -> None:
    if not settings.REDIS_URL:
        with fake(say(b"*1\r\n:1\r\n")) as (settings.REDIS_URL, _), django_assert_num_queries(0):
            lifecycle.limit(Count("b", "c", allowed=1), at=later(0))
        return
    with django_assert_num_queries(0):
        lifecycle.limit(Count("b", "c", allowed=1), Count("d", "e", allowed=1), at=later(0))
    with pytest.raises(errors.RateLimited):
        lifecycle.limit(Count("b", "c", allowed=1), at=later(0))


def test_i14_a_flushed_redis_starts_to_count_again_and_breaks_nothing(db: None, settings) -> None:
    if not settings.REDIS_URL:
        return
    count = Count("b", "c", allowed=1)
    lifecycle.limit(count, at=later(0))
    with pytest.raises(errors.RateLimited):
        lifecycle.limit(count, at=later(0))
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.script_flush()
    with pytest.raises(errors.RateLimited):
        lifecycle.limit(count, at=later(0))
    lifecycle.limit(Count("b", "f", allowed=1), at=later(0))
