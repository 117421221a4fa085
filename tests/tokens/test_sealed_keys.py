"""Signing keys are sealed, and sealed again when the encryption key is rotated (S4, D19, D13)."""

import base64
from typing import Any

from credentials import sealed, secrets
from tests import world as worlds
from tokens import signing
from tokens.models import SigningKey


def test_the_newest_encryption_key_seals_signing_keys_again_and_every_token_lives_on(db: None, settings: Any) -> None:
    world = worlds.build()
    world.policy(world.orders, access=600, refresh=600, format="jwt")
    token = world.issue(world.key_of(world.orders))
    old = settings.KEY_ENCRYPTION_KEYS
    settings.KEY_ENCRYPTION_KEYS = [("newest", b"n" * 32), *old]
    for _ in sealed.reseal():
        pass
    key = SigningKey.objects.get()
    assert secrets.sealed_with(key.sealed_private_key) == "newest"
    settings.KEY_ENCRYPTION_KEYS = [("newest", b"n" * 32)]
    signing.private_key.cache_clear()
    assert b"PRIVATE KEY" in signing.private_key(key.kid).pem
    assert world.good(token, at=1)
    assert world.good(world.issue(world.key_of(world.orders), at=2), at=3)


def test_a_wrong_encryption_key_is_found_at_start_and_named(db: None, settings: Any) -> None:
    world = worlds.build()
    signing.ensure(world.test, by="test")
    name = settings.KEY_ENCRYPTION_KEYS[0][0]
    settings.KEY_ENCRYPTION_KEYS = [(name, base64.b64decode("A" * 43 + "="))]
    assert ["tokens_signingkey" in sentence for sentence in sealed.unreadable()] == [True]
