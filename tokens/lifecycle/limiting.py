"""Limit: how often one caller may ask. Never at verify, and what is turned away leaves no log row (D24).

Redis counts where there is one, and the database where there is none or none that answers: never nobody. A caller
that is past its limit is remembered in the process until its window ends, so that a flood costs neither of the two.
"""

import ipaddress
import logging
import re
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from credentials import secrets
from proxies.settled import settings
from tokens import redis_counts, sightings
from tokens.errors import RateLimited
from tokens.statements import limit as statements
from tokens.statements.limit import Window

logger = logging.getLogger(__name__)
_MOST_REMEMBERED = 10_000
_READABLE = re.compile(r"[A-Za-z0-9._:/~-]{1,64}")
_lock = threading.Lock()
_full: dict[tuple[str, str], datetime] = {}


class Count(NamedTuple):
    """One way to count a request: whose it is, and how many are allowed in how many seconds; 0: any number.

    `hidden` keeps what a person typed out of the table: a fingerprint of it is counted, as of all that does not look
    like an address or a client id. A count that `awaits_proof` belongs to somebody whom the caller only claims to be,
    and is given back where the proof fails.
    """

    bucket: str
    caller: str
    allowed: int
    seconds: int = 60
    hidden: bool = False
    awaits_proof: bool = False

    def window(self, now: datetime) -> Window:
        """The window that `now` is in."""
        seconds = int(now.timestamp())
        readable = not self.hidden and _READABLE.fullmatch(self.caller) and not self.caller.startswith(secrets.PREFIXES)
        caller = self.caller if readable else secrets.fingerprint(self.caller)
        return Window(_moment(seconds - seconds % self.seconds), self.bucket, caller)

    def ends_in(self, now: datetime) -> int:
        """Whole seconds until the window ends."""
        return self.seconds - int(now.timestamp()) % self.seconds


@lru_cache(maxsize=64)
def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class Counted(NamedTuple):
    """What was counted for a request, and where."""

    provisional: Sequence[tuple[Count, Window]] = ()
    by_redis: bool = False

    def give_back(self) -> None:
        """Take back what was counted for whom the caller claimed to be: a client's where its proof failed.

        Otherwise anybody who knows a client's id could use up its limit. The request is decided and logged by now: a
        count that can't be given back changes no answer.
        """
        for _, window in self.provisional:
            if self.by_redis and redis_counts.give_back(_name(window)):
                continue
            try:
                statements.give_back(window)
            except (DatabaseError, InterfaceError) as trouble:
                logger.warning("a count could not be given back: %s", type(trouble).__name__)


def by_address(address: str, *, bucket: str = "token") -> Count:
    """The count of an address. Of IPv6 the /64: its holder has all of its addresses."""
    return Count(bucket, _network(address), settings.TOKEN_RATE_LIMIT_PER_MINUTE)


def by_client(client_id: str) -> Count:
    """The count of a client that has still to prove itself."""
    return Count("client", client_id, settings.CLIENT_RATE_LIMIT_PER_MINUTE, awaits_proof=True)


def by_login(username: str, address: str) -> Count:
    """The count of one name from one address: give it back where the login succeeds, so that failures add up.

    The address belongs to it: a stranger who fails in somebody's name locks nobody out elsewhere (D38).
    """
    seconds = settings.LOGIN_FAILURE_WINDOW_SECONDS
    caller = f"{username.casefold()}|{_network(address)}"
    return Count("login", caller, settings.LOGIN_FAILURES_ALLOWED, seconds, hidden=True, awaits_proof=True)


def by_second_factor(username: str) -> Count:
    """The count of a person's second factor, wherever the codes come from: give it back where the code is right.

    Only who knows the password gets here, so that no stranger can keep a person out by it.
    """
    seconds = settings.LOGIN_FAILURE_WINDOW_SECONDS
    caller = username.casefold()
    return Count("second_factor", caller, settings.LOGIN_FAILURES_ALLOWED, seconds, hidden=True, awaits_proof=True)


def limit(*counts: Count, at: datetime | None = None) -> Counted:
    """Count a request in each bucket; raises RateLimited where one of them is past its limit."""
    now = at or timezone.now()
    pairs = [(count, count.window(now)) for count in counts if count.allowed]
    if not pairs:
        return Counted()
    for count, window in pairs:
        _refuse_remembered(count, window, now)
    found, by_redis = _count(pairs)
    counted = Counted([pair for pair in pairs if pair[0].awaits_proof], by_redis)
    over = [count for (count, _), number in zip(pairs, found, strict=True) if number > count.allowed]
    if over:
        for (count, window), number in zip(pairs, found, strict=True):
            statements.turned_away(window, requests=number)
            if count in over and not count.awaits_proof:
                _remember(window)
        if not any(count.awaits_proof for count in over):
            counted.give_back()
        raise RateLimited(retry_after=max(count.ends_in(now) for count in over))
    return counted


def refuse_if_known(count: Count, *, at: datetime | None = None) -> None:
    """Raises RateLimited where this process knows that the caller is past its limit. Counts nothing, asks nobody."""
    if count.allowed and _full:
        now = at or timezone.now()
        _refuse_remembered(count, count.window(now), now)


def count_refusal(count: Count, *, at: datetime | None = None) -> None:
    """Count a request that was refused for other reasons; past the limit the caller is known to `refuse_if_known`."""
    now = at or timezone.now()
    if not count.allowed:
        return
    window = count.window(now)
    found, _ = _count([(count, window)])
    if found[0] >= count.allowed:
        _remember(window)


def _count(pairs: list[tuple[Count, Window]]) -> tuple[list[int], bool]:
    found = redis_counts.count([(_name(window), count.seconds) for count, window in pairs])
    if found is not None:
        return found, True
    return statements.count([window for _, window in pairs]), False


def _name(window: Window) -> str:
    return f"limit:{window.bucket}:{window.caller}:{int(window.starts_at.timestamp())}"


def _refuse_remembered(count: Count, window: Window, now: datetime) -> None:
    if _full.get((window.bucket, window.caller)) == window.starts_at:
        sightings.turned_away(window)
        raise RateLimited(retry_after=count.ends_in(now))


def _remember(window: Window) -> None:
    with _lock:
        if len(_full) >= _MOST_REMEMBERED:
            _full.clear()  # they are counted again, and remembered again
        _full[window.bucket, window.caller] = window.starts_at


@lru_cache(maxsize=4096)
def _network(address: str) -> str:
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if known.version == 4:
        return address
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((known, 64), strict=False))
