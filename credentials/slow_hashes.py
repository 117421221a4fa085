"""The slow hash of a client secret, as Django keeps passwords: `pbkdf2_sha256$iterations$salt$hash`. No models."""

import hashlib
import hmac
from base64 import b64decode
from typing import NamedTuple

PREFIX = "pbkdf2_sha256$"
MOST_ITERATIONS = 2_000_000
LONGEST = 200
_LONGEST_PRESENTED = 1024


class SlowHash(NamedTuple):
    """The parts of `pbkdf2_sha256$iterations$salt$hash`."""

    iterations: int
    salt: bytes
    expected: bytes

    def matches(self, presented: str) -> bool:
        """True for the secret that was hashed; takes its time."""
        return hmac.compare_digest(compute(presented, self.salt, self.iterations), self.expected)


def parse(encoded: str) -> SlowHash | None:
    """The parts, or None for anything that is not a hash of this kind or would cost too much."""
    parts = encoded.split("$")
    if len(encoded) > LONGEST or len(parts) != 4 or not encoded.startswith(PREFIX):
        return None
    _, iterations, salt, expected = parts
    if not (iterations.isascii() and iterations.isdecimal() and salt and 0 < int(iterations) <= MOST_ITERATIONS):
        return None
    try:
        decoded = b64decode(expected, validate=True)
    except ValueError:
        return None
    return SlowHash(int(iterations), salt.encode(), decoded) if len(decoded) == hashlib.sha256().digest_size else None


def compute(presented: str, salt: bytes, iterations: int) -> bytes:
    """The hash; with no iterations left to do nothing at once."""
    if iterations < 1:
        return b""
    raw = presented[:_LONGEST_PRESENTED].encode("utf-8", "surrogatepass")
    return hashlib.pbkdf2_hmac("sha256", raw, salt, iterations)
