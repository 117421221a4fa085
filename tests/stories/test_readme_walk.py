"""The walk of the README, as it stands there, pasted into a shell against a portal that was really started."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.config.test_portal import free_port, gone, processes_of
from tests.databases import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

README = (PROJECT / "README.md").read_text(encoding="utf-8")
CALL = re.compile(r"^(?:verify|refresh|sessions|auth)\b.*# (\w+)$")
NAMES = ("DATABASE_URL", "REDIS_URL", "PUBLIC_URL")


def blocks(title: str) -> str:
    """The shell blocks of one section."""
    section = README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))


def walk() -> str:
    """The shell blocks of the walk, with this very interpreter in place of the environment that make would make."""
    text = blocks("A walk by curl") + blocks("Log in and keep a session")
    assert text.count("make demo-fixtures") == 5
    text = text.replace("make demo-fixtures", ".venv/bin/python manage.py demo --fixtures")
    return text.replace(".venv/bin/python", sys.executable)


def expected() -> list[str]:
    """What the README says beside its calls, in order."""
    return [found[1] for line in walk().splitlines() if (found := CALL.match(line))]


@pytest.fixture
def portal(tmp_path):
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("the walk needs curl and bash")
    if sys.platform != "linux":
        pytest.skip("looks at processes by /proc")
    data, out = tmp_path / "data", tmp_path / "out"
    environment = {key: value for key, value in os.environ.items() if key not in NAMES}
    environment |= {"DATA_DIR": str(data), "PORT": str(free_port()), "HOST": "127.0.0.1", "DEMO": "1"}
    with out.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.portal"], cwd=PROJECT, env=environment, stdout=file, stderr=file
        )
    try:
        end = time.monotonic() + 90
        while "The README goes on from here" not in out.read_text():
            assert process.poll() is None, out.read_text()
            assert time.monotonic() < end, out.read_text()
            time.sleep(0.1)
        yield environment, out.read_text()
        process.send_signal(signal.SIGINT)
        assert process.wait(25) == 0
        assert gone(data)
    finally:
        for pid in processes_of(data):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.wait()


def shell(text: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_walk_of_the_readme_goes_as_it_says(portal) -> None:
    environment, printed = portal
    curls = [line.strip() for line in printed.splitlines() if line.strip().startswith("curl ")]
    assert len(curls) == 3
    assert printed.count(", password ") == 1

    answers = [shell(line, environment) for line in curls]

    assert ["access_token" in answer for answer in answers] == [True, True, False]
    assert answers[2].startswith("HTTP/1.1 200")

    said = shell(walk(), environment)

    told = [line for line in said.splitlines() if re.fullmatch(r"\d{1,3}|[a-z_]+", line)]
    assert told == expected()
    assert told[:7] == ["200", "401", "401", "refresh_count_exceeded", "token_not_found", "200", "200"]
    assert told[-6:] == ["200", "401", "200", "1", "401", "refresh_token_revoked"]


def test_s4_6_the_rotation_of_the_readme_goes_as_it_says(portal, tmp_path) -> None:
    """S4.14: what registers the token on the instances is the heartbeat that each of them sends with it."""
    environment, _ = portal
    text = blocks("Rotate a connection token without an outage").replace(".venv/bin/python", sys.executable)
    for name in ("first.json", "second.json"):
        text = text.replace(name, str(tmp_path / name))
    base = f"http://127.0.0.1:{environment['PORT']}"

    said = shell(text, environment | {"BASE": base})

    assert said.count("edge-1") >= 3, "two heartbeats, and where the old token was last used"
    assert "HTTP/1.1 401" in said.splitlines()[-1]
