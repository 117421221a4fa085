"""Rolling restarts behind nginx: two servers with kept-alive connections, each ended in its turn under load.

    python -m bench.edge [--count 100] [--servers gunicorn granian]

nginx runs by deploy/edge/nginx.conf, without TLS and on loopback. Clients ask it on connections that stay: half of them
/auth/verify (GET), half introspection (POST). Counted are answers that are no decision of the portal. nginx asks the
other server again for a GET; a POST that was sent is never sent twice.
"""

import argparse
import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench import servers

CONFIGURATION = servers.CHECKOUT / "deploy" / "edge" / "nginx.conf"
CLIENTS, BETWEEN_SECONDS = 8, 3.0
# What an empty portal says to a proxy, and an environment, that it does not know. Anything else is no decision.
DECISIONS = frozenset((400, 404))
GET = ("GET", "/auth/verify", None, {"X-Proxy": "orders", "Authorization": "Bearer x"})
POST = (
    "POST",
    "/oauth2/introspect",
    "token=x",
    {"Authorization": "Basic eDp5", "Content-Type": "application/x-www-form-urlencoded"},
)


@dataclass
class Restarts:
    """What came of so many restarts: answers by method, and those that were none."""

    restarts: int = 0
    killed: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)


@dataclass
class Clients:
    """Callers of the edge that keep their connections, until they are told to end."""

    port: int
    figures: Restarts
    ended: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> None:
        """One of them."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=40)
        while not self.ended.is_set():
            try:
                connection.request(method, path, body, dict(headers))
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException):
                connection.close()
                status = 0
            with self.lock:
                if status in DECISIONS:
                    self.figures.answered[method] += 1
                else:
                    self.figures.lost[f"{method} {status or 'no answer'}"] += 1
        connection.close()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """While the block runs, all of them ask."""
        threads = [
            threading.Thread(target=self.run, args=(POST, GET)[turn % 2], daemon=True) for turn in range(CLIENTS)
        ]
        for each in threads:
            each.start()
        try:
            yield
        finally:
            self.ended.set()
            for each in threads:
                each.join(45)


def configured(text: str, folder: Path, port: int, behind: tuple[int, int]) -> str:
    """The edge's configuration on loopback: other ports, no TLS, its files in a folder."""
    text = re.sub(r"^ *ssl_.*\n", "", text, flags=re.MULTILINE)
    text = text.replace("listen 8443 ssl", f"listen 127.0.0.1:{port}").replace("/tmp/", f"{folder}/")
    text = text.replace("/dev/stdout", f"{folder}/access.log")
    for name, each in zip(("web-1:8000", "web-2:8000"), behind, strict=True):
        text = text.replace(name, f"127.0.0.1:{each}")
    return text


@contextmanager
def edge(behind: tuple[int, int]) -> Iterator[int]:
    """nginx in front of two servers; its port."""
    nginx, port = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin"), servers.free_port()
    if nginx is None:
        raise SystemExit("nginx is missing (Debian: apt install nginx-light).")
    with tempfile.TemporaryDirectory(prefix="latchkey-edge-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        (folder / "nginx.conf").write_text(configured(CONFIGURATION.read_text(), folder, port, behind))
        command = [nginx, "-p", made, "-c", f"{made}/nginx.conf", "-e", f"{made}/error.log", "-g", "daemon off;"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            if not servers.answers(port, servers.START_SECONDS):
                raise SystemExit((folder / "error.log").read_text())
            yield port
        finally:
            process.send_signal(signal.SIGQUIT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            if process.poll() is None:
                process.kill()
                process.wait()


def restarts(server: str, environment: Mapping[str, str], count: int) -> Restarts:
    """Restart the two in turn, `count` times in all. Raises SystemExit where one does not start."""
    ports, figures = (servers.free_port(), servers.free_port()), Restarts()
    unlimited = {"TOKEN_RATE_LIMIT_PER_MINUTE": "0", "CLIENT_RATE_LIMIT_PER_MINUTE": "0"}

    def begin(port: int) -> "subprocess.Popen[bytes]":
        process = servers.start(server, servers.PORTAL, port, {**environment, **unlimited})
        if not servers.answers(port, servers.START_SECONDS):
            raise SystemExit(f"{server} does not start.")
        return process

    running = [begin(port) for port in ports]
    try:
        with edge(ports) as port, Clients(port, figures).asking():
            for turn in range(count):
                process = running[turn % 2]
                process.terminate()
                try:
                    process.wait(servers.STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    figures.killed += 1
                    servers.end(process.pid)
                running[turn % 2] = begin(ports[turn % 2])
                # nginx leaves it out for two seconds after it was away.
                time.sleep(BETWEEN_SECONDS)
                figures.restarts += 1
    finally:
        for process in running:
            servers.end(process.pid)
            process.wait(10)
    return figures


def main(argv: list[str] | None = None) -> int:
    """Print a line for each server."""
    parser = argparse.ArgumentParser(prog="bench.edge", description="Rolling restarts of the servers behind nginx.")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--servers", nargs="+", choices=list(servers.COMMANDS), default=list(servers.COMMANDS))
    found = parser.parse_args(argv)
    with servers.installation() as environment:
        for server in found.servers:
            print(f"{server}: {restarts(server, environment, found.count)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
