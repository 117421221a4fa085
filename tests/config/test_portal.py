"""`make run`: it starts, it answers, and nothing of it is left behind, however it ends."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import requests
from django.conf import settings

from tests.databases import PROJECT

pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def processes_of(data: Path) -> list[int]:
    """Every process that was started for this data folder, by its environment."""
    wanted = f"DATA_DIR={data}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def gone(data: Path, seconds: float = 15) -> bool:
    end = time.monotonic() + seconds
    while processes_of(data):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


@pytest.fixture
def portal(tmp_path):
    if sys.platform != "linux":
        pytest.skip("looks at processes by /proc")
    data, port = tmp_path / "data", free_port()
    kept = {key: value for key, value in os.environ.items() if key not in {"DATABASE_URL", "REDIS_URL"}}
    environment = {**kept, "DATA_DIR": str(data), "PORT": str(port), "HOST": "127.0.0.1", "DEMO": "0"}
    with (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.portal"], cwd=PROJECT, env=environment, stdout=out, stderr=out
        )
    try:
        end = time.monotonic() + 60
        while b"is ready" not in (tmp_path / "out").read_bytes():
            assert process.poll() is None, (tmp_path / "out").read_text()
            assert time.monotonic() < end, (tmp_path / "out").read_text()
            time.sleep(0.1)
        yield process, data, f"http://127.0.0.1:{port}"
    finally:
        for pid in processes_of(data):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.wait()


def test_it_answers_and_ends_by_ctrl_c(portal):
    process, data, url = portal
    with urllib.request.urlopen(f"{url}/admin/login/", timeout=10) as answer:
        assert answer.status == 200
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]

    process.send_signal(signal.SIGINT)

    assert process.wait(25) == 0
    assert gone(data)


def test_killed_with_9_it_leaves_no_orphan(portal):
    process, data, _ = portal
    assert len(processes_of(data)) >= 4  # itself, the web server and its workers, background work

    process.kill()
    process.wait()

    assert gone(data)


def test_a_part_that_is_killed_comes_back(portal):
    process, data, _ = portal
    holder = data / "background.lock"
    first = wait_for(lambda: int(holder.read_text() or 0))

    os.kill(first, signal.SIGKILL)

    assert wait_for(lambda: int(holder.read_text() or 0) not in {0, first})
    assert process.poll() is None


def test_within_a_minute_the_admin_shows_that_every_job_has_run(portal):
    _, data, url = portal
    root = {"DATA_DIR": str(data), "PATH": os.environ["PATH"], "PASSWORD": "a long password of root"}
    words = ["users", "create", "root", "--superuser"]
    subprocess.run([sys.executable, "manage.py", *words], cwd=PROJECT, env=root, check=True, stdin=subprocess.DEVNULL)
    admin = logged_in(url, "root", root["PASSWORD"])

    def last_runs() -> dict[str, tuple[str, str]]:
        page = admin.get(f"{url}/admin/proxies/scheduledjob/", timeout=20).text
        cells = {name: re.findall(rf'class="field-{name}[^"]*"[^>]*>(.*?)</t[dh]>', page) for name in COLUMNS}
        names = [re.sub("<[^>]*>", "", cell) for cell in cells["label"]]
        return dict(zip(names, zip(cells["last_run"], cells["result"], strict=True), strict=True))

    assert wait_for(lambda: (shown := last_runs()) and all(last != "never" for last, _ in shown.values()), 60)
    shown = last_runs()
    assert "Deliver reminders" in shown
    assert len(shown) == len(settings.JOB_EVERY_SECONDS)
    assert {name: result for name, (_, result) in shown.items() if not result.startswith("Done: ")} == {}


COLUMNS = ("label", "last_run", "result")


def logged_in(url: str, name: str, password: str) -> requests.Session:
    """A browser of that person, through the admin's own login."""
    session = requests.Session()
    page = session.get(f"{url}/admin/login/", timeout=20).text
    (word,) = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[:1]
    form = {"csrfmiddlewaretoken": word, "username": name, "password": password, "next": "/admin/"}
    answer = session.post(f"{url}/admin/login/", form, headers={"Referer": f"{url}/admin/login/"}, timeout=20)
    assert answer.url == f"{url}/admin/", answer.url
    return session


def wait_for(question, seconds: float = 20):
    end = time.monotonic() + seconds
    while True:
        try:
            if answer := question():
                return answer
        except (OSError, ValueError):
            pass
        assert time.monotonic() < end
        time.sleep(0.1)
