"""docs/clients.md, pasted into a shell: the private key against a started portal, the certificates through nginx."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.databases import PROJECT

if TYPE_CHECKING:
    from tests.clients.conftest import Edge, Portal

# A dozen commands, each of which sets Django up.
pytestmark = [pytest.mark.gateway, pytest.mark.timeout(300)]
PAGE = PROJECT / "docs" / "clients.md"


def blocks(*titles: str) -> str:
    """The shell blocks of some sections of the page, in their order; of what stands before the first one too."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    wanted = [each for each in sections if each.startswith(("# Clients", *titles))]
    assert len(wanted) == 1 + len(titles)
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", "\n".join(wanted), re.MULTILINE | re.DOTALL))


def shell(text: str, folder: Path, environment: dict[str, str]) -> str:
    for program in ("bash", "curl", "openssl"):
        if shutil.which(program) is None:
            pytest.skip(f"the page needs {program}")
    text = text.replace(".venv/bin/python", sys.executable).replace(" manage.py", f" {PROJECT}/manage.py")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def environment(portal: Portal, edge: Edge) -> dict[str, str]:
    client = portal.world.credentials["commerce"].client_id
    return {
        **portal.environment,
        "BASE": portal.url,
        "CLIENT": client,
        "CLIENT_ID": client,  # the section about certificates goes on from the one about keys
        "EDGE": edge.url,
        "CURL_CA_BUNDLE": str(edge.trust),
    }


def test_the_section_about_private_keys_does_what_it_says(environment: dict[str, str], tmp_path: Path) -> None:
    said = shell(blocks("Get a token with a private key"), tmp_path, environment)

    assert said.count('"active":true') == 1
    assert said.splitlines()[-1] == "2027-11  key  ES256", "the new key alone"


def test_the_section_about_certificates_does_what_it_says(environment: dict[str, str], tmp_path: Path) -> None:
    said = shell(blocks("Get a token with a certificate"), tmp_path, environment)

    assert said.count('"access_token"') == 2, "one by each kind of certificate"
    assert said.endswith("key of Commerce may use: client_secret_basic, client_secret_post.\n")
    assert not list(tmp_path.iterdir()), "and it leaves nothing behind"
