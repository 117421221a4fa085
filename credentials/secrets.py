"""Making, recognising, hashing, deriving and sealing secrets. No models, no queries.

Opaque values are `<prefix><64 hex digits of 32 random bytes><8 hex digits of checksum>` (D20): unreserved characters
only, so that one with a wrong checksum is refused before any query, and secret scanners find it by its prefix.
"""

import hashlib
import hmac
import os
import re
import secrets as random
import zlib
from collections.abc import Iterable
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.utils.translation import gettext_noop

from credentials.errors import InvalidCredential, SealBroken
from proxies.settled import settings

ACCESS_TOKEN = "lk_at_"
REFRESH_TOKEN = "lk_rt_"
CLIENT_SECRET = "lk_cs_"
CONNECTION_TOKEN = "lk_ct_"
PERSONAL_TOKEN = "lk_pt_"
PASSWORD_LINK = "lk_pl_"
PREFIXES = (ACCESS_TOKEN, REFRESH_TOKEN, CLIENT_SECRET, CONNECTION_TOKEN, PERSONAL_TOKEN, PASSWORD_LINK)

_BODY = re.compile(r"[0-9a-f]{72}", re.ASCII)
_PREFIX_LENGTH = 6
_NONCE_LENGTH = 12
_BLOCK = 64
# Of which every client makes the same Basic header; base64, hexadecimal and our own form are among them.
_GIVEN = re.compile(r"[A-Za-z0-9._~+/=-]{32,200}", re.ASCII)
_FEWEST_CHARACTERS = 10


def make(prefix: str) -> str:
    """A new secret: the prefix, 32 bytes of the system's randomness, a checksum."""
    return _finish(prefix, random.token_bytes(32))


def derive(prefix: str, *, predecessor: str, context: str, key: bytes) -> str:
    """The secret that follows from its predecessor under a server key: the same again, for the holder only (D2)."""
    subkey = _subkey(key, b"latchkey successor")
    return _finish(prefix, hmac.digest(subkey, f"{prefix}|{context}|{predecessor}".encode(), "sha256"))


def derive_name(*, predecessor: str, context: str, key: bytes) -> str:
    """The identifier that follows from a predecessor under a server key: 32 letters and digits (D2)."""
    subkey = _subkey(key, b"latchkey successor name")
    return hmac.digest(subkey, f"{context}|{predecessor}".encode(), "sha256").hex()[:32]


@cache
def _subkey(key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(key, purpose, "sha256")


def _finish(prefix: str, body: bytes) -> str:
    start = prefix + body.hex()
    return f"{start}{zlib.crc32(start.encode()):08x}"


def kind_of(raw: str) -> str | None:
    """The prefix of a well-formed secret, or None: then no query is worth it (D20)."""
    prefix = raw[:_PREFIX_LENGTH]
    if prefix not in PREFIXES or _BODY.fullmatch(raw, _PREFIX_LENGTH) is None:
        return None
    return prefix if f"{zlib.crc32(raw[:-8].encode()):08x}" == raw[-8:] else None


def check_strength(secret: str) -> str:
    """A secret made elsewhere, long enough that a fast keyed hash is right for it (R36); or InvalidCredential."""
    if _GIVEN.fullmatch(secret) is None or len(set(secret)) < _FEWEST_CHARACTERS:
        raise InvalidCredential(
            gettext_noop("A client secret has 32 to 200 random letters, digits and . _ ~ - + / = only.")
        )
    return secret


def hash_keys() -> tuple[bytes, ...]:
    """The keys of the token hash, newest first."""
    return tuple(settings.TOKEN_HASH_KEYS)


def digest(raw: str) -> str:
    """The keyed hash a secret is stored as: HMAC-SHA-256 with the newest key, 64 hex digits (D19)."""
    return _keyed(hash_keys()[0], raw.encode("utf-8", "surrogatepass"))


def digests(raw: str) -> list[str]:
    """The keyed hash under every key, newest first: an older key still finds what it stored."""
    value = raw.encode("utf-8", "surrogatepass")
    return [_keyed(key, value) for key in hash_keys()]


@cache
def _begun(key: bytes) -> tuple[Any, Any]:
    """Both halves of HMAC-SHA-256 (RFC 2104) with the key taken in, on which `hmac` spends most of its time."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return hashlib.sha256(bytes(byte ^ 0x36 for byte in block)), hashlib.sha256(bytes(byte ^ 0x5C for byte in block))


def _keyed(key: bytes, value: bytes) -> str:
    begun, ended = _begun(key)
    inner, outer = begun.copy(), ended.copy()
    inner.update(value)
    outer.update(inner.digest())
    digits: str = outer.hexdigest()
    return digits


def matches(raw: str, stored: str | None) -> bool:
    """True where the secret is the one stored. Takes the same time for a wrong one and for none stored."""
    return is_among(digests(raw), stored)


def is_among(shown: Iterable[str], stored: str | None) -> bool:
    """The same for the `digests` of a secret that is compared with several stored ones."""
    expected = (stored or "0" * 64).encode()
    found = False
    for candidate in shown:
        found |= hmac.compare_digest(candidate.encode(), expected)
    return found and stored is not None


def fingerprint(raw_or_jti: str) -> str:
    """What a log may show of a secret: the first 16 digits of its keyed hash."""
    return digest(raw_or_jti)[:16]


def random_name(length: int = 16) -> str:
    """An identifier that nobody can guess, of letters and digits: client ids, jti, key ids."""
    return random.token_hex(length)


@cache
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


def seal(value: bytes, *, context: str) -> bytes:
    """Encrypt with the newest key (AES-256-GCM). `context` names table, row and column and must be given again.

    Envelope: length of key id, key id, nonce (12 bytes), ciphertext with tag.
    """
    key_id, key = settings.KEY_ENCRYPTION_KEYS[0]
    nonce = os.urandom(_NONCE_LENGTH)
    name = key_id.encode()
    return bytes((len(name),)) + name + nonce + _cipher(key).encrypt(nonce, value, context.encode())


def sealed_with(envelope: bytes | memoryview) -> str:
    """The id of the key that sealed an envelope."""
    return bytes(envelope[1 : 1 + envelope[0]]).decode("utf-8", "replace")


def unseal(envelope: bytes | memoryview, *, context: str) -> bytes:
    """Decrypt what `seal` made. Raises SealBroken for an unknown key, another row or altered bytes."""
    envelope = bytes(envelope)
    keys = dict(settings.KEY_ENCRYPTION_KEYS)
    start = 1 + envelope[0]
    key = keys.get(sealed_with(envelope))
    if key is None:
        raise SealBroken
    nonce, ciphertext = envelope[start : start + _NONCE_LENGTH], envelope[start + _NONCE_LENGTH :]
    try:
        return _cipher(key).decrypt(nonce, ciphertext, context.encode())
    except InvalidTag as broken:
        raise SealBroken from broken


def hash_id(value: str) -> str:
    """A plain SHA-256, for values that are unique but not secret."""
    return hashlib.sha256(value.encode()).hexdigest()
