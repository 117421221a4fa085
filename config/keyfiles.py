"""Secrets that no one handed us: made once, kept beside the data, 0600.

Each kind of key is random by itself. None is derived from another, so that a leaked SECRET_KEY opens neither the
tokens' digests nor the sealed private keys, and each can be rotated alone.
"""

import base64
import binascii
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

KEY_BYTES = 32


def private_directory(path: Path) -> Path:
    """The directory, made for its owner alone. An existing one keeps the mode its owner gave it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def kept_secret(path: Path, make: Callable[[], str]) -> str:
    """The text kept in `path`, made on first use.

    Several processes may start at once: each writes a file of its own and links it into place. The link fails for all
    but one, and all of them then read the winner's. A half-written file can't be seen.
    """
    if not path.exists():
        private_directory(path.parent)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(make() + "\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
        finally:
            draft.unlink(missing_ok=True)
    return path.read_text(encoding="ascii").strip()


def new_secret_key() -> str:
    return secrets.token_urlsafe(64)


def new_hash_key() -> str:
    return secrets.token_hex(KEY_BYTES)


def new_encryption_key() -> str:
    return f"k{secrets.token_hex(4)}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _decoded(text: str, where: str) -> bytes:
    """Hex or base64. The message never repeats the key."""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        try:
            key = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
        except binascii.Error:
            raise ImproperlyConfigured(f"{where}: a key is neither hex nor base64") from None
    if len(key) < KEY_BYTES:
        raise ImproperlyConfigured(f"{where}: a key has {len(key)} bytes, at least {KEY_BYTES} are needed")
    return key


def hash_keys(text: str, where: str = "TOKEN_HASH_KEYS") -> list[bytes]:
    """One key a line, hex or base64, the newest first."""
    keys = [_decoded(line, where) for line in _lines(text)]
    if not keys:
        raise ImproperlyConfigured(f"{where} holds no key")
    return keys


def encryption_keys(text: str, where: str = "KEY_ENCRYPTION_KEYS") -> list[tuple[str, bytes]]:
    """One `id:base64` a line, the newest first. The id stands in each sealed value, so it must stay unique for ever."""
    keys: list[tuple[str, bytes]] = []
    for line in _lines(text):
        key_id, colon, value = line.partition(":")
        if not colon or not key_id:
            raise ImproperlyConfigured(f"{where}: a line is not of the form id:base64")
        key = _decoded(value, where)
        if len(key) != KEY_BYTES:
            raise ImproperlyConfigured(f"{where}: key {key_id} has {len(key)} bytes, not {KEY_BYTES}")
        keys.append((key_id, key))
    if not keys:
        raise ImproperlyConfigured(f"{where} holds no key")
    if len({key_id for key_id, _ in keys}) != len(keys):
        raise ImproperlyConfigured(f"{where}: a key id is there twice")
    return keys
