"""Secrets: their form, their checksum, what is stored of them, and that nobody can guess one."""

import hmac
import math
import os
import re
from collections import Counter
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings as installed
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from credentials import secrets
from credentials.errors import SealBroken
from tests import world as worlds
from tests.world import REQUEST, START, World, call, later
from tokens import lifecycle
from tokens.errors import TokenNotFound, WrongTokenKind

FORM = re.compile(r"lk_[a-z]{2}_[0-9a-f]{64}[0-9a-f]{8}")
PREFIXES = st.sampled_from(secrets.PREFIXES)


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


# ---------------------------------------------------------------------------------------------- form (D20)


@pytest.mark.parametrize("prefix", secrets.PREFIXES)
def test_d20_a_secret_is_prefix_random_checksum_in_unreserved_characters(prefix: str) -> None:
    raw = secrets.make(prefix)
    assert FORM.fullmatch(raw)
    assert raw.startswith(prefix)
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", raw)  # RFC 3986 section 2.3
    assert len(bytes.fromhex(raw[len(prefix) : -8])) >= 32
    assert secrets.kind_of(raw) == prefix


def test_d20_there_is_one_prefix_per_kind() -> None:
    assert len(set(secrets.PREFIXES)) == len(secrets.PREFIXES) == 6
    assert not any(one != other and one.startswith(other) for one in secrets.PREFIXES for other in secrets.PREFIXES)


@given(PREFIXES, st.integers(0, 77), st.sampled_from("0123456789abcdef"))
def test_d20_one_wrong_character_anywhere_is_recognised(prefix: str, place: int, other: str) -> None:
    raw = secrets.make(prefix)
    broken = raw[:place] + other + raw[place + 1 :]
    assert (secrets.kind_of(broken) is None) == (broken != raw)


@given(PREFIXES, PREFIXES)
def test_d20_another_kinds_prefix_breaks_the_checksum(prefix: str, other: str) -> None:
    raw = other + secrets.make(prefix)[len(prefix) :]
    assert (secrets.kind_of(raw) is None) == (other != prefix)


@given(st.text(max_size=100))
def test_d20_any_other_text_is_no_secret(text: str) -> None:
    assert secrets.kind_of(text) is None
    assert secrets.kind_of(f"lk_at_{text}") is None


@pytest.mark.parametrize("changed", ["upper", "longer", "shorter", "space", "line", "digits", "nul"])
def test_d20_nearly_the_form_is_not_the_form(changed: str) -> None:
    raw = secrets.make(secrets.ACCESS_TOKEN)
    other = {
        "upper": raw.upper(),
        "longer": raw + "0",
        "shorter": raw[:-1],
        "space": " " + raw,
        "line": raw + "\n",
        "digits": raw[:-1] + "\u0661",  # a digit, but no ASCII one
        "nul": raw + "\x00",
    }[changed]
    assert secrets.kind_of(other) is None


def _asked(queries: CaptureQueriesContext) -> str:
    return " ".join(query["sql"] for query in queries)


def test_d20_a_wrong_checksum_never_reaches_the_database_as_a_hash(world: World) -> None:
    client = world.key_of(world.orders)
    for raw in (secrets.make(secrets.REFRESH_TOKEN), secrets.make(secrets.ACCESS_TOKEN)):
        broken = raw[:-1] + ("0" if raw[-1] != "0" else "1")
        with CaptureQueriesContext(connection) as queries:
            lifecycle.revoke(client, broken, request=REQUEST, at=later(1))
            assert lifecycle.introspect(client, broken, request=REQUEST, at=later(1)) == {"active": False}
            with pytest.raises(TokenNotFound):
                world.refresh(client, broken, at=1)
            assert not world.good(broken, at=1)
        for digest in secrets.digests(broken):
            assert digest not in _asked(queries)


def test_d20_recognising_a_wrong_one_takes_no_query_at_all(world: World) -> None:
    from tokens.lifecycle.shown import look_at

    raw = secrets.make(secrets.ACCESS_TOKEN)
    # Are tokens of other systems imported? Asked once in some seconds, and only for what is not of our form.
    assert not look_at(raw.upper(), now=START).is_ours
    with CaptureQueriesContext(connection) as queries:
        for text in (raw[:-1] + "x", raw.upper(), "lk_at_", "", "nonsense", "\x00", "é" * 99):
            assert not look_at(text, now=START).is_ours
    assert len(queries) == 0


def test_d20_a_secret_of_another_kind_is_named_as_such(world: World) -> None:
    client = world.key_of(world.orders)
    for prefix in (secrets.ACCESS_TOKEN, secrets.CLIENT_SECRET, secrets.CONNECTION_TOKEN, secrets.PERSONAL_TOKEN):
        with pytest.raises(WrongTokenKind):
            world.refresh(client, secrets.make(prefix), at=1)
    form = {"grant_type": "refresh_token", "refresh_token": secrets.make(secrets.ACCESS_TOKEN)}
    assert call("/oauth2/token", form, client=client).json["error_code"] == "wrong_token_kind"


# ---------------------------------------------------------------------------------------------- hashes


def test_d19_what_is_stored_is_a_keyed_hash_and_the_newest_key_is_used(settings) -> None:
    raw = secrets.make(secrets.CLIENT_SECRET)
    old = secrets.digest(raw)
    settings.TOKEN_HASH_KEYS = [b"\x01" * 32, *installed.TOKEN_HASH_KEYS]
    assert secrets.digest(raw) != old
    assert secrets.digests(raw)[1] == old
    assert secrets.matches(raw, old)
    assert secrets.matches(raw, secrets.digest(raw))
    settings.TOKEN_HASH_KEYS = [b"\x01" * 32]
    assert not secrets.matches(raw, old)


@pytest.mark.parametrize("length", [1, 32, 63, 64, 65, 200])
def test_d19_it_is_hmac_sha256_whatever_the_length_of_the_key(settings, length) -> None:
    key = bytes(range(length))
    settings.TOKEN_HASH_KEYS = [key]
    for text in ("", "lk_cs_secret", "ü" * 200):
        assert secrets.digest(text) == hmac.new(key, text.encode(), "sha256").hexdigest()


def test_d19_the_hash_key_is_not_the_secret_key() -> None:
    assert installed.SECRET_KEY.encode() not in installed.TOKEN_HASH_KEYS


def test_a_secret_matches_only_its_own_hash() -> None:
    one, other = secrets.make(secrets.CLIENT_SECRET), secrets.make(secrets.CLIENT_SECRET)
    assert not secrets.matches(one, secrets.digest(other))
    assert not secrets.matches(one, None)
    assert not secrets.matches("", None)
    assert not secrets.matches("0" * 64, None)
    assert not secrets.matches(secrets.digest(one), secrets.digest(one))  # a stolen hash opens nothing


@given(st.text(max_size=50))
def test_no_text_whatever_breaks_the_hash(text: str) -> None:
    assert len(secrets.digest(text)) == 64
    assert secrets.digest(text) == secrets.digests(text)[0]


def test_a_lone_surrogate_is_hashed_too() -> None:
    assert not secrets.matches("\ud800", secrets.digest("x"))


# ---------------------------------------------------------------------------------------------- seals


def test_what_is_sealed_can_be_unsealed_with_its_own_context_only() -> None:
    envelope = secrets.seal(b"the value", context="table:row:column")
    assert b"the value" not in envelope
    assert secrets.unseal(envelope, context="table:row:column") == b"the value"
    with pytest.raises(SealBroken):
        secrets.unseal(envelope, context="table:another row:column")


def test_two_seals_of_one_value_differ() -> None:
    assert len({secrets.seal(b"x", context="c") for _ in range(100)}) == 100


@given(st.binary(max_size=64), st.data())
def test_an_altered_envelope_is_broken(value: bytes, data: st.DataObject) -> None:
    envelope = bytearray(secrets.seal(value, context="c"))
    place = data.draw(st.integers(1, len(envelope) - 1))
    envelope[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBroken):
        secrets.unseal(bytes(envelope), context="c")


def test_a_new_key_seals_and_the_old_one_still_opens(settings) -> None:
    old = secrets.seal(b"x", context="c")
    settings.KEY_ENCRYPTION_KEYS = [("new", AESGCM.generate_key(256)), *installed.KEY_ENCRYPTION_KEYS]
    new = secrets.seal(b"y", context="c")
    assert secrets.sealed_with(new) == "new" != secrets.sealed_with(old)
    assert (secrets.unseal(old, context="c"), secrets.unseal(new, context="c")) == (b"x", b"y")
    settings.KEY_ENCRYPTION_KEYS = settings.KEY_ENCRYPTION_KEYS[:1]
    with pytest.raises(SealBroken):
        secrets.unseal(old, context="c")


# ---------------------------------------------------------------------------------------------- successors, and chance


def test_d2_a_successor_is_the_same_again_for_its_holder_and_differs_in_everything_else() -> None:
    def derive(
        predecessor: str = "p", context: str = "1:1", key: bytes = b"k" * 32, prefix: str = secrets.REFRESH_TOKEN
    ) -> str:
        return secrets.derive(prefix, predecessor=predecessor, context=context, key=key)

    assert derive() == derive()
    assert secrets.kind_of(derive()) == secrets.REFRESH_TOKEN
    others = [derive(predecessor="q"), derive(context="1:2"), derive(context="2:1"), derive(key=b"l" * 32)]
    bodies = {raw[6:-8] for raw in [derive(), *others, derive(prefix=secrets.ACCESS_TOKEN)]}
    assert len(bodies) == 6


def _chi_square(values: list[str]) -> float:
    counts = Counter("".join(values))
    expected = sum(counts.values()) / 16
    return sum((counts[digit] - expected) ** 2 / expected for digit in "0123456789abcdef")


def _looks_even(values: list[str]) -> bool:
    """Of 15 degrees of freedom: mean 15, standard deviation sqrt(30). Ten deviations are no accident."""
    return _chi_square(values) < 15 + 10 * math.sqrt(30)


def test_i16_tokens_never_collide_and_have_no_pattern() -> None:
    bodies = [secrets.make(secrets.ACCESS_TOKEN)[6:-8] for _ in range(50_000)]
    assert len(set(bodies)) == len(bodies)
    assert len({body[:16] for body in bodies}) == len(bodies)
    assert _looks_even(bodies)
    for place in (0, 31, 63):
        assert _looks_even([body[place] for body in bodies])


def test_i16_successors_of_a_chain_never_collide_and_have_no_pattern() -> None:
    raw, seen = secrets.make(secrets.REFRESH_TOKEN), []
    for sequence in range(20_000):
        raw = secrets.derive(secrets.REFRESH_TOKEN, predecessor=raw, context=f"1:{sequence}", key=b"k" * 32)
        seen.append(raw[6:-8])
    assert len(set(seen)) == len(seen)
    assert _looks_even(seen)


def test_i16_a_forked_process_makes_others_than_its_parent(tmp_path: Path) -> None:
    secrets.make(secrets.ACCESS_TOKEN)
    told = tmp_path / "child"
    child = os.fork()
    if child == 0:
        try:
            told.write_text("\n".join(secrets.make(secrets.ACCESS_TOKEN) for _ in range(100)))
        finally:
            os._exit(0)
    mine = {secrets.make(secrets.ACCESS_TOKEN) for _ in range(100)}
    os.waitpid(child, 0)
    theirs = set(told.read_text().splitlines())
    assert len(theirs) == 100
    assert not mine & theirs


def test_i16_identifiers_do_not_follow_from_each_other() -> None:
    names = [secrets.random_name() for _ in range(10_000)]
    assert len(set(names)) == len(names)
    assert all(len(name) == 32 for name in names)
    assert _looks_even(names)
