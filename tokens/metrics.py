"""What each web process counts of its requests, for Prometheus.

A request adds to a tally in memory (a microsecond; the client library would take twenty, as much as a whole
verification); every few seconds the tally goes into the client library, whose files all processes of a server share
where PROMETHEUS_MULTIPROC_DIR is set.
"""

import atexit
import bisect
import os
import threading
from collections import Counter as Tally
from collections.abc import Sequence
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

FLUSH_SECONDS = 5.0
BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class _Histogram(Histogram):
    """One that takes many observations at once, counted by bucket."""

    def add(self, counts: Sequence[int], total: float) -> None:
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)
        self._sum.inc(total)


REGISTRY = CollectorRegistry()
_requests = Counter(
    "latchkey_requests", "Requests by door, outcome and reason.", ("door", "outcome", "reason"), registry=REGISTRY
)
_seconds = _Histogram(
    "latchkey_request_seconds", "Time to answer, by door.", ("door",), buckets=BOUNDS, registry=REGISTRY
)
_revocations = _Histogram(
    "latchkey_revocation_delay_seconds",
    "From the request to revoke until it holds for every verification.",
    buckets=BOUNDS,
    registry=REGISTRY,
)

_lock = threading.Lock()
_counted: Tally[tuple[str, int, str]] = Tally()
_timed: dict[str, list[float]] = {}  # a count for each bucket, then the sum
_REVOCATION = "revocation"
_stop = threading.Event()
_thread: threading.Thread | None = None

now = perf_counter


def answered(door: str, status: int, reason: str, seconds: float) -> None:
    """Count one answer of a door."""
    with _lock:
        _counted[door, status, reason] += 1
        _time(door, seconds)
    if _thread is None:
        _start()


def revoked(seconds: float) -> None:
    """Count one revocation that was committed."""
    with _lock:
        _time(_REVOCATION, seconds)
    if _thread is None:
        _start()


def _time(name: str, seconds: float) -> None:
    times = _timed.get(name)
    if times is None:
        times = _timed[name] = [0] * (len(BOUNDS) + 2)
    times[bisect.bisect_left(BOUNDS, seconds)] += 1
    times[-1] += seconds


def outcome(status: int) -> str:
    """In one word, for alerts: granted, refused, limited, unavailable."""
    if status < 400:
        return "granted"
    if status == 429:
        return "limited"
    return "refused" if status < 500 else "unavailable"


def flush() -> None:
    """Hand the tally over to the client library."""
    global _counted
    with _lock:
        counted, _counted = _counted, Tally()
        timed = dict(_timed)
        _timed.clear()
    for (door, status, reason), count in counted.items():
        _requests.labels(door, outcome(status), reason).inc(count)
    for name, (*counts, total) in timed.items():
        histogram = _revocations if name == _REVOCATION else _seconds.labels(name)
        histogram.add([int(count) for count in counts], total)


def text(*also: Collector) -> bytes:
    """Everything in Prometheus' text form: this process' and its siblings' tallies, and what `also` collects."""
    flush()
    registry = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)
        own = generate_latest(registry)
    else:
        own = generate_latest(REGISTRY)
    state = CollectorRegistry()
    for collector in also:
        state.register(collector)
    return own + generate_latest(state)


def _start() -> None:
    global _thread  # noqa: PLW0603 - one for each process, started by its first request
    with _lock:
        if _thread is None:
            _thread = threading.Thread(target=_run, name="metrics", daemon=True)
            _thread.start()


def _run() -> None:
    while not _stop.wait(FLUSH_SECONDS):
        flush()


@atexit.register
def _at_exit() -> None:
    _stop.set()
    flush()
