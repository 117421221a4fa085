"""A tiny API behind the gateways: it says what it was asked, header by header, as it came."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Call:
    """One request as it arrived."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: str


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        told = {"method": self.command, "path": self.path, "headers": self.headers.items(), "body": body.decode()}
        self.server.seen.append(Call(**told))  # type: ignore[attr-defined]
        content = json.dumps(told).encode()
        # /status/418 is answered with 418: what the API itself refuses must arrive as the API said it.
        status = int(self.path.rsplit("/", 1)[1]) if self.path.startswith("/status/") else 200
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing is printed: what a failing test needs is in its answer."""


for _method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
    setattr(_Echo, f"do_{_method}", _Echo._answer)


class Api(ThreadingHTTPServer):
    """The API, and every call that has reached it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Echo)
        self.seen: list[Call] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A gateway that hangs up is no error of the API's."""


@contextmanager
def upstream() -> Iterator[Api]:
    """The API while it runs."""
    server = Api()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
