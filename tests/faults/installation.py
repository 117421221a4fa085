"""A whole installation of our own: PostgreSQL, Redis, two nodes, and wires between them that can be cut."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from config import keyfiles
from tests.databases import PROJECT
from tests.faults.processes import Node, Postgres, Redis, free_port, own_redis, postgres
from tests.faults.wire import Mode, Wire

CLEARED = ("PUBLIC_URL", "DATABASE_URL", "REDIS_URL", "DATA_DIR", "HOST", "PORT", "DEBUG", "STATIC_ROOT")


@dataclass
class Installation:
    """`wires` are the nodes' own ways to the database; `redis_wire` is the way of both to Redis."""

    folder: Path
    database: Postgres
    redis: Redis
    wires: list[Wire]
    redis_wire: Wire
    nodes: list[Node] = field(default_factory=list)
    clients: dict[str, tuple[str, str]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    def environment(self, **more: str) -> dict[str, str]:
        """For a process of this installation, past all wires unless told otherwise."""
        kept = {name: value for name, value in os.environ.items() if name not in CLEARED}
        return {
            **kept,
            **self.secrets,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": self.database.url(),
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_wire.port}/0",
            "PUBLIC_URL": "http://portal.test",
            "DATA_DIR": str(self.folder / "data"),
            "TOKEN_RATE_LIMIT_PER_MINUTE": "1000000",
            "CLIENT_RATE_LIMIT_PER_MINUTE": "1000000",
            "DATABASE_POOL_SIZE": "8",
            # So that a test need not wait as long as an installation may.
            "DATABASE_STATEMENT_TIMEOUT_MS": "3000",
            "DATABASE_LOCK_TIMEOUT_MS": "2000",
            "WEB_CONCURRENCY": "1",
            "WEB_THREADS": "8",
            **more,
        }

    def run(self, *command: str, **more: str) -> str:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=PROJECT,
            env=self.environment(**more),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def heal(self) -> None:
        """Everything as it should be, whatever the test before left."""
        self.database.thaw()
        if self.database.process is None:
            self.database.start()
        if self.redis.process is None:
            self.redis.start()
        for wire in (*self.wires, self.redis_wire):
            wire.switch(Mode.PASS)
        for node in self.nodes:
            if node.process is None or node.process.poll() is not None:
                node.start()

    def without(self, node: Node) -> None:
        """Take a node out again."""
        node.stop()
        self.nodes.remove(node)

    def add_node(self, wire: Wire, **more: str) -> Node:
        port = free_port()
        data = self.folder / f"node-{port}"
        environment = self.environment(
            DATABASE_URL=self.database.url(port=wire.port), DATA_DIR=str(data), HOST="127.0.0.1", PORT=str(port), **more
        )
        node = Node(port, environment, self.folder / f"node-{port}.log")
        self.nodes.append(node)
        node.start()
        return node


@contextmanager
def installed(nodes: int = 2) -> Iterator[Installation]:
    """Started, migrated, with a world in it; ended process by process."""
    with tempfile.TemporaryDirectory(prefix="latchkey-faults-") as folder, postgres() as database, own_redis() as redis:
        wires = [Wire(database.port) for _ in range(nodes)]
        portal = Installation(Path(folder), database, redis, wires, Wire(redis.port))
        portal.secrets = {
            "SECRET_KEY": keyfiles.new_secret_key(),
            "TOKEN_HASH_KEYS": keyfiles.new_hash_key(),
            "KEY_ENCRYPTION_KEYS": keyfiles.new_encryption_key(),
        }
        try:
            database.ask("CREATE DATABASE portal", name="postgres")
            portal.run("manage.py", "migrate", "--verbosity", "0")
            portal.clients = json.loads(portal.run("-m", "tests.faults.build", "world"))
            for wire in wires:
                portal.add_node(wire)
            yield portal
        finally:
            database.thaw()
            for node in portal.nodes:
                node.stop()
            for wire in (*wires, portal.redis_wire):
                wire.close()
