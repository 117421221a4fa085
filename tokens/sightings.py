"""When a token, secret or key was last used, and who was turned away: remembered in each web process, written in bulk.

Verify itself writes nothing. A process that is killed may lose what it saw in the last ten seconds.
"""

import atexit
import logging
import os
import threading
from collections import Counter
from datetime import datetime

from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone

from credentials import heartbeats, last_uses, personal_tokens
from credentials.gateways import Gateway, Use
from credentials.heartbeats import Report
from credentials.identify import Proven
from credentials.rules import Refusal
from tokens.statements import limit
from tokens.statements import sightings as statements
from tokens.statements.limit import Window

logger = logging.getLogger(__name__)
FLUSH_SECONDS = 10.0
_MOST = 50_000

_lock = threading.Lock()
_seen: dict[int, tuple[datetime, str, str]] = {}
_gateways: dict[int, Use] = {}
_personal: dict[int, personal_tokens.Use] = {}
_refused: dict[int, tuple[Refusal, Report, str, datetime]] = {}
_turned_away: Counter[Window] = Counter()
_secrets: dict[int, datetime] = {}
_keys: dict[int, datetime] = {}
_stop = threading.Event()
_thread: threading.Thread | None = None


def seen(token_id: int, *, proxy: str, address: str) -> None:
    """Remember that a token was just used at this proxy from this address."""
    with _lock:
        if len(_seen) < _MOST or token_id in _seen:
            _seen[token_id] = (timezone.now(), proxy, address)
    if _thread is None:
        _start()


def personal_token_seen(token_id: int, *, address: str) -> None:
    """Remember that a personal access token was just used from this address."""
    with _lock:
        if len(_personal) < _MOST or token_id in _personal:
            _personal[token_id] = personal_tokens.Use(timezone.now(), address)
    _start()


def gateway_seen(gateway: Gateway) -> None:
    """Remember that a gateway has just proved itself (D36)."""
    if gateway.use is not None:
        with _lock:
            _gateways[gateway.use.token_id] = gateway.use
        _start()


def gateway_refused(gateway: Gateway, report: Report, *, address: str, now: datetime) -> None:
    """Remember the last refusal of a configuration (D33)."""
    if gateway.configuration_id is not None and gateway.reason is not None:
        with _lock:
            _refused[gateway.configuration_id] = (gateway.reason, report, address, now)
        _start()


def turned_away(window: Window) -> None:
    """Remember that one more request was refused in a window that the limiter knows to be full (D24)."""
    with _lock:
        if len(_turned_away) < _MOST or window in _turned_away:
            _turned_away[window] += 1
    _start()


def client_seen(proven: Proven, now: datetime) -> None:
    """Remember which secret or key has just proved its client (D36)."""
    with _lock:
        if proven.secret_id is not None:
            _secrets[proven.secret_id] = now
        if proven.key_id is not None:
            _keys[proven.key_id] = now
    if _thread is None:
        _start()


def flush() -> int:
    """Write what was seen; how many tokens. Never moves a time back, and moves it at most once a minute."""
    with _lock:
        batch = dict(_seen)
        uses, refusals, personal = list(_gateways.values()), dict(_refused), dict(_personal)
        turned = sorted(_turned_away.items())
        secrets, keys = dict(_secrets), dict(_keys)
        for waiting in (_seen, _gateways, _personal, _refused, _turned_away, _secrets, _keys):
            waiting.clear()
    heartbeats.record_use(uses)
    personal_tokens.record_use(personal)
    last_uses.record(secrets=secrets, keys=keys)
    for configuration_id, (reason, report, address, at) in refusals.items():
        heartbeats.record_refusal(configuration_id, reason, report=report, address=address, at=at)
    for window, refused in turned:
        limit.more_turned_away(window, refused)
    return statements.record(batch) if batch else 0


def _start() -> None:
    global _thread  # noqa: PLW0603 - one flusher for each process, started by its first sighting
    with _lock:
        if _thread is None:
            begun = threading.Thread(target=_run, name="sightings", daemon=True)
            begun.start()  # raises where there may be no more threads: the next sighting tries again
            _thread = begun


def _run() -> None:
    while not _stop.wait(FLUSH_SECONDS):
        try:
            _flush_quietly()
        except Exception:
            # The thread goes on: nobody would start another.
            logger.exception("last-used times of a few seconds were lost")


def _flush_quietly() -> None:
    try:
        flush()
    except (DatabaseError, InterfaceError) as trouble:
        logger.warning("last-used times of a few seconds were lost: %s", type(trouble).__name__)
    finally:
        connections.close_all()


def _in_child() -> None:
    """A forked process has the lock of its parent's thread, but not the thread."""
    global _lock, _thread
    _lock, _thread = threading.Lock(), None


os.register_at_fork(after_in_child=_in_child)


@atexit.register
def _at_exit() -> None:
    _stop.set()
    if _seen or _gateways or _personal or _refused or _turned_away or _secrets or _keys:
        _flush_quietly()
