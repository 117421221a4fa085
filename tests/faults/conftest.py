"""One installation for all faults that leave it whole. They run in the first round only: its databases are its own."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import pytest

from tests.databases import PROJECT
from tests.faults import checks, honest
from tests.faults.honest import Crowd
from tests.faults.installation import Installation, installed


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("LATCHKEY_LATER_ROUND"):
        mine = [item for item in items if "tests/faults/" in str(item.path) and item.get_closest_marker("fault")]
        config.hook.pytest_deselected(items=mine)
        items[:] = [item for item in items if item not in mine]
    mounting = [item for item in items if item.get_closest_marker("small_disk")]
    if mounting and not may_mount():
        config.hook.pytest_deselected(items=mounting)
        items[:] = [item for item in items if item not in mounting]


def may_mount() -> bool:
    """Whether this user can make a small disk: root can, except in most containers."""
    if os.getuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False, stderr=subprocess.DEVNULL
        )
        if mounted.returncode == 0:
            subprocess.run(["umount", "--lazy", folder], check=True)
    return mounted.returncode == 0


@pytest.fixture(scope="session")
def _portal() -> Iterator[Installation]:
    with installed() as portal:
        yield portal


@pytest.fixture
def portal(_portal: Installation) -> Iterator[Installation]:
    """The installation, whole; after the test everything of it holds that must."""
    _portal.heal()
    yield _portal
    _portal.heal()


@pytest.fixture
def crowd(portal: Installation) -> Iterator[Crowd]:
    """Honest clients and an administrator at work. At the end each client has what it had, and all invariants hold."""
    rotating = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.build", "rotate"],
        cwd=PROJECT,
        env=portal.environment(DATABASE_URL=portal.database.url(port=portal.wires[0].port)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        with honest.at_work(portal) as busy:
            busy.wait_until_served()
            yield busy
            busy.wait_until_served()
        busy.judge(answers_may_be_lost=getattr(busy, "answers_may_be_lost", False))
        rotating.communicate(timeout=60)
        checks.all_hold(portal.database, busy)
    finally:
        rotating.kill()
        rotating.wait()
