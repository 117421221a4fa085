"""May this installation be sent requests, and what should its operators look at? Reads only."""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from credentials import sealed
from proxies import jobs
from tokens.models import IssuedToken, SigningKey
from tokens.statements import log

logger = logging.getLogger(__name__)
FINE = "ok"
# Opening a value for each key in use reads all sealed columns; keys don't change under a running process.
KEYS_LOOKED_AT_EVERY_SECONDS = 60.0
Labels = dict[str, str]


class Measure(NamedTuple):
    """One figure with its labels."""

    name: str
    help: str
    labels: Labels
    value: float


class _Remembered:
    """When a check was last fine in this process. What was wrong is looked at again each time."""

    def __init__(self, look: Callable[[], str], *, seconds: float) -> None:
        self.look, self.seconds, self.fine_until = look, seconds, 0.0

    def __call__(self) -> str:
        if time.monotonic() < self.fine_until:
            return FINE
        said = self.look()
        self.fine_until = time.monotonic() + self.seconds if said == FINE else 0.0
        return said


def _migrations() -> str:
    loader = MigrationLoader(connection)
    pending = set(loader.disk_migrations or ()) - set(loader.applied_migrations or ())
    return FINE if not pending else f"{len(pending)} migrations have not run"


def _keys() -> str:
    return "a sealed value cannot be opened with the keys at hand" if sealed.unreadable() else FINE


def _log() -> str:
    log.try_to_write(timezone.now())
    return FINE


CHECKS: dict[str, Callable[[], str]] = {
    "migrations": _Remembered(_migrations, seconds=3600),
    "keys": _Remembered(_keys, seconds=KEYS_LOOKED_AT_EVERY_SECONDS),
    "log": _log,
}


def readiness() -> dict[str, str]:
    """Each part that a token request needs, and "ok" or what is wrong with it, in words that give nothing away."""
    try:
        connection.ensure_connection()
        said = {"database": FINE}
    except (DatabaseError, InterfaceError):
        return {"database": "cannot be reached"}
    for name, check in CHECKS.items():
        try:
            said[name] = check()
        except (DatabaseError, InterfaceError) as trouble:
            logger.warning("the check of %s failed: %s", name, type(trouble).__name__)
            said[name] = "the database refuses it"
    return said


def measures(*, at: datetime | None = None) -> list[Measure]:
    """The figures that the database knows: backlog, oldest expired token, ages of keys and jobs."""
    now = at or timezone.now()
    return [*_tokens(now), *_signing_keys(now), *_jobs(now)]


def _tokens(now: datetime) -> Iterator[Measure]:
    oldest = IssuedToken.objects.filter(expires_at__lte=now).order_by("expires_at").values_list("expires_at").first()
    age = (now - oldest[0]).total_seconds() if oldest and oldest[0] else 0.0
    text = "Age of the oldest expired access token that is still stored; revoked ones are kept for a time."
    yield Measure("latchkey_oldest_expired_seconds", text, {}, age)


def _signing_keys(now: datetime) -> Iterator[Measure]:
    signing = SigningKey.objects.filter(
        signing_since__isnull=False, verify_only_since=None, retired_at=None, ended_at=None
    ).select_related("environment")
    for key in signing:
        assert key.signing_since is not None
        age = (now - key.signing_since).total_seconds()
        labels = {"environment": key.environment.slug}
        yield Measure("latchkey_signing_key_age_seconds", "How long the key has been signing.", labels, age)


def _jobs(now: datetime) -> Iterator[Measure]:
    for seen in jobs.overview(at=now):
        labels = {"job": seen.job.name}
        if seen.row.last_run_at is not None:
            age = (now - seen.row.last_run_at).total_seconds()
            yield Measure("latchkey_job_age_seconds", "Since the job was last begun and finished.", labels, age)
        failed = float(seen.last is not None and seen.last.outcome == "failed")
        yield Measure("latchkey_job_failed", "1 where the job's last run failed.", labels, failed)
        waiting = seen.backlog(now)
        if waiting is not None:
            yield Measure("latchkey_job_backlog", "How much waits for the job, counted up to a limit.", labels, waiting)
