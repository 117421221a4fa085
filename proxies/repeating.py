"""Requests that may be sent twice (Idempotency-Key). Sole writer of KeptAnswer.

The claim, what the request does and what it was answered are one transaction: a process that is killed in between has
done nothing, and the same request sent at the same moment waits for the first one's answer (I23).
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_noop

from proxies.errors import AnswerNotKept, InvalidName, KeyUsedBefore
from proxies.jobs import Counts, Job, Keep, bounded
from proxies.models import KeptAnswer

KEPT_FOR = timedelta(hours=24)
_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Kept:
    """What the first request was answered."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to answer this request; the first one has it."""

    row_id: int


def _hash(value: bytes) -> str:
    # Keyed: a body may hold a password, which a plain hash would let be guessed.
    return salted_hmac("latchkey.repeating", value, algorithm="sha256").hexdigest()


def claim(*, person_id: int, key: str, request: bytes, at: datetime | None = None) -> Claim | Kept:
    """The claim on a new request, or what it was answered before. Call it inside the request's transaction.

    Raises InvalidName, KeyUsedBefore for another request under this key, AnswerNotKept where the answer held a secret.
    """
    now = at or timezone.now()
    if _KEY.fullmatch(key) is None:
        raise InvalidName("An Idempotency-Key has 1 to 255 visible ASCII characters.")
    mine = {"person_id": person_id, "key_hash": _hash(key.encode())}
    wanted = _hash(request)
    KeptAnswer.objects.filter(**mine, expires_at__lte=now).delete()
    # Whoever is second waits here until the first one's transaction has ended.
    row, first = KeptAnswer.objects.get_or_create(
        **mine, defaults={"request_hash": wanted, "expires_at": now + KEPT_FOR}
    )
    if first:
        return Claim(row.pk)
    if row.request_hash != wanted:
        raise KeyUsedBefore
    if row.body is None:
        raise AnswerNotKept(f"This request was done, and answered {row.status}. {AnswerNotKept.sentence}")
    return Kept(row.status, row.body)


def keep(claimed: Claim, *, status: int, body: str | None) -> None:
    """Keep the answer; without its body where it holds a secret."""
    KeptAnswer.objects.filter(pk=claimed.row_id).update(status=status, body=body)


def forget(claimed: Claim) -> None:
    """A request that was refused has done nothing: it may come again and is looked at anew."""
    KeptAnswer.objects.filter(pk=claimed.row_id).delete()


def forget_old(*, keep: Keep = lambda: None, at: datetime | None = None) -> int:
    """Remove what has expired; how many."""
    now = at or timezone.now()
    gone = 0
    while keys := list(KeptAnswer.objects.filter(expires_at__lte=now).values_list("pk", flat=True)[:_AT_ONCE]):
        removed, _ = KeptAnswer.objects.filter(pk__in=keys).delete()
        gone += removed
        keep()
    return gone


def _forget_old(keep: Keep) -> Counts:
    return {"answers": forget_old(keep=keep)}


FORGET_OLD = Job(
    "forget_kept_answers",
    gettext_noop("Forget answers kept for repetition"),
    gettext_noop("Removes answers of the management API that were kept for a day under an Idempotency-Key."),
    _forget_old,
    lambda now: bounded(KeptAnswer.objects.filter(expires_at__lte=now)),
)
