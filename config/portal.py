"""`make run`: the whole portal behind one command.

    python -m config.portal

Migrates, makes the demo on the first start (DEMO=0 leaves it out), starts the web server and the background work, and
ends both when it ends: by Ctrl-C, by SIGTERM, and by kill -9 as well, since both live with their parent
(config/lifeline.py).
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType

from config import lifeline
from config.background import only_one

STOP_SECONDS = 20.0
START_SECONDS = 60.0
QUICK_DEATH_SECONDS = 10.0
QUICK_DEATHS_ALLOWED = 3


@dataclass
class Part:
    """One process of the portal. A part that dies is started again, unless it dies again and again at its start."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    quick_deaths: int = field(default=0)

    def start(self) -> None:
        self.started = time.monotonic()
        # A session of its own: Ctrl-C reaches the supervisor alone, which then ends the parts in order.
        self.process = subprocess.Popen(self.command, env=lifeline.environment(), start_new_session=True)  # noqa: S603

    def keep_alive(self) -> bool:
        """False where the part can't be kept alive."""
        if self.process is None or self.process.poll() is None:
            return True
        lived = time.monotonic() - self.started
        self.quick_deaths = self.quick_deaths + 1 if lived < QUICK_DEATH_SECONDS else 0
        say(f"{self.name} ended with status {self.process.returncode}")
        if self.quick_deaths >= QUICK_DEATHS_ALLOWED:
            return False
        time.sleep(min(1.0 * self.quick_deaths, 3.0))
        self.start()
        return True

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait_until_stopped(self, deadline: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            say(f"{self.name} does not stop; killing it")
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def say(line: str) -> None:
    print(line, flush=True)


class Stopped(Exception):
    """A signal asked the portal to end."""


def _stop(_signum: int, _frame: FrameType | None) -> None:
    raise Stopped


def parts() -> list[Part]:
    python = sys.executable
    web = [python, "-m", "gunicorn", "-c", "python:config.webserver", "config.wsgi:application"]
    return [Part("The web server", web), Part("Background work", [python, "-m", "config.background"])]


def wish_for_demo(data: Path) -> Path:
    """There from an empty start until the demo was made and its password printed: it outlives a start broken off."""
    return data / "demo.wanted"


def prepare(data: Path, *, demo: bool) -> None:
    """Database, static files and, once, the demo. Done in this process, which keeps no connection afterwards."""
    from django.core.management import call_command
    from django.db import connection, connections

    if demo and "django_migrations" not in connection.introspection.table_names():
        wish_for_demo(data).touch()
    call_command("migrate", interactive=False, verbosity=0)
    call_command("check")
    call_command("collectstatic", interactive=False, verbosity=0)
    if demo and wish_for_demo(data).exists():
        call_command("demo", quiet=True)
    for each in connections.all():
        each.close()
        if each.vendor == "postgresql":
            each.close_pool()  # type: ignore[attr-defined]


def port_is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def announce(url: str, data: Path, *, demo: bool) -> None:
    """Where it is; at the first start with a demo also its password and what to try, once."""
    from django.core.management import call_command

    # For `make demo-fixtures`, which is asked without the port.
    (data / "portal.url").write_text(url, encoding="utf-8")
    wish = wish_for_demo(data)
    say("\nLatchkey is ready. Stop it with Ctrl-C.")
    if demo and wish.exists() and (data / "demo.json").exists():
        call_command("demo", welcome=True)
    else:
        say(f"Admin: {url}/admin/")
    say("")
    wish.unlink(missing_ok=True)


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

    import django
    from django.conf import settings
    from django.core.management.base import SystemCheckError

    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGHUP, _stop)
    os.umask(0o077)
    running: list[Part] = []
    try:
        django.setup()
        lock = only_one(settings.DATA_DIR / "portal.lock", wait=5)
        if lock is None:
            say(f"Another portal runs on {settings.DATA_DIR}. Stop it, or choose another folder: make run DATA_DIR=...")
            return 75
        if not _wait_for_port(settings.HOST, settings.PORT):
            say(f"{settings.HOST}:{settings.PORT} is taken. Choose another port: make run PORT=...")
            return 75
        demo = os.environ.get("DEMO", "1") != "0"
        prepare(settings.DATA_DIR, demo=demo)
        for part in parts():
            running.append(part)
            part.start()
        ready = partial(announce, settings.PUBLIC_URL, settings.DATA_DIR, demo=demo)
        return watch(running, settings.HOST, settings.PORT, ready)
    except Stopped:
        say("Stopping.")
        return 0
    except SystemCheckError as wrong:
        say(f"Latchkey does not start. {wrong}")
        return 78
    finally:
        end(running)


def _wait_for_port(host: str, port: int, seconds: float = 5.0) -> bool:
    """The web server of a portal that was just killed needs a moment to let go of it."""
    end_of_patience = time.monotonic() + seconds
    while not port_is_free(host, port):
        if time.monotonic() > end_of_patience:
            return False
        time.sleep(0.2)
    return True


def watch(running: list[Part], host: str, port: int, ready: Callable[[], None]) -> int:
    # Under make we are its child: make killed with -9 must not leave us behind.
    bound_to = os.getppid() if os.environ.get("LATCHKEY_UNDER_MAKE") else None
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - asked, not bound
    announced, patience = False, time.monotonic() + START_SECONDS
    while all(part.keep_alive() for part in running):
        if bound_to is not None and os.getppid() != bound_to:
            return 1
        if not announced and answers(reachable, port):
            ready()
            announced = True
        if not announced and time.monotonic() > patience:
            say(f"The web server does not answer after {START_SECONDS:.0f} seconds.")
            return 1
        time.sleep(0.2)
    return 1


def end(running: list[Part]) -> None:
    """Every part is asked first and waited for after, so that they stop side by side. A second Ctrl-C does not cut it
    short.
    """
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    for part in running:
        part.ask_to_stop()
    deadline = time.monotonic() + STOP_SECONDS
    for part in running:
        part.wait_until_stopped(deadline)


if __name__ == "__main__":
    sys.exit(main())
