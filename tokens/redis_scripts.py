"""One script on Redis, asked over kept connections: one packet there, one back.

The library connects and signs in, and its parser reads the answers. Its layers for commands, pools and retries are left
out here: they take longer than the exchange itself, in every token request.
"""

import hashlib
import select
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import hiredis
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_PIECE = 65_536


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
        self._idle: list[_Wire] = []

    def run(self, keys: Sequence[str], arguments: Sequence[object] = ()) -> Any:
        """The script's answer. Raises what the library raises."""
        wire = self._taken()
        try:
            answer = self._ask(wire, (str(len(keys)), *keys, *map(str, arguments)))
        except BaseException:
            wire.close()
            self.close()
            raise
        self._idle.append(wire)
        return answer

    def close(self) -> None:
        """Close the connections that nobody uses now."""
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _taken(self) -> "_Wire":
        """An idle connection, or a new one. Threads take from a list without a lock: its steps are atomic."""
        while True:
            try:
                wire = self._idle.pop()
            except IndexError:
                return self._connected()
            if wire.is_quiet():
                return wire
            wire.close()

    def _connected(self) -> "_Wire":
        connection = self._pool.connection_class(**self._pool.connection_kwargs)
        connection.connect()
        return _Wire(connection)

    def _ask(self, wire: "_Wire", rest: Sequence[str]) -> Any:
        answer = wire.ask(packed("EVALSHA", self._digest, *rest))
        if _is_error(answer, "NOSCRIPT"):
            # A new server, or one that was told to forget its scripts.
            answer = wire.ask(packed("EVAL", self._text, *rest))
        if _is_error(answer):
            raise redis.ResponseError(str(answer))
        return answer


class _Wire:
    """A connection that the library has made, and the parser of what comes back on it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._socket = connection._sock  # noqa: SLF001 - it has no public name
        self._reader = hiredis.Reader()
        self._ear = select.poll()
        self._ear.register(self._socket, select.POLLIN | select.POLLPRI)  # a hang-up is always told

    def is_quiet(self) -> bool:
        """Nothing waits to be read: no goodbye of the server, and no answer that nobody asked for."""
        return not self._reader.has_data() and not self._ear.poll(0)

    def ask(self, command: bytes) -> Any:
        """The answer, which may be an error. Raises the library's errors, or the parser's own for nonsense."""
        try:
            self._socket.sendall(command)
            while (answer := self._reader.gets()) is False:
                piece = self._socket.recv(_PIECE)
                if not piece:
                    raise redis.ConnectionError("Redis has hung up")
                self._reader.feed(piece)
        except TimeoutError as late:
            raise redis.TimeoutError("Redis does not answer") from late
        except OSError as broken:
            raise redis.ConnectionError("Redis cannot be asked") from broken
        return answer

    def close(self) -> None:
        self._connection.disconnect()


def _is_error(answer: object, kind: str = "") -> bool:
    return isinstance(answer, hiredis.ReplyError) and str(answer).startswith(kind)


def packed(*words: str) -> bytes:
    """A command as Redis reads it."""
    parts = [word.encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts])
