"""Signatures of webhooks: HMAC-SHA256 over id, time and body, as the Standard Webhooks specification has it.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hmac
import os
from collections.abc import Iterable

PREFIX = "whsec_"
_LENGTH = 32  # the specification asks for 24 to 64 bytes


def make_secret() -> str:
    """A new secret in the form that receivers' libraries take."""
    return PREFIX + base64.b64encode(os.urandom(_LENGTH)).decode()


def sign(secret: str, *, event_id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the signature in base64. `timestamp` is in whole seconds since 1970."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{event_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def headers(secrets: Iterable[str], *, event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers. While a secret is exchanged both sign, so that a receiver may know either."""
    signatures = (sign(secret, event_id=event_id, timestamp=timestamp, body=body) for secret in secrets)
    return {"webhook-id": event_id, "webhook-timestamp": str(timestamp), "webhook-signature": " ".join(signatures)}
