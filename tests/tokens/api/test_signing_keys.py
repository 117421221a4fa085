"""REST of signing keys: staged, published, rotated; changed only with the environment's name."""

import pytest

from tests.api import caller, issued, opens, problem
from tokens import signing
from tokens.models import SigningKey

pytestmark = pytest.mark.django_db
BASE = "/api/v1/signing-keys/"


@pytest.fixture
def security(db):
    return caller("view_signingkey", "add_signingkey", "change_signingkey")


def staged(security, **more):
    return security.post(BASE, {"environment": "test", "algorithm": "ES256", **more})


def test_a_key_is_staged_published_and_signs_after_a_rotation(security, world):
    made = staged(security)
    assert (made.status_code, made.json()["state"]) == (201, "staged")
    assert "PRIVATE" not in made.content.decode()
    url = f"{BASE}{made.json()['kid']}/"

    assert security.post(f"{url}publish/", {}).json()["state"] == "published"
    assert problem(security.post(f"{url}publish/", {})) == (409, "signing_key_state")
    rotated = security.post(f"{BASE}rotate/", {"environment": "test"})
    assert (rotated.json()["kid"], rotated.json()["state"]) == (made.json()["kid"], "signing")

    following = security.post(f"{BASE}publish-next/", {"environment": "test"}).json()
    assert problem(security.post(f"{BASE}rotate/", {"environment": "test"})) == (409, "signing_key_state")
    at_once = security.post(f"{BASE}rotate/", {"environment": "test", "at_once": True})
    assert at_once.json()["kid"] == following["kid"]
    assert problem(security.post(f"{url}retire/", {})) == (409, "signing_key_state")


def test_a_key_that_never_signed_is_taken_back(security, world):
    url = f"{BASE}{staged(security).json()['kid']}/"
    assert security.post(f"{url}retire/", {}).json()["state"] == "retired"


def test_odd_keys_are_refused_and_nothing_is_made(security, world):
    for more in [
        {"pem": "no key"},
        {"pem": "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----"},
        {"algorithm": "HS256"},
        {"environment": "nowhere"},
        {"kid": "mine"},
        {"signing_since": "2020-01-01T00:00:00Z"},
    ]:
        assert problem(staged(security, **more))[0] in (400, 409)
        assert not SigningKey.objects.exists()


def test_s0_31_changing_tells_what_ends_asks_and_ends_every_jwt(security, world):
    signing.rotate(world.test, by="test", algorithm="ES256")
    world.policy(world.orders, format="jwt", access=600, refresh=600)
    jwt, opaque = issued(world.key_of(world.orders)), issued(world.key_of(world.billing))
    body = {"environment": "test"}

    told = security.post(f"{BASE}change/?dry_run=1", body).json()
    asked = security.post(f"{BASE}change/", body)

    assert (told["confirm"], told["impact"][0]) == ("Test", {"label": "Live JWTs in Test", "count": 1, "detail": ""})
    assert problem(asked) == (428, "confirmation_missing")
    assert problem(security.post(f"{BASE}change/", {**body, "confirm": "test"})) == (400, "confirmation_wrong")
    assert opens(jwt)

    changed = security.post(f"{BASE}change/", {**body, "confirm": "Test"})

    assert (changed.json()["state"], changed.json()["algorithm"]) == ("signing", "ES256")
    assert (opens(jwt), opens(opaque, "billing")) == (False, True)
    states = [each["state"] for each in security.get(BASE, {"environment": "test"}).json()["results"]]
    assert states == ["signing", "ended"]
