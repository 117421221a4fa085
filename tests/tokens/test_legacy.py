"""Verifiers of imported tokens: keys that only verify, pinned, never taken for another kind, and an end (D20, R2)."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.db import IntegrityError, connection, transaction

from credentials import sealed
from proxies.models import ChangeRecord
from tests import world as worlds
from tests.tokens.commands.calling import run
from tests.world import START, World, later
from tokens import foreign, legacy
from tokens.errors import InvalidLegacyVerifier
from tokens.models import LegacyVerifier

END = START + timedelta(days=30)
SHARED = b"0123456789abcdef0123456789abcdef-shared"


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


def pem(key: Any) -> bytes:
    public: bytes = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public


RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
PRIVATE = RSA.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def register(world: World, **more: Any) -> LegacyVerifier:
    words: dict[str, Any] = {
        "name": "old",
        "algorithm": "HS256",
        "key": SHARED,
        "ends_at": END,
        "by": "ada",
        "at": START,
    }
    return legacy.register_jwt(environment=world.test, **{**words, **more})


@pytest.mark.parametrize(
    ("algorithm", "key", "fault"),
    [
        ("HS256", pem(RSA), "this is the key of a key pair"),
        ("HS256", b"  \n" + pem(EC), "this is the key of a key pair"),
        ("HS256", b"ssh-rsa AAAA" * 10, "this is the key of a key pair"),
        ("HS256", b'{"kty":"RSA","n":"...................."}', "this is the key of a key pair"),
        ("HS256", b"short", "32 bytes or more"),
        ("HS512", b"x" * 20_000, "too long"),
        ("RS256", SHARED, "no public key in PEM for RS256"),
        ("RS256", pem(EC), "no public key in PEM for RS256"),
        ("ES256", pem(RSA), "no public key in PEM for ES256"),
        ("ES384", pem(EC), "no public key in PEM for ES384"),
        ("RS256", PRIVATE, "This is a private key"),
        ("RS256", pem(rsa.generate_private_key(65537, 1024)), "no public key in PEM for RS256"),
        ("none", b"", "The algorithm is one of"),
        ("PS256", pem(RSA), "The algorithm is one of"),
    ],
)
def test_r2_a_key_is_for_its_algorithm_and_for_no_other(world: World, algorithm: str, key: bytes, fault: str) -> None:
    with pytest.raises(InvalidLegacyVerifier, match=fault):
        register(world, algorithm=algorithm, key=key)


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"name": "Old One"}, "The name has"),
        ({"kid": "a b"}, "A key id has"),
        ({"user_claim": "a b"}, "A key id has"),
        ({"ends_at": START}, "must lie in the future"),
    ],
)
def test_what_cannot_be_is_refused(world: World, more: dict[str, Any], fault: str) -> None:
    with pytest.raises(InvalidLegacyVerifier, match=fault):
        register(world, **more)


def test_i5_the_key_is_sealed_re_encrypted_and_never_shown(world: World) -> None:
    made = register(world, key=SHARED + b"\n")
    assert SHARED not in bytes(made.sealed_key or b"")
    assert [each.key for each in foreign.verifiers(START)] == [SHARED]
    assert SHARED.decode() not in repr(foreign.verifiers(START))
    assert any(column.model is LegacyVerifier for column in sealed.columns())
    told = " ".join(f"{each.before} {each.after}" for each in ChangeRecord.objects.filter(verb="register"))
    assert SHARED.decode() not in told
    assert "HS256" in told


def test_a_name_is_taken_once(world: World) -> None:
    register(world)
    with pytest.raises(InvalidLegacyVerifier, match="exists"):
        register(world)


def test_d20_its_end_moves_until_it_has_come(world: World) -> None:
    made = register(world)
    legacy.move_end(made, START + timedelta(days=2), by="ada", at=START)
    assert foreign.verifiers(START + timedelta(days=1))
    assert not foreign.verifiers(START + timedelta(days=2)), "D16: ended from the very moment on"
    with pytest.raises(InvalidLegacyVerifier, match="has ended"):
        legacy.move_end(made, END, by="ada", at=START + timedelta(days=3))
    other = register(world, name="other")
    legacy.end(other, by="ada", at=later(60))
    legacy.end(other, by="bob", at=later(70))
    other.refresh_from_db()
    assert other.ends_at == later(60)
    assert ChangeRecord.objects.filter(verb="move end").count() == 2


def test_the_database_says_what_a_verifier_has(world: World) -> None:
    for wrong in ({"kind": "jwt"}, {"kind": "checksum", "algorithm": "HS256"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            LegacyVerifier.objects.create(name="wrong", environment=world.test, created_at=START, ends_at=END, **wrong)


def test_verifiers_are_read_once_in_some_seconds(world: World, django_assert_num_queries: Any) -> None:
    register(world)
    with django_assert_num_queries(1):
        for _ in range(5):
            assert foreign.verifiers(START)
    assert connection.vendor in ("sqlite", "postgresql")


def test_only_an_imported_family_has_a_client_and_a_person(world: World) -> None:
    from credentials import users
    from tokens.models import TokenFamily

    world.issue(world.key_of(world.orders))
    person = users.create_user(username="ada", password=None, by="test")
    with pytest.raises(IntegrityError), transaction.atomic():
        TokenFamily.objects.update(user=person)


def test_by_command_an_end_is_moved(world: World) -> None:
    legacy.register_checksum(name="toolkit", environment=world.test, ends_at=END.replace(year=2096), by="test")
    assert "in use" in run("legacy_verifier", "list").out
    assert run("legacy_verifier", "move-end", "toolkit", "2095-01-31").status == 0
    assert LegacyVerifier.objects.get().ends_at.isoformat() == "2095-01-31T00:00:00+00:00"
    assert "There are: toolkit" in run("legacy_verifier", "end", "nothing", "--yes").err
    assert run("legacy_verifier", "end", "toolkit", "--yes").status == 0
