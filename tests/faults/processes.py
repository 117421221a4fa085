"""Servers that a test may stop, freeze and kill, since it started them itself: each by its process id."""

import http.client
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import redis

from config import lifeline
from tests.databases import PROJECT

START_SECONDS = 60.0
_POSTGRESQL = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, condition: Callable[[], object], seconds: float = START_SECONDS) -> float:
    """How long it took until the condition held."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > seconds:
            raise TimeoutError(f"{what} after {seconds} seconds")
        time.sleep(0.02)
    return time.monotonic() - started


def children(pid: int) -> list[int]:
    """Processes whose parent this is."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if int(entry.joinpath("stat").read_text().rpartition(")")[2].split()[1]) == pid:
                    found.append(int(entry.name))
    return found


def send(pids: list[int], signum: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signum)


def unprivileged() -> dict[str, object]:
    """PostgreSQL does not run as root: for Popen, the account to run it as."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            account = pwd.getpwnam(name)
            return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    raise LookupError("no account to run PostgreSQL as")


def postgresql_binaries() -> Path:
    if _POSTGRESQL:
        return _POSTGRESQL[-1]
    found = shutil.which("initdb")
    if found is None:
        raise LookupError("PostgreSQL's server is not installed (Debian: apt install postgresql)")
    return Path(found).resolve().parent


@dataclass
class Postgres:
    """A cluster of our own: `data`, and `small`, a place of a few megabytes where the machine lets us mount one."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None
    frozen: list[int] = field(default_factory=list)

    def url(self, name: str = "portal", port: int | None = None) -> str:
        return f"postgres://portal@127.0.0.1:{port or self.port}/{name}"

    def start(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "max_connections": 60,
            "shared_buffers": "16MB",
            "max_wal_size": "32MB",
            "logging_collector": "off",
            "log_min_messages": "fatal",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [str(postgresql_binaries() / "postgres"), "-D", str(self.folder / "data"), *options]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, **unprivileged())  # type: ignore[call-overload]
        wait_for("PostgreSQL does not answer", self.answers)

    def answers(self) -> bool:
        try:
            psycopg.connect(self._maintenance(), connect_timeout=2).close()
        except psycopg.Error:
            assert self.process is not None
            assert self.process.poll() is None, (self.folder / "log").read_text()
            return False
        return True

    def _maintenance(self) -> str:
        return f"postgresql://portal@127.0.0.1:{self.port}/postgres"

    def ask(self, sql: str, *parameters: object, name: str = "portal") -> list[tuple[object, ...]]:
        """As the cluster's superuser, past every proxy."""
        target = f"postgresql://portal@127.0.0.1:{self.port}/{name}"
        with psycopg.connect(target, autocommit=True, connect_timeout=5) as wire:
            found = wire.execute(sql, parameters or None)
            return found.fetchall() if found.description else []

    def tree(self) -> list[int]:
        assert self.process is not None
        return [self.process.pid, *children(self.process.pid)]

    def stop(self) -> None:
        """As an administrator would who does not wait: sessions are cut, nothing committed is lost."""
        if self.process is not None:
            self.thaw()
            self.process.send_signal(signal.SIGQUIT if self.process.poll() is None else signal.SIGCONT)
            self.process.wait(30)
            self.process = None

    def kill(self) -> None:
        """kill -9, children first told apart, since orphans would keep the data folder."""
        assert self.process is not None
        pids = self.tree()
        send(pids, signal.SIGKILL)
        self.process.wait(30)
        wait_for("its children live on", lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 15)
        self.process = None

    def freeze(self, *, all_of_it: bool) -> None:
        assert self.process is not None
        self.frozen = self.tree() if all_of_it else [self.process.pid]
        send(self.frozen, signal.SIGSTOP)

    def thaw(self) -> None:
        send(self.frozen, signal.SIGCONT)
        self.frozen = []


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A fresh cluster; its folder is the server account's alone."""
    folder = Path(tempfile.mkdtemp(prefix="latchkey-faults-pg-"))
    run = unprivileged()
    if run:
        os.chown(folder, int(str(run["user"])), int(str(run["group"])))
    cluster = Postgres(folder, free_port())
    try:
        initdb = [postgresql_binaries() / "initdb", "-D", folder / "data", "-U", "portal", "-A", "trust"]
        subprocess.run(
            [*map(str, initdb), "--no-sync", "--wal-segsize=1", "-E", "UTF8", "--locale=C"],
            check=True, stdout=subprocess.DEVNULL, cwd="/", **run,
        )  # type: ignore[call-overload]  # fmt: skip
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Redis:
    """A Redis of our own, which keeps nothing."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def client(self) -> "redis.Redis":
        return redis.Redis(port=self.port, socket_timeout=5)

    def start(self) -> None:
        config = self.folder / "redis.conf"
        config.write_text(
            f'bind 127.0.0.1\nport {self.port}\nsave ""\nappendonly no\ndir {self.folder}\n'
            "maxmemory-policy noeviction\nenable-debug-command local\n"
        )
        self.process = subprocess.Popen(["redis-server", str(config)], stdout=subprocess.DEVNULL)
        wait_for("Redis does not answer", self.answers)

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def signal(self, signum: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(signum)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None


@contextmanager
def own_redis() -> Iterator[Redis]:
    with tempfile.TemporaryDirectory(prefix="latchkey-faults-redis-") as folder:
        server = Redis(Path(folder), free_port())
        try:
            server.start()
            yield server
        finally:
            server.stop()


@dataclass
class Node:
    """One gunicorn: a host of the installation."""

    port: int
    environment: dict[str, str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        command = [sys.executable, "-m", "gunicorn", "-c", "python:config.webserver", "config.wsgi:application"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=PROJECT, env={**lifeline.environment(), **self.environment}, stdout=log, stderr=log
            )
        wait_for(f"{self.port} is not ready", self.is_ready)

    def is_ready(self) -> bool:
        """As a load balancer would ask before it sends anybody there."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            wire.request("GET", "/readyz")
            return wire.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            wire.close()

    def workers(self) -> list[int]:
        assert self.process is not None
        return children(self.process.pid)

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            send([*self.workers(), self.process.pid], signal.SIGKILL)
            self.process.wait(10)
        self.process = None
