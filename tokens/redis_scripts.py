"""One script on Redis, asked over kept connections: one packet there, one back.

The library connects, signs in and reads answers. Its layers for commands, pools and retries are left out here: they
take longer than the exchange itself, in every token request.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry


class Script:
    """A script and its connections, as many as are asked at the same time.

    Whatever goes wrong is raised, after `patience` seconds at most each for connecting, sending and reading, and costs
    all connections: those that are idle will hardly be better. One that was hung up while it was idle is replaced.
    """

    def __init__(self, url: str, text: str, *, patience: float) -> None:
        self._text = text
        self._digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        # Read for what the address says; it holds no connection.
        self._pool = redis.ConnectionPool.from_url(
            url,
            socket_timeout=patience,
            socket_connect_timeout=patience,
            # One try: whoever asks has another place to go.
            retry=Retry(NoBackoff(), 0),
            # Nothing is said at the start of a connection that is not needed.
            protocol=2,
            driver_info=None,
        )
        self._idle: list[Any] = []

    def run(self, keys: Sequence[str], arguments: Sequence[object] = ()) -> Any:
        """The script's answer. Raises what the library raises."""
        connection = self._taken()
        try:
            answer = self._ask(connection, (str(len(keys)), *keys, *map(str, arguments)))
        except BaseException:
            connection.disconnect()
            self.close()
            raise
        self._idle.append(connection)
        return answer

    def close(self) -> None:
        """Close the connections that nobody uses now."""
        with suppress(IndexError):
            while True:
                self._idle.pop().disconnect()

    def _taken(self) -> Any:
        """An idle connection, or a new one. Threads take from a list without a lock: its steps are atomic."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return self._connected()
            if _is_quiet(connection):
                return connection
            connection.disconnect()

    def _connected(self) -> Any:
        connection = self._pool.connection_class(**self._pool.connection_kwargs)
        connection.connect()
        return connection

    def _ask(self, connection: Any, rest: Sequence[str]) -> Any:
        connection.send_packed_command((packed("EVALSHA", self._digest, *rest),), check_health=False)
        try:
            return connection.read_response()
        except NoScriptError:
            # A new server, or one that was told to forget its scripts.
            connection.send_packed_command((packed("EVAL", self._text, *rest),), check_health=False)
            return connection.read_response()


def _is_quiet(connection: Any) -> bool:
    """Nothing waits to be read: no goodbye of the server, and no answer that nobody asked for."""
    try:
        return not connection.can_read(0)
    except redis.ConnectionError:
        return False


def packed(*words: str) -> bytes:
    """A command as Redis reads it."""
    parts = [word.encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts])
