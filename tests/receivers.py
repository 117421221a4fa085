"""A webhook's receiver and a mail server on free loopback ports: real sockets, ended by the test that started them."""

import os
import signal
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Heard:
    """One request to a receiver."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What it heard, and how it answers: a status, or `kill` with the id of the process that asks."""

    port: int = 0
    status: int = 204
    kill: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    endless: bool = False
    drips: bool = False
    heard: list[Heard] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?key=abc"


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            named = {name.lower(): value for name, value in self.headers.items()}
            receiver.heard.append(Heard(self.path, named, self.rfile.read(length)))
            if receiver.kill is not None:
                os.kill(receiver.kill, signal.SIGKILL)
                return
            with suppress(OSError):
                self._answer()

        do_GET = do_POST  # noqa: N815 - a redirect that was followed would come as one

        def _answer(self) -> None:
            if receiver.drips:
                for _ in range(10_000):
                    self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                    threading.Event().wait(0.05)
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()
            while receiver.endless:
                self.wfile.write(b"x" * 65536)

        def log_message(self, *args: Any) -> None:
            """Silent."""

    return Handler


@contextmanager
def receiving(certificate: Path | None = None, **how: Any) -> Iterator[Receiver]:
    """A receiver that runs; over TLS where a certificate with its key is given."""
    receiver = Receiver(**how)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(receiver))
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *args: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class MailServer:
    """The mails it took; `refuses` answers 550 to a recipient."""

    port: int = 0
    refuses: str = ""
    mails: list[EmailMessage] = field(default_factory=list)


def _smtp(server: MailServer) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 sink")
            while line := self.rfile.readline():
                word = line.decode().strip().upper()
                if word.startswith("DATA"):
                    self._say("354 go on")
                    server.mails.append(message_from_bytes(self._data(), policy=policy.default))
                elif word.startswith("RCPT") and server.refuses and server.refuses.upper() in word:
                    self._say("550 no such user")
                    continue
                elif word.startswith("QUIT"):
                    self._say("221 bye")
                    return
                self._say("250 ok")

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

        def _data(self) -> bytes:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line)
            return b"".join(lines)

    return Handler


@contextmanager
def mail_server(**how: Any) -> Iterator[MailServer]:
    """A mail server that runs."""
    sink = MailServer(**how)
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _smtp(sink))
    server.daemon_threads = True
    sink.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()


def use_mail(settings: Any, sink: MailServer) -> None:
    """The settings that EMAIL_URL=smtp://127.0.0.1:port makes."""
    settings.MAIL_IS_ON = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", sink.port, 5


def allow_loopback(settings: Any) -> None:
    """A receiver of a test is inside, and speaks no TLS."""
    settings.WEBHOOK_ALLOW_HTTP = True
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]


def nobody_listens() -> str:
    """An address where nothing is."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/"
