"""A whole portal on a port of its own, and a real browser before it.

`portal` is the real WSGI application under the real server, in a process of its own, on a clone of the test database
that the test can read and write as well. `page` is a fresh browser profile that notes in `page.violations` whatever a
strict policy would forbid: breaches of the content security policy, errors of scripts, requests to anyone else.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from tests.databases import PROJECT, OwnDatabase, cloned

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
PASSWORD = "correct horse battery staple"
START_SECONDS = 60


@dataclass
class Portal:
    """Where the portal answers, and the database it works on."""

    url: str
    database: OwnDatabase
    log: Path

    def person(self, username: str = "ada", *permissions: str, superuser: bool = False) -> Any:
        """Someone who may open the admin; permissions as codenames."""
        from django.contrib.auth.hashers import make_password
        from django.contrib.auth.models import Permission

        from credentials.models import User

        # A hasher that the server has, too: the tests' quick one is known in this process only.
        user = User.objects.create(
            username=username, password=make_password(PASSWORD, hasher="argon2"), is_staff=True, is_superuser=superuser
        )
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        return user

    def post(self, path: str, body: bytes, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """A call of a program: status, headers and body, whatever the status is."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, body, named, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, dict(refusal.headers), refusal.read()


@dataclass
class Watched:
    """A page of a browser, and what went wrong on it."""

    page: Page
    portal: Portal
    violations: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.page, name)

    def content(self) -> str:
        """The page's text once it is whole: a click returns as soon as the next page has begun."""
        self.page.wait_for_load_state()
        return self.page.content()

    def open(self, path: str) -> None:
        self.page.goto(self.portal.url + path)

    def sign_in(self, username: str = "ada", password: str = PASSWORD) -> None:
        self.open("/admin/login/?next=/admin/")
        self.page.fill("#id_username", username)
        self.page.fill("#id_password", password)
        self.page.click("[type=submit]")
        self.page.wait_for_url(f"{self.portal.url}/admin/")


@pytest.fixture(scope="session")
def static_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What collectstatic collects, once for all."""
    folder = tmp_path_factory.mktemp("static")
    environment = {**os.environ, "STATIC_ROOT": str(folder)}
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True)
    return folder


@pytest.fixture
def portal(own_database: OwnDatabase, static_files: Path, tmp_path: Path) -> Iterator[Portal]:
    """The portal, running. A test that wants other settings puts them into `own_database.extra` in a fixture before."""
    with running(own_database, static_files, tmp_path) as found:
        yield found


@contextmanager
def running(own_database: OwnDatabase, static_files: Path, folder: Path) -> Iterator[Portal]:
    """A portal on a database, as long as the block lasts."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    log = folder / "portal.log"
    settings = {
        "HOST": "127.0.0.1", "PORT": str(port), "PUBLIC_URL": url, "STATIC_ROOT": str(static_files),
        "WEB_CONCURRENCY": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "gunicorn", "-c", "python:config.webserver", "config.wsgi"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=PROJECT, env={**own_database.environment(), **settings}, stdout=output, stderr=output
        )
    try:
        _wait_for(port, server, log)
        yield Portal(url, own_database, log)
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@pytest.fixture(scope="module")
def shared_portal(
    static_files: Path, tmp_path_factory: pytest.TempPathFactory, _template: None, django_db_blocker: Any
) -> Iterator[Portal]:
    """One portal and one database for the tests of a module, which leave each other's things alone."""
    folder = tmp_path_factory.mktemp("shared")
    data_dir = folder / "data"
    data_dir.mkdir(mode=0o700)
    with django_db_blocker.unblock(), cloned(data_dir) as own, running(own, static_files, folder) as found:
        yield found


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


def _wait_for(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"the portal did not start:\n{log.read_text(errors='replace')[-4000:]}")


@pytest.fixture(scope="session")
def browser(django_db_setup: None) -> Iterator[Browser]:
    """One browser for all; each test gets a profile of its own. The test database is made before the loop runs."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no browser at {CHROMIUM}; CHROMIUM may name one")
    # Playwright runs a loop in this thread, in which Django would refuse to ask the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield started
        started.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def new_page(browser: Browser, portal: Portal) -> Iterator[Callable[..., Watched]]:
    """Make pages: `new_page(java_script_enabled=False, viewport=..., permissions=[...])`, as playwright's contexts."""
    contexts = []

    def make(**options: Any) -> Watched:
        context = browser.new_context(**{"viewport": {"width": 1360, "height": 860}, **options})
        contexts.append(context)
        watched = Watched(context.new_page(), portal)
        watch(watched)
        return watched

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: Callable[..., Watched]) -> Watched:
    """A page that may use the clipboard."""
    return new_page(permissions=["clipboard-read", "clipboard-write"])


def watch(watched: Watched) -> None:
    """Note every breach of the policy, every error of a script, every request to a foreign place."""

    def console(message: ConsoleMessage) -> None:
        text = message.text
        if "Content Security Policy" in text or "Refused to" in text:
            watched.violations.append(text)

    def request(asked: Request) -> None:
        if not asked.url.startswith((watched.portal.url + "/", "data:", "blob:")):
            watched.violations.append(f"asked a foreign place: {asked.url}")

    watched.page.on("console", console)
    watched.page.on("request", request)
    watched.page.on("pageerror", lambda error: watched.violations.append(f"script error: {error}"))
