"""Which server: how often each starts, ends and answers as it should, under load, and what it makes of header twins.

    python -m bench.servers [--count 100] [--servers gunicorn granian]

Works on an embedded installation of its own. Each turn starts the server, waits until it answers, lets clients ask it
on new connections, sends SIGTERM in the middle, and waits until every process of it is gone. Counted are starts that
hung, ends that needed SIGKILL, orphans, and requests that were sent before the signal and never answered.
"""

import argparse
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
START_SECONDS, STOP_SECONDS, CLIENTS = 40.0, 25.0, 8
COMMANDS = {
    "gunicorn": [f"{BIN}/gunicorn", "-c", "python:config.webserver"],
    "granian": [
        f"{BIN}/granian", "--interface", "wsgi", "--workers", "2", "--blocking-threads", "4", "--no-ws",
        "--log-level", "error", "--host", "127.0.0.1", "--port", "{port}",
    ],
}  # fmt: skip
PORTAL, ECHO = "config.wsgi:application", "bench.echo:application"


@dataclass
class Figures:
    """What went wrong in so many turns."""

    turns: int = 0
    hung_starts: int = 0
    killed: int = 0
    orphans: int = 0
    answered: int = 0
    lost: int = 0
    slowest_stop: float = 0.0


@dataclass
class Load:
    """Clients that ask until they are told to end: how many were answered, and which were not."""

    port: int
    ended: threading.Event = field(default_factory=threading.Event)
    answered: int = 0
    unanswered: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        """One client: a new connection for each request, as an edge without keep-alive."""
        while not self.ended.is_set():
            # Connected means: in the server's hands, or in its queue.
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            try:
                connection.connect()
            except OSError:
                self.ended.wait(0.01)
                continue
            sent = time.monotonic()
            try:
                connection.request("GET", "/auth/verify", headers={"X-Proxy": "orders", "Authorization": "Bearer x"})
                connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                with self.lock:
                    self.unanswered.append(sent)
            else:
                with self.lock:
                    self.answered += 1
            finally:
                connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(server: str, application: str, port: int, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """The server's first process, leader of a group of its own."""
    command = [word.format(port=port) for word in COMMANDS[server]]
    return subprocess.Popen(
        [*command, application],
        cwd=CHECKOUT,
        env={**environment, "HOST": "127.0.0.1", "PORT": str(port), "WEB_CONCURRENCY": "2", "WEB_THREADS": "4"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def answers(port: int, seconds: float) -> bool:
    """Whether it answers within so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/.well-known/jwks.json")
            connection.getresponse().read()
            connection.close()
            return True
        time.sleep(0.05)
    return False


def _members(group: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError):
                fields = entry.joinpath("stat").read_text().rpartition(")")[2].split()
                if int(fields[2]) == group and fields[0] != "Z":
                    found.append(int(entry.name))
    return found


def _gone(group: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while _members(group):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def end(group: int) -> None:
    """Whatever is left of what was started here."""
    for pid in _members(group):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def turn(server: str, environment: Mapping[str, str], figures: Figures, busy_seconds: float = 0.5) -> None:
    """Start it, load it, end it."""
    port = free_port()
    process = start(server, PORTAL, port, environment)
    figures.turns += 1
    try:
        if not answers(port, START_SECONDS):
            figures.hung_starts += 1
            return
        load = Load(port)
        clients = [threading.Thread(target=load.run, daemon=True) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(busy_seconds)
        told = time.monotonic()
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            figures.killed += 1
        figures.slowest_stop = max(figures.slowest_stop, time.monotonic() - told)
        load.ended.set()
        for client in clients:
            client.join(25)
        figures.answered += load.answered
        figures.lost += sum(sent < told for sent in load.unanswered)
        if process.poll() is not None and not _gone(process.pid, 2):
            figures.orphans += 1
    finally:
        end(process.pid)
        process.wait(10)


def twins(server: str, environment: Mapping[str, str]) -> str:
    """What the application is told of X-Proxy where the client sent X_Proxy beside the gateway's."""
    port = free_port()
    process = start(server, ECHO, port, environment)
    try:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            with suppress(OSError):
                with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
                    wire.sendall(
                        b"GET / HTTP/1.1\r\nHost: x\r\nX-Proxy: mine\r\nX_Proxy: theirs\r\nConnection: close\r\n\r\n"
                    )
                    told = b""
                    while more := wire.recv(4096):
                        told += more
                return told.partition(b"\r\n\r\n")[2].decode("latin-1")
            time.sleep(0.05)
        return "no answer"
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        end(process.pid)


@contextmanager
def installation() -> Iterator[dict[str, str]]:
    """An embedded one in a folder that goes again; the environment of its processes."""
    with tempfile.TemporaryDirectory(prefix="latchkey-servers-") as folder:
        environment = {**os.environ, "DATA_DIR": folder, "DATABASE_URL": "", "REDIS_URL": ""}
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=CHECKOUT, env=environment, check=True)
        yield environment


def main(argv: list[str] | None = None) -> int:
    """Print a line for each server."""
    parser = argparse.ArgumentParser(prog="bench.servers", description="Starts, ends and header twins of the servers.")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--servers", nargs="+", choices=list(COMMANDS), default=list(COMMANDS))
    found = parser.parse_args(argv)
    with installation() as environment:
        for server in found.servers:
            figures = Figures()
            for _ in range(found.count):
                turn(server, environment, figures)
            print(f"{server}: {figures}, X-Proxy with a twin: {twins(server, environment)!r}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
