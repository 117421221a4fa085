"""The keys of an environment: staged, published, signing, verifying, retired, and changed."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.db import IntegrityError, transaction

from credentials import compact_jwt, secrets
from credentials.errors import SealBroken
from tests.world import START, World, call, later
from tokens import errors, lifecycle, signing
from tokens.models import SigningKey


def issue_jwt(world: World, at: float = 0, **terms: object) -> lifecycle.TokenAnswer:
    world.policy(world.orders, **{"format": "jwt", "access": 60, "refresh": 180, "count": 3, **terms})
    return world.issue(world.key_of(world.orders), at=at)


def kid_of(token: lifecycle.TokenAnswer) -> str:
    return compact_jwt.header(token.access_token).kid


def published(world: World) -> set[object]:
    return {key["kid"] for key in signing.jwks(world.test)}


def pem(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_the_first_jwt_of_an_environment_makes_its_key(world: World) -> None:
    assert not SigningKey.objects.exists()
    token = issue_jwt(world)
    made = SigningKey.objects.get()
    assert (made.environment, made.kid, made.algorithm) == (world.test, kid_of(token), "RS256")
    assert [row.outcome for row in world.log()] == ["granted"]


def test_d13_rotate_cuts_nobody_off(world: World) -> None:
    token = issue_jwt(world)
    new = signing.rotate(world.test, by="test", at=later(10))
    assert world.good(token, at=59)
    answer = world.refresh(world.key_of(world.orders), token.refresh_token, at=20)
    assert kid_of(answer) == new.kid != kid_of(token)
    assert world.good(answer, at=21)
    assert published(world) == {new.kid, kid_of(token)}


def test_d13_the_old_key_verifies_until_the_last_token_signed_by_it_has_expired_i21(world: World) -> None:
    old = kid_of(issue_jwt(world, at=0))
    last = issue_jwt(world, at=30)
    signing.rotate(world.test, by="test", at=later(30))
    assert signing.retire_due(at=later(89)) == 0
    assert world.good(last, at=89)
    assert old in published(world)
    assert signing.retire_due(at=later(90)) == 1
    assert old not in published(world)
    assert world.verify(last, at=90).reason == "token_expired"


def test_d13_a_never_expiring_jwt_keeps_a_rotated_key_verifying_for_ever(world: World) -> None:
    token = issue_jwt(world, never_expires=True)
    signing.rotate(world.test, by="test", at=later(1))
    assert signing.retire_due(at=later(10**9)) == 0
    assert world.good(token, at=10**9)


def test_d13_change_ends_all_jwts_of_the_environment_and_the_refresh_handles_of_their_families(world: World) -> None:
    tokens = [issue_jwt(world, never_expires=True), issue_jwt(world)]
    old = kid_of(tokens[1])
    signing.change(world.test, by="test", at=later(10))
    for token in tokens:
        assert world.verify(token, at=11).reason == "signing_key_changed"
    with pytest.raises(errors.SigningKeyChanged):
        world.refresh(world.key_of(world.orders), tokens[1].refresh_token, at=11)
    assert old not in published(world)
    assert world.good(issue_jwt(world, at=12), at=13)


def test_d13_change_ends_tokens_of_rotated_keys_and_families_that_began_under_them(world: World) -> None:
    first = issue_jwt(world)
    signing.rotate(world.test, by="test", at=later(1))
    second = world.refresh(world.key_of(world.orders), first.refresh_token, at=2)
    signing.change(world.test, by="test", at=later(3))
    for token in (first, second):
        assert world.verify(token, at=4).reason == "signing_key_changed"
    for raw in (first.refresh_token, second.refresh_token):
        with pytest.raises(errors.SigningKeyChanged):
            world.refresh(world.key_of(world.orders), raw, at=4)


def test_d13_a_family_whose_first_key_was_retired_still_ends_at_a_change(world: World) -> None:
    first = issue_jwt(world, count=None)
    signing.rotate(world.test, by="test", at=later(1))
    second = world.refresh(world.key_of(world.orders), first.refresh_token, at=61)
    assert signing.retire_due(at=later(62)) == 1
    assert world.good(second, at=63)
    third = world.refresh(world.key_of(world.orders), second.refresh_token, at=64)
    signing.change(world.test, by="test", at=later(65))
    assert world.verify(third, at=66).reason == "signing_key_changed"
    with pytest.raises(errors.SigningKeyChanged):
        world.refresh(world.key_of(world.orders), third.refresh_token, at=66)


def test_d13_s0_35_change_leaves_opaque_tokens_and_other_environments(world: World) -> None:
    opaque = world.issue(world.key_of(world.billing))
    jwt = issue_jwt(world)
    signing.change(world.live, by="test", at=later(1))
    assert world.good(jwt, at=2)
    signing.change(world.test, by="test", at=later(3))
    assert world.good(opaque, world.billing, at=4)
    assert world.refresh(world.key_of(world.billing), opaque.refresh_token, at=5).access_token


def test_s0_31_s0_34_nothing_that_was_signed_before_a_change_comes_back(world: World) -> None:
    token = issue_jwt(world, never_expires=True)
    for second in (1, 2, 3):
        signing.change(world.test, by="test", at=later(second))
        signing.rotate(world.test, by="test", at=later(second))
    assert world.verify(token, at=10).reason == "signing_key_changed"
    assert len(published(world)) == 2


def test_a_key_is_published_before_it_signs(world: World) -> None:
    issue_jwt(world)
    staged = signing.stage(world.test, by="test", algorithm="ES256", at=later(1))
    assert staged.kid not in published(world)
    signing.publish(staged, by="test", at=later(2))
    assert staged.kid in published(world)
    assert kid_of(issue_jwt(world, at=3)) != staged.kid
    assert signing.rotate(world.test, by="test", at=later(4)) == staged
    assert kid_of(issue_jwt(world, at=5)) == staged.kid
    with pytest.raises(errors.SigningKeyState):
        signing.publish(staged, by="test", at=later(6))


def test_r3_a_key_that_was_staged_and_never_published_signs_and_verifies_nothing(world: World) -> None:
    issue_jwt(world)
    staged = signing.stage(world.test, by="test", at=later(1))
    assert signing.rotate(world.test, by="test", at=later(2)) != staged


def test_the_database_lets_one_key_of_an_environment_sign(world: World) -> None:
    issue_jwt(world)
    second = signing.stage(world.test, by="test", at=later(1))
    with pytest.raises(IntegrityError), transaction.atomic():
        SigningKey.objects.filter(pk=second.pk).update(published_at=START, signing_since=START)


def test_the_private_key_is_sealed_to_its_row_and_the_jwks_has_no_private_member(world: World) -> None:
    issue_jwt(world)
    record = SigningKey.objects.get()
    private = signing.private_key(record.kid)
    assert b"PRIVATE KEY" in private.pem
    assert "PRIVATE" not in repr(private)
    assert b"PRIVATE" not in bytes(record.sealed_private_key)
    with pytest.raises(SealBroken):
        secrets.unseal(record.sealed_private_key, context="tokens_signingkey:another:sealed_private_key")
    for members in signing.jwks(world.test):
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(members)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_key_of_ones_own_can_be_taken_in(world: World, algorithm: str) -> None:
    private = (
        ec.generate_private_key(ec.SECP256R1())
        if algorithm == "ES256"
        else rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    key = signing.stage(world.test, by="test", pem=pem(private), at=START)
    assert key.algorithm == algorithm
    signing.publish(key, by="test", at=START)
    signing.rotate(world.test, by="test", at=START)
    token = issue_jwt(world)
    assert kid_of(token) == key.kid
    assert world.good(token)


@pytest.mark.parametrize("kind", ["too short", "another curve", "another algorithm", "no key", "public"])
def test_a_key_that_is_too_weak_or_no_private_key_is_refused(world: World, kind: str) -> None:
    given = {
        "too short": lambda: pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
        "another curve": lambda: pem(ec.generate_private_key(ec.SECP384R1())),
        "another algorithm": lambda: pem(ed25519.Ed25519PrivateKey.generate()),
        "no key": lambda: b"-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n",
        "public": lambda: (
            ec.generate_private_key(ec.SECP256R1())
            .public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        ),
    }[kind]()
    with pytest.raises(errors.SigningKeyState):
        signing.stage(world.test, by="test", pem=given, at=START)
    assert not SigningKey.objects.exists()


def test_the_jwks_door_shows_the_kid_that_jwts_name(world: World) -> None:
    token = issue_jwt(world)
    shown = call("/.well-known/jwks.json", method="GET")
    assert [key["kid"] for key in shown.json["keys"]] == [kid_of(token)]
    assert call("/env/live/.well-known/jwks.json", method="GET").json["keys"] == []
