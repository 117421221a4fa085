"""HTTP as it is on the wire: exactly the headers that a test names, each as often as it names them."""

import http.client
import json
import socket
from contextlib import closing
from dataclasses import dataclass
from typing import Any


@dataclass
class Heard:
    """An answer. A header that came twice is in `pairs` twice."""

    status: int
    headers: dict[str, str]
    body: bytes
    pairs: list[tuple[str, str]]

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def connect(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=20)


def ask(
    port: int,
    method: str,
    path: str,
    headers: list[tuple[str, str]] | dict[str, str] | None = None,
    body: bytes = b"",
    *,
    over: http.client.HTTPConnection | None = None,
) -> Heard:
    """One request, over a connection of its own or the given one."""
    pairs = list(headers.items()) if isinstance(headers, dict) else headers or []
    named = {name.lower() for name, _ in pairs}
    wire = over or connect(port)
    try:
        wire.putrequest(method, path, skip_host="host" in named, skip_accept_encoding=True)
        for name, value in pairs:
            wire.putheader(name, value)
        if body and not named & {"content-length", "transfer-encoding"}:
            wire.putheader("Content-Length", str(len(body)))
        wire.endheaders(body or None)
        answer = wire.getresponse()
        return Heard(answer.status, dict(answer.getheaders()), answer.read(), answer.getheaders())
    finally:
        if over is None:
            wire.close()


def raw(port: int, text: bytes) -> bytes:
    """What comes back for bytes that no client library would send."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as wire:
        wire.sendall(text)
        wire.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: wire.recv(65536), b""))
