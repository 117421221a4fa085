"""The examples in deploy/ and their guide: what can be said without starting a gateway."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "docs" / "gateways.md").read_text(encoding="utf-8")
GATEWAYS = ("nginx", "caddy", "envoy", "traefik", "haproxy", "apache")
EXAMPLES = sorted(path for name in GATEWAYS for path in (ROOT / "deploy" / name).iterdir() if path.is_file())
IDENTITY = ["X-Token-Subject", "X-Token-Client", "X-Token-Scopes", "X-Token-Id"]
# Included by the others, with a secret in them.
SECRETS = {"gateway-token.conf", "proxy-key.conf"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_guide_leads_to_each_example(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.name in SECRETS:
        assert "PASTE-THE" in text
        assert any(path.name in other.read_text(encoding="utf-8") for other in path.parent.iterdir() if other != path)
    else:
        assert f"(../deploy/{path.parent.name}/{path.name})" in GUIDE


def test_the_guide_leads_nowhere_else() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", GUIDE):
        assert (ROOT / "docs" / target).resolve().exists(), target


def test_r31_the_example_that_no_test_runs_says_what_the_others_say() -> None:
    """Traefik: path mode, the client's own headers gone, the proof sent to the portal and not to the API."""
    found = yaml.safe_load((ROOT / "deploy/traefik/orders.yaml").read_text(encoding="utf-8"))["http"]
    clean, latchkey, hide = (found["middlewares"][name] for name in found["routers"]["orders"]["middlewares"])
    asked = latchkey["forwardAuth"]
    assert asked["address"].endswith("/auth/verify/orders")
    assert asked["trustForwardHeader"] is False
    assert asked["authResponseHeaders"] == IDENTITY
    written = clean["headers"]["customRequestHeaders"]
    assert all(written[name] == "" for name in (*IDENTITY, "X-Original-Method", "X-Original-Uri"))
    proof = {name for name, value in written.items() if value}
    assert set(asked["authRequestHeaders"]) == {"Authorization", *proof}
    assert hide["headers"]["customRequestHeaders"] == dict.fromkeys(["Authorization", *proof], "")
