"""Keys of an environment at gateways that keep them: rotate cuts nobody off, change is seen when they fetch (D13)."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest

from tests.gateways.checks import INVALID, challenge
from tests.gateways.conftest import Edge
from tests.gateways.gateways import Gateway, fetch_keys
from tests.gateways.portal import Portal
from tests.wire import free_port
from tokens import signing

pytestmark = [pytest.mark.gateway, pytest.mark.parametrize("edge", ["haproxy"], indirect=True)]


@pytest.fixture(autouse=True)
def _jwts(portal: Portal) -> None:
    portal.formats("jwt")


def soon(true: Callable[[], bool]) -> bool:
    """A reload takes a moment."""
    end = time.monotonic() + 20
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _reloaded(portal: Portal, gateway: Gateway) -> str:
    return fetch_keys(portal.port, gateway.log.parent / "keys", "--reload", f"kill -USR2 {gateway.pid}")


def test_d13_a_rotation_cuts_nobody_off_where_the_keys_are_fetched_before_the_next_one_signs(
    portal: Portal, edge: Edge
) -> None:
    world = portal.world
    with edge.changed("orders") as gateway:
        before = portal.token(world.orders)
        assert _reloaded(portal, gateway) == "unchanged"
        signing.publish_next(world.test, by="test", algorithm="ES256")
        assert _reloaded(portal, gateway) == "changed"
        signing.rotate(world.test, by="test", algorithm="ES256")
        after = portal.token(world.orders)
        assert jwt.get_unverified_header(after)["alg"] == "ES256"
        assert soon(lambda: gateway.ask(after).status == 200)
        assert gateway.ask(before).status == 200
        assert _reloaded(portal, gateway) == "unchanged", "the old key still verifies"


def test_d13_a_changed_key_ends_its_jwts_here_when_the_keys_are_fetched_again(portal: Portal, edge: Edge) -> None:
    world = portal.world
    with edge.changed("orders") as gateway:
        before = portal.token(world.orders)
        signing.change(world.test, by="test")
        after = portal.token(world.orders)
        assert gateway.ask(before).status == 200, "not seen before the reload"
        assert challenge(gateway.ask(after)) == (401, INVALID), "its key is not known yet"
        assert _reloaded(portal, gateway) == "changed"
        assert soon(lambda: gateway.ask(before).status == 401)
        assert soon(lambda: gateway.ask(after).status == 200)


def test_fetching_keys_that_cannot_be_had_leaves_the_files_as_they_are(
    portal: Portal, edge: Edge, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    assert fetch_keys(portal.port, keys) == "changed"
    kept = {file.name: file.read_text() for file in keys.iterdir()}
    with pytest.raises(subprocess.CalledProcessError, match="exit status 1"):
        fetch_keys(free_port(), keys)
    assert {file.name: file.read_text() for file in keys.iterdir()} == kept
