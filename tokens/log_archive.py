"""The request log of a time as a file: streamed, in bounded memory, taken up again where it was interrupted.

The rows stay where they are: an archive is a copy. Beside the file that grows (`.part`) lies how far it has come, and
what was written behind that is cut off when it goes on. Each step of a packed file is a whole member of gzip, so the
file may be cut there.
"""

import fcntl
import gzip
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from django.db.models import Max, Min, QuerySet
from django.utils import timezone

from proxies import history
from tokens import log_export, sealing
from tokens.errors import LogExportRefused
from tokens.models import LogSeal, TokenRequestLog

ROWS_PER_STEP = 20_000
# What the end of a file's name says: how a row is written, whether it is packed.
ENDINGS = {".jsonl": ("jsonl", False), ".csv": ("csv", False), ".jsonl.gz": ("jsonl", True), ".csv.gz": ("csv", True)}
_LINES = {"jsonl": log_export.json_line, "csv": log_export.csv_line}
_AT = log_export.COLUMNS.index("at")


@dataclass(slots=True)
class State:
    """How far an archive has come. `since` and `wanted_until` are as they were asked for, `until` is what they mean."""

    since: str
    wanted_until: str
    until: str
    rows: int = 0
    first_id: int = 0
    last_id: int = 0
    after_at: str = ""
    after_id: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Archived:
    """A file that is whole, and what its seals say: numbers of the first and last seal over its rows (0: none yet)."""

    rows: int
    first_id: int
    last_id: int
    until: datetime
    sha256: str
    first_seal: int
    last_seal: int
    unsealed: int
    broken: list[sealing.Broken]


def write(
    path: Path,
    *,
    since: datetime | None,
    until: datetime | None,
    by: str,
    progress: Callable[[int], None] = lambda _rows: None,
    at: datetime | None = None,
) -> Archived:
    """Write the rows from `since` on and before `until`, the oldest first; called again it goes on. Raises
    LogExportRefused.

    Rows of the last minutes may still be on their way: without `until`, or with one that is too near, it ends before.
    """
    now = at or timezone.now()
    kind, packed = _ending(path)
    if path.exists():
        raise LogExportRefused(f"{path} is there already. Nothing is written over.")
    settled = now - sealing.SETTLED_AFTER
    meant = settled if until is None else min(until, settled)
    fresh = State(_text(since), _text(until), _text(meant))
    with _part(path) as part:
        state = _taken_up(path, part, fresh)
        chosen = _chosen(state)
        _record(chosen, state, kind, by=by, at=now)
        for step in _steps(chosen, state):
            _append(part, step, state, kind=kind, packed=packed)
            _keep(path, state)
            progress(state.rows)
        if state.size == 0:
            _append(part, [], state, kind=kind, packed=packed)
        digest = _digest(part)
    _beside(path, ".part").replace(path)
    _beside(path, ".state").unlink(missing_ok=True)
    return _sealed(state, digest)


def _ending(path: Path) -> tuple[str, bool]:
    found = [meaning for ending, meaning in ENDINGS.items() if path.name.endswith(ending)]
    if not found:
        raise LogExportRefused(f"The name of the file ends with one of {', '.join(ENDINGS)}.")
    return found[0]


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _text(moment: datetime | None) -> str:
    return "" if moment is None else log_export.moment(moment)


@contextmanager
def _part(path: Path) -> Iterator[IO[bytes]]:
    """The file that grows, for its owner alone, held by one process."""
    try:
        handle = os.open(_beside(path, ".part"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as trouble:
        raise LogExportRefused(f"{path} cannot be written: {trouble.strerror}.") from None
    with os.fdopen(handle, "r+b") as part:
        try:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LogExportRefused(f"Another process writes {path} at this moment.") from None
        yield part


def _taken_up(path: Path, part: IO[bytes], fresh: State) -> State:
    kept = _beside(path, ".state")
    state = State(**json.loads(kept.read_text(encoding="utf-8"))) if kept.exists() else fresh
    if (state.since, state.wanted_until) != (fresh.since, fresh.wanted_until):
        raise LogExportRefused(f"{path}.part was begun for another time. Remove it and {path}.state, or name another.")
    part.truncate(state.size)
    part.seek(state.size)
    return state


def _chosen(state: State) -> QuerySet[TokenRequestLog]:
    rows = TokenRequestLog.objects.filter(at__lt=datetime.fromisoformat(state.until))
    return rows.filter(at__gte=datetime.fromisoformat(state.since)) if state.since else rows


def _record(chosen: QuerySet[TokenRequestLog], state: State, kind: str, *, by: str, at: datetime) -> None:
    """Who took the log out, and which part of it (R38); told of the first row of it."""
    first = chosen.order_by("at", "pk").first()
    if first is not None:
        note = f"{state.since or 'the beginning'} to {state.until}, {kind}, to a file"
        history.record("export token request log", first, by=by, at=at, note=note)


def _steps(chosen: QuerySet[TokenRequestLog], state: State) -> Iterator[Iterator[tuple[Any, ...]]]:
    after = (datetime.fromisoformat(state.after_at), state.after_id) if state.after_at else None
    rows = log_export.oldest_first(chosen, after)
    for first in rows:
        yield _with(first, islice(rows, ROWS_PER_STEP - 1))


def _with(first: tuple[Any, ...], others: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    yield first
    yield from others


def _append(part: IO[bytes], rows: Any, state: State, *, kind: str, packed: bool) -> None:
    """One step: it is on the disk when the state says so."""
    out: Any = gzip.GzipFile(fileobj=part, mode="wb", mtime=0) if packed else part
    if state.size == 0 and kind == "csv":
        out.write(log_export.csv_line(log_export.COLUMNS).encode())
    line = _LINES[kind]
    for row in rows:
        out.write(line(row).encode())
        state.rows += 1
        state.first_id = min(state.first_id or row[0], row[0])
        state.last_id = max(state.last_id, row[0])
        state.after_at, state.after_id = log_export.moment(row[_AT]), row[0]
    if packed:
        out.close()
    part.flush()
    os.fsync(part.fileno())
    state.size = part.tell()


def _keep(path: Path, state: State) -> None:
    draft = _beside(path, ".state.new")
    draft.write_text(json.dumps(asdict(state)), encoding="utf-8")
    draft.replace(_beside(path, ".state"))


def _digest(part: IO[bytes]) -> str:
    part.seek(0)
    return hashlib.file_digest(part, "sha256").hexdigest()  # type: ignore[arg-type] # a buffered file


def _sealed(state: State, digest: str) -> Archived:
    """What the seals say of the rows that were written."""
    over = LogSeal.objects.filter(last_id__gte=state.first_id, first_id__lte=state.last_id)
    found = over.aggregate(first=Min("number"), last=Max("number"), last_id=Max("last_id"))
    first, last = found["first"] or 0, found["last"] or 0
    checked = sealing.check(rows_from=first, rows_to=last) if first else sealing.Checked()
    unsealed = _chosen(state).filter(pk__gt=found["last_id"] or 0, pk__lte=state.last_id).count() if state.rows else 0
    return Archived(
        state.rows,
        state.first_id,
        state.last_id,
        datetime.fromisoformat(state.until),
        digest,
        first,
        last,
        unsealed,
        [each for each in checked.broken if first <= each.number <= last],
    )
