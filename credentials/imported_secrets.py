"""Client secrets that came with the slow hash of another system (PBKDF2, as Django keeps passwords).

The first use that proves one has it kept as our keyed hash instead, unless somebody has thought it up: that one keeps
its slow hash (R36). While any is left, every refused secret costs as much as a wrong one of theirs, so that nobody
learns which clients were imported; and only a few are computed at once, so that nobody can make it cost more.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db.models import QuerySet

from credentials import clients, secrets
from credentials.errors import AuthenticationBusy, InvalidCredential
from credentials.models import CredentialSecret
from credentials.rules import ClientFacts
from credentials.slow_hashes import PREFIX, compute, parse

_FRESH_SECONDS = 5.0
_PATIENCE_SECONDS = 2.0
_turns = threading.BoundedSemaphore(2)


def prove(facts: ClientFacts, presented: str, now: datetime) -> int | None:
    """The id of the imported secret that was presented, or None after the same time. Raises AuthenticationBusy.

    Asked only where no secret of ours was the one: the usual way costs nothing more than a look at the memory.
    """
    kept = [
        (secret_id, digest, found)
        for secret_id, digest, retire_at in _slots(facts)
        if secret_id is not None and (retire_at is None or now < retire_at) and (found := parse(digest)) is not None
    ]
    cost = max([_dearest(), *(found.iterations for _, _, found in kept)])
    if not cost:
        return None
    proved = None
    with _turn():
        spent = 0
        for secret_id, digest, found in kept:
            spent += found.iterations
            if found.matches(presented):
                proved = secret_id, digest
        compute(presented, b"nobody", cost - spent)
    if proved is None:
        return None
    _keep_as_ours(*proved, presented)
    return proved[0]


def _slots(facts: ClientFacts) -> Iterator[tuple[int | None, str, datetime | None]]:
    yield facts.first_secret_id, facts.first_digest or "", facts.first_retire_at
    yield facts.second_secret_id, facts.second_digest or "", facts.second_retire_at


@contextmanager
def _turn() -> Iterator[None]:
    if not _turns.acquire(timeout=_PATIENCE_SECONDS):
        raise AuthenticationBusy
    try:
        yield
    finally:
        _turns.release()


def _keep_as_ours(secret_id: int, digest: str, presented: str) -> None:
    try:
        secrets.check_strength(presented)
    except InvalidCredential:
        return
    clients.keep_as_ours(secret_id, imported=digest, secret=presented)
    forget()


_kept: tuple[float, int] | None = None


def forget() -> None:
    """Look again at the next question: one was imported or upgraded here."""
    global _kept  # noqa: PLW0603 - one small memory for the process
    _kept = None


def _dearest() -> int:
    """The most iterations of any imported secret in service; 0 where none is left. Read once in some seconds."""
    global _kept  # noqa: PLW0603
    moment = time.monotonic()
    if _kept is None or moment - _kept[0] > _FRESH_SECONDS:
        found = (parse(each) for each in in_service().values_list("digest", flat=True).iterator())
        _kept = moment, max((each.iterations for each in found if each is not None), default=0)
    return _kept[1]


def in_service() -> QuerySet[CredentialSecret]:
    """The imported secrets that have not become ours yet."""
    return CredentialSecret.objects.filter(slot__isnull=False, digest__startswith=PREFIX)
