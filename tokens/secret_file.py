"""A file of secrets: whole or not at all, and from its first byte for its owner alone."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_new(path: Path, values: Mapping[str, Any]) -> None:
    """Write a file that is not there yet, and have it on the disk. Raises FileExistsError: nothing is written over."""
    with _opened(path) as file:
        try:
            _put(values, file)
        except BaseException:
            path.unlink()
            raise
    _settle(path.parent)


def write_over(path: Path, values: Mapping[str, Any]) -> None:
    """The same, in the place of what is there."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with _opened(draft) as file:
        _put(values, file)
    draft.replace(path)
    _settle(path.parent)


def _opened(path: Path) -> Any:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")


def _put(values: Mapping[str, Any], file: Any) -> None:
    json.dump(values, file, indent=2)
    file.write("\n")
    file.flush()
    os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """The name of a new file is on the disk only once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
