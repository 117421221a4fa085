"""Seals over the request log: what was altered, added or taken out shows, and where (I10). Sole writer of LogSeal.

Nothing of it happens inside a token's transaction. A row's id says nothing about when it was committed, and a
transaction that was rolled back leaves a gap. So the newest id is noted first, and sealed when it has settled: by then
every transaction that could still write a smaller one is over.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from credentials import secrets
from tokens.models import LogMark, LogSeal, TokenRequestLog

# Far longer than any transaction may live: the database ends statements after 10 s and idle transactions after 30 s.
SETTLED_AFTER = timedelta(minutes=4)
ROWS_PER_SEAL = 1_000

# The columns under the hash, by layout. A layout is never changed: a new column makes a new one.
LAYOUTS: dict[int, tuple[str, ...]] = {
    1: (
        "id", "at", "action", "outcome", "reason", "status", "environment", "client_id", "client_name", "username",
        "actor", "proxy", "group", "audience", "token_format", "jti", "family_id", "fingerprint", "scopes", "issued_at",
        "expires_at", "refresh_expires_at", "refresh_sequence", "address", "user_agent", "request_id", "duration_ms",
    )
}  # fmt: skip
LAYOUT = 1


def _nothing() -> None:
    """What is called between steps where nobody wants to know."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a run has sealed."""

    seals: int
    rows: int


def seal(*, at: datetime | None = None, keep: Callable[[], None] = _nothing) -> Sealed:
    """Seal what has settled since the last run, and note what is to settle until the next."""
    now = at or timezone.now()
    mark, _ = LogMark.objects.get_or_create(pk=1)
    if mark.noted_at is not None and mark.noted_at > now - SETTLED_AFTER:
        return Sealed(0, 0)
    seals = rows = 0
    while (made := _seal_next(mark.noted_id, now)) is not None:
        seals, rows = seals + 1, rows + made.rows
        keep()
    newest = TokenRequestLog.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    LogMark.objects.filter(pk=1).update(noted_id=newest, noted_at=now)
    return Sealed(seals, rows)


def waiting(*, up_to: int) -> int:
    """How many rows are under no seal yet, counted no further than this."""
    last = LogSeal.objects.order_by("-number").first()
    rows = TokenRequestLog.objects.filter(pk__gt=0 if last is None else last.last_id)
    return rows.order_by()[:up_to].count()


def _seal_next(up_to: int, now: datetime) -> LogSeal | None:
    """The next range, or None where all is sealed, or where another seals it at this moment."""
    last = LogSeal.objects.order_by("-number").first()
    first_id = 1 if last is None else last.last_id + 1
    if first_id > up_to:
        return None
    ids = TokenRequestLog.objects.filter(pk__gte=first_id, pk__lte=up_to).order_by("pk").values_list("pk", flat=True)
    beyond = ids[ROWS_PER_SEAL : ROWS_PER_SEAL + 1].first()
    made = LogSeal(number=1 if last is None else last.number + 1, first_id=first_id, layout=LAYOUT, sealed_at=now)
    made.last_id = up_to if beyond is None else beyond - 1
    made.rows, made.rows_hash = _rows(made)
    made.previous_hash = "" if last is None else last.hash
    made.hash = _hash(made)
    made.key_name, made.signature = _sign(made.hash, secrets.hash_keys()[0])
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:
        return None
    return made


def _rows(sealed: LogSeal) -> tuple[int, str]:
    """How many rows the range has and the hash of all of them."""
    columns = LAYOUTS[sealed.layout]
    rows = TokenRequestLog.objects.filter(pk__gte=sealed.first_id, pk__lte=sealed.last_id).order_by("pk")
    count, digest = 0, hashlib.sha256()
    for row in rows.values_list(*columns).iterator(chunk_size=500):
        count += 1
        digest.update(_line([_plain(value) for value in row]))
    return count, digest.hexdigest()


def _plain(value: object) -> object:
    return value.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(value, datetime) else value


def _line(values: list[object]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"


def _hash(sealed: LogSeal) -> str:
    told = [sealed.layout, sealed.number, sealed.first_id, sealed.last_id, sealed.rows]
    return hashlib.sha256(_line([*told, sealed.rows_hash, sealed.previous_hash])).hexdigest()


def _sign(value: str, key: bytes) -> tuple[str, str]:
    """Name of the key and signature. The key is derived, so that it can do nothing else."""
    own = hmac.digest(key, b"latchkey seal of the request log", "sha256")
    return hashlib.sha256(own).hexdigest()[:16], hmac.digest(own, value.encode(), "sha256").hex()


@dataclass(frozen=True, slots=True)
class Broken:
    """A range of the log that is not as it was sealed."""

    number: int
    first_id: int
    last_id: int
    why: str

    def __str__(self) -> str:
        return f"Rows {self.first_id} to {self.last_id} (seal {self.number}): {self.why}"


@dataclass(slots=True)
class Checked:
    """What a check has looked at and found."""

    seals: int = 0
    rows: int = 0
    broken: list[Broken] = field(default_factory=list)
    head: LogSeal | None = None


def check(
    *, rows_from: int = 1, rows_to: int | None = None, progress: Callable[[Checked], None] | None = None
) -> Checked:
    """Compute every seal again and, for the seals of these numbers, the rows under them."""
    done = Checked()
    for sealed in LogSeal.objects.order_by("number").iterator(chunk_size=500):
        reasons = list(_chain(sealed, done.head))
        if rows_from <= sealed.number and (rows_to is None or sealed.number <= rows_to):
            count, found = _rows(sealed)
            done.rows += count
            if (count, found) != (sealed.rows, sealed.rows_hash):
                reasons.append(_difference(count, sealed.rows))
        done.broken += [Broken(sealed.number, sealed.first_id, sealed.last_id, why) for why in reasons]
        done.seals += 1
        done.head = sealed
        if progress is not None:
            progress(done)
    if done.head is not None and not _signature_known(done.head):
        why = "the newest seal was signed with a key that is not in TOKEN_HASH_KEYS, so nothing vouches for the chain."
        done.broken.append(Broken(done.head.number, done.head.first_id, done.head.last_id, why))
    return done


def _difference(count: int, sealed: int) -> str:
    if count < sealed:
        return f"{sealed - count} of {sealed} rows are gone."
    return f"{count - sealed} rows were added." if count > sealed else "the content of a row was altered."


def _chain(sealed: LogSeal, previous: LogSeal | None) -> Iterator[str]:
    number, first_id, hash_before = (
        (1, 1, "") if previous is None else (previous.number + 1, previous.last_id + 1, previous.hash)
    )
    if sealed.number != number:
        yield f"seals {number} to {sealed.number - 1} before it are gone."
    elif (sealed.first_id, sealed.previous_hash) != (first_id, hash_before):
        yield "it does not follow from the seal before it."
    if _hash(sealed) != sealed.hash:
        yield "the seal itself was altered."
    elif any(
        name == sealed.key_name and not hmac.compare_digest(signature, sealed.signature)
        for name, signature in (_sign(sealed.hash, key) for key in secrets.hash_keys())
    ):
        yield "the seal was not made by this installation."


def _signature_known(sealed: LogSeal) -> bool:
    """A seal under an older key that is gone is vouched for by the newer ones, whose hash covers it."""
    return any(_sign(sealed.hash, key)[0] == sealed.key_name for key in secrets.hash_keys())


def check_next(seals: int, *, progress: Callable[[Checked], None] | None = None) -> Checked:
    """Check the chain, and the rows of the next so many seals; after the newest it begins again with the oldest."""
    mark, _ = LogMark.objects.get_or_create(pk=1)
    done = check(rows_from=mark.checked_number + 1, rows_to=mark.checked_number + seals, progress=progress)
    reached = mark.checked_number + seals
    newest = 0 if done.head is None else done.head.number
    LogMark.objects.filter(pk=1).update(checked_number=0 if reached >= newest else reached)
    return done
