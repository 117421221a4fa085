"""Scheduled jobs: sweeps that may be lost, doubled or killed at any moment. Sole writer of ScheduledJob and JobRun.

The database knows when each job is due, so a message of the broker is only a hint (B17): whoever takes the lease in
one conditional UPDATE runs the job, every other is turned away, and a killed holder loses the lease by time. Each
floor registers its own jobs from its AppConfig.
"""

import logging
import os
import secrets
import socket
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from proxies import history
from proxies.errors import UnknownJob
from proxies.models import JobRun, ScheduledJob
from proxies.sentences import Sentence

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=120)
RENEW_AFTER_SECONDS = 20.0
RETRY_AFTER = timedelta(seconds=60)

Counts = Mapping[str, int]
Keep = Callable[[], None]
Outcome = JobRun.Outcome


class LeaseLost(Exception):
    """Another has taken the job meanwhile: the work stops where it is, which a sweep can do at any moment."""


class Trouble(Exception):
    """Something that a person must see to. Its sentence is kept in the run, so it must be fit to be shown."""


@dataclass(frozen=True, slots=True)
class Job:
    """One sweep. `work` is given a function to call between its steps: it keeps the lease, or raises LeaseLost.

    `backlog` says how much is waiting, counted no further than `COUNTED_UP_TO`.
    """

    name: str
    label: str
    help: str
    work: Callable[[Keep], Counts]
    backlog: Callable[[datetime], int] | None = None

    @property
    def every(self) -> timedelta:
        """How often it runs, by the settings."""
        return timedelta(seconds=settings.JOB_EVERY_SECONDS[self.name])


COUNTED_UP_TO = 10_000
_jobs: dict[str, Job] = {}


def bounded(rows: QuerySet[Any]) -> int:
    """How many rows there are, counted no further than a person cares."""
    return rows[:COUNTED_UP_TO].count()


def register(*jobs: Job) -> None:
    """Name the jobs of a floor. Naming one twice is the same as once."""
    for job in jobs:
        _jobs.setdefault(job.name, job)


def registered() -> tuple[Job, ...]:
    """Every job of the installation."""
    return tuple(_jobs.values())


def job_named(name: str) -> Job:
    """The job of this name. Raises UnknownJob."""
    if name not in _jobs:
        raise UnknownJob(
            Sentence(
                gettext_noop("There is no job {name}. There are: {values}."), name=name, values=", ".join(sorted(_jobs))
            )
        )
    return _jobs[name]


def enlist() -> None:
    """Give each registered job its row. Rows of jobs that are gone stay, and nobody asks for them."""
    known = set(ScheduledJob.objects.values_list("name", flat=True))
    missing = [ScheduledJob(name=name) for name in _jobs if name not in known]
    if missing:
        ScheduledJob.objects.bulk_create(missing, ignore_conflicts=True)


def _due(job: Job, now: datetime) -> Q:
    """Free, and asked for or both due and not paused."""
    free = Q(held_until=None) | Q(held_until__lte=now)
    by_time = Q(retry_at=None) & (Q(last_run_at=None) | Q(last_run_at__lte=now - job.every))
    scheduled = Q(paused_at=None) & (by_time | Q(retry_at__lte=now))
    return Q(name=job.name) & free & (Q(requested_at__isnull=False) | scheduled)


def due(*, at: datetime | None = None) -> list[str]:
    """Names of the jobs that want to be run now, the longest waiting first."""
    now = at or timezone.now()
    enlist()
    wanted = Q(pk__in=[])
    for job in _jobs.values():
        wanted |= _due(job, now)
    rows = ScheduledJob.objects.filter(wanted)
    return [row.name for row in sorted(rows, key=lambda row: (row.last_run_at is not None, row.last_run_at or now))]


@dataclass(slots=True)
class Lease:
    """The right to run one job, until it is let go or not renewed in time."""

    job: Job
    holder: str
    run_id: int
    started: datetime
    _begun: float = field(default_factory=time.monotonic)
    _renewed: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        return self.started + timedelta(seconds=time.monotonic() - self._begun)

    def keep(self) -> None:
        """Renew the lease when some time has passed. Raises LeaseLost where another has it."""
        if time.monotonic() - self._renewed < RENEW_AFTER_SECONDS:
            return
        self._renewed = time.monotonic()
        if self._mine().update(held_until=self.now() + LEASE) == 0:
            raise LeaseLost(self.job.name)

    def finish(self, outcome: Outcome, counts: Counts, trouble: str = "", *, again: bool = False) -> None:
        """Write what the run did and let the job go, in one step; nothing of it where another has taken it.

        `again`: soon, not only when its time has come.
        """
        now = self.now()
        retry = now + min(RETRY_AFTER, self.job.every) if again else None
        with transaction.atomic():
            if self._mine().update(holder="", held_until=None, last_run_at=self.started, retry_at=retry) == 0:
                raise LeaseLost(self.job.name)
            # A wish that came while it ran is for the next run.
            ScheduledJob.objects.filter(name=self.job.name, requested_at__lte=self.started).update(
                requested_at=None, requested_by=""
            )
            JobRun.objects.filter(pk=self.run_id).update(
                finished_at=now,
                outcome=outcome,
                counts=dict(counts),
                trouble=trouble[:200],
                duration_ms=round((now - self.started).total_seconds() * 1000, 1),
            )

    def _mine(self) -> QuerySet[ScheduledJob]:
        return ScheduledJob.objects.filter(name=self.job.name, holder=self.holder)


def take(job: Job, *, at: datetime | None = None) -> Lease | None:
    """The lease of a job that is due, or None: not due, paused, or another has it."""
    now = at or timezone.now()
    enlist()
    node = f"{socket.gethostname()[:60]}:{os.getpid()}"
    holder = f"{node}:{secrets.token_hex(8)}"
    with transaction.atomic():
        if ScheduledJob.objects.filter(_due(job, now)).update(holder=holder, held_until=now + LEASE) != 1:
            return None
        JobRun.objects.filter(job=job.name, finished_at=None).update(finished_at=now, outcome=Outcome.INTERRUPTED)
        run = JobRun.objects.create(job=job.name, started_at=now, node=node)
    return Lease(job, holder, run.pk, now)


def run(name: str, *, at: datetime | None = None) -> JobRun | None:
    """Run a job if it is due and nobody else runs it; its run, or None where there was nothing to do for us.

    What goes wrong is kept in the run, which is tried again soon, and is not raised.
    """
    job = job_named(name)
    lease = take(job, at=at)
    if lease is None:
        return None
    try:
        _work(job, lease)
    except LeaseLost:
        logger.warning("job %s was taken over while it ran", name)
    return JobRun.objects.get(pk=lease.run_id)


def _work(job: Job, lease: Lease) -> None:
    try:
        counts = job.work(lease.keep)
    except LeaseLost:
        raise
    except Trouble as trouble:
        logger.error("job %s: %s", job.name, trouble)  # noqa: TRY400
        lease.finish(Outcome.FAILED, {}, str(trouble))
    except Exception as error:  # noqa: BLE001 - whatever a sweep meets, the next one tries again
        told = _kind_and_place(error)
        # No traceback: its last line is the message, which may quote a row.
        logger.error("job %s failed: %s", job.name, told)  # noqa: TRY400
        lease.finish(Outcome.FAILED, {}, told, again=True)
    else:
        lease.finish(Outcome.DONE, counts)


def _kind_and_place(error: Exception) -> str:
    """Not the message: it may quote a row."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {last.name}, {os.path.basename(last.filename)}:{last.lineno}"  # noqa: PTH119


def request(name: str, *, by: str, at: datetime | None = None) -> ScheduledJob:
    """Ask for a run now, also of a paused job: the next tick starts it. Raises UnknownJob."""
    now = at or timezone.now()
    return _changed(name, "run now", by=by, at=now, requested_at=now, requested_by=by[:150])


def pause(name: str, *, by: str, at: datetime | None = None) -> ScheduledJob:
    """Run it no more by time. A run that is under way ends by itself. Raises UnknownJob."""
    now = at or timezone.now()
    return _changed(name, "pause", by=by, at=now, only=Q(paused_at=None), paused_at=now, paused_by=by[:150])


def resume(name: str, *, by: str, at: datetime | None = None) -> ScheduledJob:
    """Run it by time again; what was missed is done at the next tick. Raises UnknownJob."""
    now = at or timezone.now()
    return _changed(name, "resume", by=by, at=now, only=Q(paused_at__isnull=False), paused_at=None, paused_by="")


def _changed(name: str, verb: str, *, by: str, at: datetime, only: Q | None = None, **values: object) -> ScheduledJob:
    job_named(name)
    enlist()
    with transaction.atomic():
        changed = ScheduledJob.objects.filter(only or Q(), name=name).update(**values)
        row = ScheduledJob.objects.get(name=name)
        if changed:
            if verb == "run now":
                history.record(verb, row, by=by, at=at, after={"requested_at": at})
            else:
                history.record(verb, row, by=by, at=at, **history.switched("paused", verb == "pause"))
    return row


@dataclass(frozen=True, slots=True)
class Overview:
    """What a screen or a metric tells of a job."""

    job: Job
    row: ScheduledJob
    last: JobRun | None
    state: str
    next_at: datetime | None

    def backlog(self, now: datetime) -> int | None:
        """How much is waiting; None for a job without a backlog."""
        return None if self.job.backlog is None else self.job.backlog(now)


def overview(*, at: datetime | None = None) -> list[Overview]:
    """Every registered job with its last finished run, its state and its next run."""
    now = at or timezone.now()
    enlist()
    rows = {row.name: row for row in ScheduledJob.objects.all()}
    return [view(job, rows[job.name], now) for job in _jobs.values()]


def view(job: Job, row: ScheduledJob, now: datetime) -> Overview:
    """One job as it is now."""
    last = JobRun.objects.filter(job=job.name).exclude(outcome=Outcome.RUNNING).order_by("-started_at", "-pk").first()
    return Overview(job, row, last, _state(row, now), _next(job, row, now))


def _state(row: ScheduledJob, now: datetime) -> str:
    if row.held_until is not None and row.held_until > now:
        return "running"
    return "paused" if row.paused_at is not None else "scheduled"


def _next(job: Job, row: ScheduledJob, now: datetime) -> datetime | None:
    """The moment from which a tick will start it; None: paused."""
    if row.requested_at is not None:
        return now
    if row.paused_at is not None:
        return None
    if row.retry_at is not None:
        return max(row.retry_at, now)
    return now if row.last_run_at is None else max(row.last_run_at + job.every, now)


def forget_old_runs(*, at: datetime | None = None) -> int:
    """Remove runs older than `JOB_HISTORY_DAYS`, but keep each job's last one; how many."""
    now = at or timezone.now()
    before = now - timedelta(days=settings.JOB_HISTORY_DAYS)
    newest = JobRun.objects.order_by().values("job").annotate(newest=Max("pk")).values_list("newest", flat=True)
    gone, _ = JobRun.objects.filter(started_at__lt=before).exclude(pk__in=list(newest)).delete()
    return gone


FORGET_OLD_RUNS = Job(
    "forget_job_runs",
    gettext_noop("Forget old job runs"),
    gettext_noop("Removes the history of jobs that is older than JOB_HISTORY_DAYS. Each job keeps its last run."),
    lambda _keep: {"runs": forget_old_runs()},
)
