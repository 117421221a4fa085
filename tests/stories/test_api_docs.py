"""docs/api.md, pasted into a shell from top to bottom against a portal that was really started, its Python too."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxies.api_scopes import SCOPES
from tests.config.test_portal import processes_of
from tests.databases import PROJECT
from tests.tokens.api.test_permissions import ACTIONS, name_of
from tests.wire import free_port

PAGE = (PROJECT / "docs" / "api.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SAYS = re.compile(r" {2,}# (.+)$", re.MULTILINE)


def script() -> str:
    """The blocks in their order; Python by this very interpreter, which has `requests`."""
    parts = []
    for language, text in BLOCK.findall(PAGE):
        parts.append(text if language == "sh" else f"export TOKEN BASE\n.venv/bin/python - <<'PYTHON'\n{text}PYTHON\n")
    return "\n".join(parts).replace(".venv/bin/python", sys.executable)


def expected() -> list[str]:
    """What stands beside the lines; the second one stands in a loop of two turns."""
    found = SAYS.findall(PAGE)
    return [*found[:2], *found[1:]]


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[dict[str, str]]:
    data, port, out = tmp_path / "data", free_port(), tmp_path / "out"
    kept = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "PUBLIC_URL")
    }
    environment = {**kept, "DATA_DIR": str(data), "PORT": str(port), "HOST": "127.0.0.1", "DEMO": "1"}
    with out.open("wb") as file:
        started = [sys.executable, "-m", "config.portal"]
        process = subprocess.Popen(started, cwd=PROJECT, env=environment, stdout=file, stderr=file)
    try:
        end = time.monotonic() + 90
        while "The README goes on from here" not in out.read_text():
            assert process.poll() is None, out.read_text()
            assert time.monotonic() < end, out.read_text()
            time.sleep(0.1)
        yield environment | {"BASE": f"http://127.0.0.1:{port}"}
        process.send_signal(signal.SIGINT)
        assert process.wait(25) == 0
    finally:
        for pid in processes_of(data):
            os.kill(pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_example_of_the_page_answers_what_stands_beside_it(portal: dict[str, str]) -> None:
    command = ["bash", "-euo", "pipefail", "-c", script()]
    done = subprocess.run(command, cwd=PROJECT, env=portal, capture_output=True, text=True, timeout=250, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    said = [line for line in done.stdout.splitlines() if not line.startswith("{")]
    assert said == expected()
    refused = [line for line in done.stdout.splitlines() if '"code":' in line]
    assert not refused, "what has no word beside it does what its section says"


def test_every_scope_and_every_thing_is_on_the_page() -> None:
    things = {name_of(action).split()[0] for action in ACTIONS}
    assert len(things) > 15
    for name in things:
        assert f"{name}/" in PAGE, name
    for scope in SCOPES:
        assert f"`{scope}`" in PAGE, scope
    assert len(expected()) > 35
