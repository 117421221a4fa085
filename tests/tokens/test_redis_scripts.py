"""One script over kept connections: kept, replaced, never shared, never left open."""

import select
import socket

import pytest
import redis

from tests.tokens.test_redis_counts import fake, hang, say
from tokens.redis_scripts import Script, packed

PATIENCE = 2.0


def test_a_command_is_packed_by_the_length_of_its_bytes() -> None:
    assert packed("GET", "schlüssel") == b"*2\r\n$3\r\nGET\r\n$10\r\nschl\xc3\xbcssel\r\n"


def test_one_connection_serves_one_call_after_the_other() -> None:
    with fake(say(b":7\r\n")) as (url, asked):
        script = Script(url, "return 7", patience=PATIENCE)
        assert [script.run(["a"], [1]), script.run(["b"])] == [7, 7]
        script.close()
    assert len(asked) == 1


def test_a_connection_that_was_hung_up_while_it_was_idle_is_replaced_before_it_is_used() -> None:
    def once(wire: socket.socket) -> None:
        wire.recv(4096)
        wire.sendall(b":1\r\n")

    with fake(once) as (url, asked):
        script = Script(url, "return 1", patience=PATIENCE)
        assert script.run(["a"]) == 1
        _until_it_has_hung_up(script)
        assert script.run(["a"]) == 1
        script.close()
    assert len(asked) == 2


def _until_it_has_hung_up(script: Script) -> None:
    (kept,) = script._idle
    assert select.select([kept._socket], [], [], PATIENCE)[0]


def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next_one() -> None:
    with fake(say(b":1\r\n:2\r\n")) as (url, asked):
        script = Script(url, "return 1", patience=PATIENCE)
        assert [script.run(["a"]), script.run(["a"])] == [1, 1]
        script.close()
    assert len(asked) == 2


def test_after_a_fault_no_connection_is_kept() -> None:
    with fake(hang) as (url, asked):
        script = Script(url, "return 1", patience=0.05)
        for _ in range(2):
            with pytest.raises(redis.TimeoutError):
                script.run(["a"])
            assert script._idle == []
    assert len(asked) == 2


def test_a_server_that_does_not_know_the_script_is_told_it() -> None:
    heard: list[bytes] = []

    def forgetful(wire: socket.socket) -> None:
        while said := wire.recv(4096):
            heard.append(said)
            wire.sendall(b"-NOSCRIPT No matching script.\r\n" if b"EVALSHA" in said else b":5\r\n")

    with fake(forgetful) as (url, _):
        script = Script(url, "return 5", patience=PATIENCE)
        assert script.run(["key"], ["argument"]) == 5
        script.close()
    assert heard[1] == packed("EVAL", "return 5", "1", "key", "argument")
