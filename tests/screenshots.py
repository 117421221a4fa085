"""`make screenshots`: the pictures of docs/screenshots, of a portal made for them.

    python -m tests.screenshots [--only NAME] [--into FOLDER]

A portal of its own in a temporary folder with tests/story.py in it, the real server, Debian's chromium.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "correct horse battery staple"
DESK, PHONE = {"width": 1366, "height": 860}, {"width": 390, "height": 844}


class Shot(NamedTuple):
    """One picture: its name, where, and on which screens."""

    name: str
    path: str
    # A CSS selector to click before, such as the opener of a dialog.
    click: str = ""
    looks: tuple[str, ...] = ("light",)
    # Fields to fill first, and the one in which Enter is pressed then.
    fill: tuple[tuple[str, str], ...] = ()
    press: str = ""


def shots() -> list[Shot]:
    """What is taken. Addresses of things are looked up in the story."""
    from credentials.models import ConnectionConfiguration, Credential
    from proxies.models import ApiProxy, Deployment
    from tokens.models import TokenPolicy, TokenRequestLog

    orders = ApiProxy.objects.get(slug="orders")
    shop = Credential.objects.get(client_id="web-shop")
    policy = TokenPolicy.objects.get(proxy=orders)
    busy = Deployment.objects.get(proxy__slug="payments", environment__slug="live")
    edge = ConnectionConfiguration.objects.get(name="EU edge")
    refused = TokenRequestLog.objects.filter(outcome="refused").exclude(jti="").order_by("-id").first()
    phone, dark = ("light", "phone"), ("light", "dark")
    return [
        Shot("dashboard", "/admin/", looks=("light", "dark", "phone")),
        Shot("tokens", "/admin/tokens/issuedtoken/", looks=phone),
        Shot("log", "/admin/tokens/tokenrequestlog/"),
        Shot("proxies", "/admin/proxies/apiproxy/", looks=phone),
        Shot("proxy", f"/admin/proxies/apiproxy/{orders.pk}/change/"),
        Shot("undeploy", f"/admin/proxies/deployment/{busy.pk}/act/undeploy/", looks=dark),
        Shot("policy", f"/admin/tokens/tokenpolicy/{policy.pk}/act/change/", looks=dark),
        Shot("credential", f"/admin/credentials/credential/{shop.pk}/change/?tab=tokens"),
        Shot("find", "/admin/find/", fill=(("#portal-find", "orders"),), press="#portal-find"),
        Shot(
            "explain",
            f"/admin/explain/?jti={refused.jti if refused else ''}&proxy=orders",
            press=".act-page #id_jti",
        ),
        Shot("connections", "/admin/credentials/connectionconfiguration/"),
        Shot("manage-tokens", f"/admin/credentials/connectionconfiguration/{edge.pk}/change/", "a[data-dialog]"),
        Shot("login", "/admin/login/"),
    ]


@contextmanager
def portal(folder: Path) -> Iterator[str]:
    """A filled portal on a free port, and its address."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port = asked.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    os.environ.update(
        DATA_DIR=str(folder), PORT=str(port), HOST="127.0.0.1", PUBLIC_URL=url, DJANGO_SETTINGS_MODULE="config.settings"
    )
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    _fill()
    command = [sys.executable, "-m", "gunicorn", "-c", "python:config.webserver", "config.wsgi:application"]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=log, stderr=log)
    try:
        _wait(port, server)
        yield url
    finally:
        server.terminate()
        server.wait(20)


def _fill() -> None:
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.db import connections

    from tests import story

    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("demo", quiet=True)
    get_user_model().objects.create_superuser("ada", "ada@example.com", PASSWORD)
    story.tell()
    connections.close_all()


def _wait(port: int, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        if server.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the portal did not start")


def _page(browser: Browser, look: str) -> Page:
    context = browser.new_context(
        viewport=PHONE if look == "phone" else DESK,
        color_scheme="dark" if look == "dark" else "light",
        timezone_id="Europe/Berlin",
        locale="en-GB",
    )
    return context.new_page()


def _sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/admin/login/?next=/admin/")
    page.fill("#id_username", "ada")
    page.fill("#id_password", PASSWORD)
    page.click("[type=submit]")
    page.wait_for_url(f"{url}/admin/")


def take(url: str, wanted: list[Shot], into: Path) -> None:
    """Every picture once for each of its looks."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for look in ("light", "dark", "phone"):
            page, signed_in = _page(browser, look), False
            for shot in sorted(wanted, key=lambda each: each.name != "login"):
                if look not in shot.looks:
                    continue
                if shot.name != "login" and not signed_in:
                    _sign_in(page, url)
                    signed_in = True
                page.goto(url + shot.path)
                if shot.click:
                    page.click(shot.click)
                for selector, text in shot.fill:
                    page.fill(selector, text)
                if shot.press:
                    page.press(shot.press, "Enter")
                page.wait_for_load_state("networkidle")
                suffix = "" if look == "light" else f"-{look}"
                page.screenshot(path=into / f"{shot.name}{suffix}.png")
                _smaller(into / f"{shot.name}{suffix}.png")
        browser.close()


def _smaller(picture: Path) -> None:
    """A third of the size, where pngquant is there; the same picture otherwise."""
    if tool := shutil.which("pngquant"):
        subprocess.run([tool, "--force", "--skip-if-larger", "--ext", ".png", "128", str(picture)], check=False)


def main(argv: list[str] | None = None) -> int:
    """Take them."""
    parser = argparse.ArgumentParser(prog="tests.screenshots")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--into", type=Path, default=ROOT / "docs" / "screenshots")
    found: Any = parser.parse_args(argv)
    found.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, portal(Path(folder)) as url:
        wanted = [shot for shot in shots() if not found.only or shot.name in found.only]
        take(url, wanted, found.into)
    return 0


if __name__ == "__main__":
    sys.exit(main())
