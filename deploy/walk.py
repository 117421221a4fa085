"""The services of compose.yaml without containers: each by its own command, on loopback and free ports, in a folder.

    .venv/bin/python deploy/walk.py                            until Ctrl-C
    .venv/bin/python deploy/walk.py --then "curl ... $BASE"    until the shell command ends; its exit code is ours

For trying an installation on a machine without containers, and for the test that shows that compose.yaml works. What
the images bring (PostgreSQL's data folder, a certificate for localhost) is made here. Needed: postgres, redis-server,
nginx. All processes end with this one.
"""

import argparse
import datetime as dt
import ipaddress
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DEPLOY = Path(__file__).resolve().parent
PROJECT = DEPLOY.parent
# In the order of depends_on; `migrate` ends by itself.
ORDER = ("database", "redis", "migrate", "web-1", "web-2", "worker", "beat", "edge")
PORTS = {"database": 5432, "redis": 6379, "web-1": 8000, "web-2": 8000, "edge": 8443}
START_SECONDS = 90.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def unprivileged() -> dict[str, Any]:
    """PostgreSQL does not run as root, and nginx need not."""
    if os.getuid() != 0:
        return {}
    account = pwd.getpwnam("postgres")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def binaries() -> str:
    """Where commands are found: this interpreter's own first, PostgreSQL's server where Debian hides it."""
    hidden = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return os.pathsep.join(
        [str(Path(sys.executable).parent), *map(str, reversed(hidden)), os.environ["PATH"], "/usr/sbin"]
    )


@dataclass
class Walk:
    """One installation in a folder. `place` is what a service writes in and reads from."""

    folder: Path
    services: dict[str, dict[str, Any]]
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in PORTS})
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return f"https://localhost:{self.ports['edge']}"

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    def here(self, text: str, service: str) -> str:
        """A word of a command, a setting or a file of a service: on loopback, and in the folder."""
        for name, port in PORTS.items():
            text = text.replace(f"{name}:{port}", f"127.0.0.1:{self.ports[name]}")
        text = text.replace("8443 ssl", f"127.0.0.1:{self.ports['edge']} ssl").replace("172.30.57.0/24", "127.0.0.1/32")
        text = text.replace("/tmp/", f"{self.folder}/{service}/").replace("/run/secrets", str(self.secrets))
        text = text.replace("/dev/stdout", f"{self.folder}/{service}/access.log")
        return f"{self.folder}/{service}/data" if text == "/data" else text

    def environment(self, service: str) -> dict[str, str]:
        """What compose.yaml says, and nothing of ours that could change it."""
        told = {
            name: self.here(str(value), service)
            for name, value in self.services[service].get("environment", {}).items()
        }
        if "HOST" in told:
            told |= {
                "HOST": "127.0.0.1",
                "PORT": str(self.ports.get(service, 0)),
                "STATIC_ROOT": str(self.folder / "static"),
            }
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        return {**kept, "PATH": binaries(), "WEB_CONCURRENCY": "1", "PYTHONDONTWRITEBYTECODE": "1", **told}

    def run(self, service: str, command: list[str]) -> None:
        """Something that ends by itself."""
        subprocess.run(command, cwd=PROJECT, env=self.environment(service), check=True)

    def start(self, service: str, more: list[str] | None = None, **how: Any) -> None:
        command = [self.here(str(word), service) for word in self.services[service]["command"]]
        print(f"  {service:9} {' '.join(command)}", flush=True)
        log = (self.folder / f"{service}.log").open("ab")
        self.running[service] = subprocess.Popen(
            [*command, *(more or [])], cwd=PROJECT, env=self.environment(service), stdout=log, stderr=log, **how
        )

    def wait(self, service: str, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + START_SECONDS
        while not ready():
            process = self.running[service]
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{service} does not start:\n{(self.folder / f'{service}.log').read_text()[-3000:]}")
            time.sleep(0.1)

    def begin(self) -> None:
        """Every service, in its order, each when the one before is ready."""
        subprocess.run(
            [DEPLOY / "secrets.sh", self.secrets, self.base, f"127.0.0.1:{self.ports['database']}"], check=True
        )
        certify(self.secrets)
        for service in ORDER:
            (self.folder / service / "data").mkdir(parents=True, mode=0o700)
            {"database": self.database, "redis": self.redis, "migrate": self.migrate, "edge": self.edge}.get(
                service, lambda name=service: self.portal(name)
            )()
        (self.folder / "worker" / "data" / "portal.url").write_text(self.base)

    def database(self) -> None:
        data, run = self.folder / "database" / "data", unprivileged()
        for path in (data.parent, data):
            if run:
                os.chown(path, run["user"], run["group"])
        subprocess.run(
            ["initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"],
            env=self.environment("database"), stdout=subprocess.DEVNULL, check=True, cwd="/", **run,
        )  # fmt: skip
        port = self.ports["database"]
        self.start("database", ["-D", str(data), "-p", str(port), "-k", str(data.parent)], **run)
        self.wait("database", lambda: self.psql_answers(port))
        roles = ["sh", str(DEPLOY / "database" / "roles.sh")]
        environment = self.environment("database") | {"PGHOST": "127.0.0.1", "PGPORT": str(port)}
        subprocess.run(roles, env=environment | {"SECRETS": str(self.secrets)}, check=True)

    def psql_answers(self, port: int) -> bool:
        command = ["psql", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-c", "SELECT 1"]
        return (
            subprocess.run(command, env=self.environment("database"), capture_output=True, check=False).returncode == 0
        )

    def redis(self) -> None:
        self.start("redis", ["--port", str(self.ports["redis"]), "--bind", "127.0.0.1", "--dir", str(self.folder)])
        self.wait("redis", lambda: answers(self.ports["redis"]))

    def migrate(self) -> None:
        self.run(
            "migrate", ["python", "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
        )  # as the image does
        command = [str(word) for word in self.services["migrate"]["command"]]
        print(f"  migrate   {' '.join(command)}", flush=True)
        self.run("migrate", [*command, "--verbosity", "0"])

    def portal(self, service: str) -> None:
        self.start(service)
        probe = [sys.executable, "-m", "config.probe", "/readyz"]
        environment = self.environment(service)

        def ready() -> bool:
            return subprocess.run(probe, cwd=PROJECT, env=environment, check=False).returncode == 0

        if service in PORTS:
            self.wait(service, ready)

    def edge(self) -> None:
        place, run = self.folder / "edge", unprivileged()
        config = place / "nginx.conf"
        config.write_text(self.here((DEPLOY / "edge" / "nginx.conf").read_text(), "edge"))
        if run:
            for path in (place, config):
                os.chown(path, run["user"], run["group"])
        self.start("edge", ["-c", str(config), "-p", str(place), "-e", "stderr"], **run)
        self.wait("edge", lambda: answers(self.ports["edge"]))

    def end(self) -> None:
        """In the opposite order, each waited for."""
        for service, process in reversed(self.running.items()):
            # PostgreSQL: don't wait for sessions to end.
            process.send_signal(signal.SIGINT if service == "database" else signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def shell(self, command: str) -> int:
        """With the environment of a host of this installation, for manage.py and curl."""
        environment = self.environment("worker") | {
            "BASE": self.base,
            "WALK": str(self.folder),
            "CURL_CA_BUNDLE": str(self.secrets / "certificate.pem"),
            **{f"PID_{name.upper().replace('-', '_')}": str(process.pid) for name, process in self.running.items()},
        }
        return subprocess.run(["bash", "-c", command], cwd=PROJECT, env=environment, check=False).returncode


def certify(folder: Path) -> None:
    """A certificate for localhost that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "certificate.key").write_bytes(key.private_bytes(*private))
    if run := unprivileged():
        for path in (folder, *folder.iterdir()):
            os.chown(path, run["user"], run["group"])


def _stop(_signum: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--then", help="a shell command; BASE is the installation's address, WALK its folder")
    chosen = words.parse_args()
    signal.signal(signal.SIGTERM, _stop)
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    folder = Path(tempfile.mkdtemp(prefix="latchkey-walk-"))
    folder.chmod(0o711)  # the way for the account that PostgreSQL runs as
    walk = Walk(folder, services)
    try:
        print(f"In {folder}:", flush=True)
        walk.begin()
        print(f"Latchkey answers at {walk.base}", flush=True)
        if chosen.then:
            return walk.shell(chosen.then)
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        walk.end()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
