"""openid-client and oauth4webapi against a portal that was really started, each in its own way (gateways.md section 4).

Both encode `-` `_` `.` `~` in a Basic header and send the issuer as the audience of an assertion.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.clients.conftest import Portal

pytestmark = pytest.mark.gateway
HERE = Path(__file__).resolve().parent
FILES = ("package.json", "package-lock.json", "globals.mjs", "openid_client.mjs", "oauth4webapi.mjs")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts with their libraries, installed from the lock and nothing else."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("needs node and npm")
    made = tmp_path_factory.mktemp("node")
    for name in FILES:
        shutil.copy(HERE / name, made)
    installed = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=made,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    if installed.returncode != 0:
        pytest.skip(f"npm ci: {installed.stderr.strip()[-300:]}")
    return made


def walk(folder: Path, script: str, wanted: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        ["node", script], cwd=folder, input=json.dumps(wanted), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    # A JWT speaks in whole seconds, so it ends a part of one earlier.
    assert found.pop("expires_in") in (599, 600)
    return found


def expected(wanted: dict[str, Any]) -> dict[str, Any]:
    return {
        "scope": "read",
        "used": 200,
        "used_after_refresh": 200,
        "active": True,
        "subject": wanted["client_id"],
        "used_after_revocation": 401,
        "active_after_revocation": False,
        "refused": "invalid_scope",
    }


@pytest.mark.parametrize("form", ["opaque", "jwt"])
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt"])
def test_s3_3_openid_client_gets_uses_refreshes_introspects_and_revokes(
    portal: Portal, folder: Path, method: str, form: str
) -> None:
    wanted = portal.asking(method, form)
    assert walk(folder, "openid_client.mjs", wanted) == expected(wanted)


@pytest.mark.parametrize("form", ["opaque", "jwt"])
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt"])
def test_s3_3_oauth4webapi_does_as_well_and_validates_a_jwt_as_the_api_would(
    portal: Portal, folder: Path, method: str, form: str
) -> None:
    wanted = portal.asking(method, form)
    told = walk(folder, "oauth4webapi.mjs", wanted)
    validated = {
        "validated": [wanted["client_id"], "read", wanted["audience"]],
        "validated_elsewhere": "OAUTH_JWT_CLAIM_COMPARISON_FAILED",
    }
    assert told == {**expected(wanted), **(validated if form == "jwt" else {})}


def test_the_lock_names_exact_versions_of_what_is_asked_for() -> None:
    asked = json.loads((HERE / "package.json").read_text())["dependencies"]
    locked = json.loads((HERE / "package-lock.json").read_text())["packages"]
    for name, version in asked.items():
        assert locked[f"node_modules/{name}"]["version"] == version
    assert all(each.get("integrity", "").startswith("sha512-") for path, each in locked.items() if path)
