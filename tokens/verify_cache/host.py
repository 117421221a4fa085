"""The map of this host for a database, and whether this process marks in it."""

import hashlib
import logging
import os
import threading
from pathlib import Path
from typing import Any

from django.conf import settings

from tokens.verify_cache.words import SharedWords, Unusable

logger = logging.getLogger(__name__)
# In memory, and of this host alone: the same file over a network would be two memories.
FOLDER = Path("/dev/shm")  # noqa: S108 - owner and mode are checked, and the name is linked to a finished file
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_lock = threading.Lock()
_maps: dict[Path, "HostMap"] = {}
why_not = ""


class HostMap:
    """The shared words, and the name by which sessions say that they mark in them: of this map, on this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.words = SharedWords(path)
        boot = _BOOT.read_text(encoding="ascii") if _BOOT.exists() else ""
        self.id = hashlib.blake2b(f"{self.words.id} {boot}".encode(), digest_size=12).hexdigest()


def path_for(stated: dict[str, Any]) -> Path:
    """The file of this user's map for a database."""
    identity = "\n".join(str(stated.get(name) or "") for name in ("HOST", "PORT", "NAME"))
    digest = hashlib.blake2b(identity.encode(), digest_size=12).hexdigest()
    return FOLDER / f"latchkey-{os.geteuid()}-{digest}"


def joined(stated: dict[str, Any]) -> HostMap | None:
    """The map that a session for this database marks in, or None: then it is a stranger, and keeps every cache off."""
    global why_not  # noqa: PLW0603 - for health and doctor to tell
    if settings.VERIFY_CACHE != "host" or not stated.get("NAME"):
        return None
    path = path_for(stated)
    with _lock:
        if path not in _maps:
            try:
                _maps[path] = HostMap(path)
            except Unusable as trouble:
                why_not = str(trouble)
                logger.warning("verifications are not kept: %s", trouble)
                return None
        return _maps[path]
