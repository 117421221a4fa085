"""GET /healthz, /readyz, /metrics: for the machines that look after this one, and for nobody else (R42)."""

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from credentials import addresses
from tokens import metrics, monitoring
from tokens.doors.answers import Answer, answer, method_not_allowed
from tokens.doors.connection import database
from tokens.errors import StorageAway

logger = logging.getLogger(__name__)
# A proxy that nobody told us about is between: whoever asks is not the peer.
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP")
# However many look at us, the database is asked for its figures this often.
STATE_KEPT_SECONDS = 5.0
PROMETHEUS = ("Content-Type", "text/plain; version=0.0.4; charset=utf-8")


def is_for(path: str, environ: Mapping[str, Any]) -> bool:
    """True where a monitoring door answers: from MONITORING_NETWORKS, on the monitoring listener if there is one.

    For all others there is no such page.
    """
    if path not in DOORS:
        return False
    if settings.MONITORING_PORT and str(environ.get("SERVER_PORT", "")) != str(settings.MONITORING_PORT):
        return False
    peer = str(environ.get("REMOTE_ADDR", ""))
    if any(name in environ for name in _FORWARDED) and not addresses.is_listed(peer, settings.TRUSTED_PROXIES):
        return False
    return addresses.is_listed(addresses.caller(environ), settings.MONITORING_NETWORKS)


def alive(environ: Mapping[str, Any], environment: str, rest: str) -> Answer:
    """This process answers. Says nothing of any other part, so that a database away restarts no web server."""
    return answer(200, {"status": "ok"}) if _is_read(environ) else method_not_allowed("GET, HEAD")


def ready(environ: Mapping[str, Any], environment: str, rest: str) -> Answer:
    """200 where token requests can be served now; 503 and what is wrong otherwise."""
    if not _is_read(environ):
        return method_not_allowed("GET, HEAD")
    try:
        with database():
            said = monitoring.readiness()
    except StorageAway:
        said = {"database": "cannot be reached"}
    fine = all(word == monitoring.FINE for word in said.values())
    return answer(200 if fine else 503, {"status": "ok" if fine else "unavailable", **said})


def figures(environ: Mapping[str, Any], environment: str, rest: str) -> Answer:
    """Everything Prometheus is told."""
    if not _is_read(environ):
        return method_not_allowed("GET, HEAD")
    body = metrics.text(_STATE)
    headers = [PROMETHEUS, ("Cache-Control", "no-store"), ("Content-Length", str(len(body)))]
    return Answer(200, body, headers)


def _is_read(environ: Mapping[str, Any]) -> bool:
    return environ.get("REQUEST_METHOD") in ("GET", "HEAD")


class _State(Collector):
    """What the database knows, asked for at most every few seconds."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.known: list[monitoring.Measure] = []
        self.good_until = 0.0

    def collect(self) -> Iterable[Metric]:
        up, known = self._look()
        families = {"latchkey_database_up": GaugeMetricFamily("latchkey_database_up", "1 where the database answers.")}
        families["latchkey_database_up"].add_metric([], up)
        for name, text, labels, value in known:
            if name not in families:
                families[name] = GaugeMetricFamily(name, text, labels=list(labels))
            families[name].add_metric(list(labels.values()), value)
        return families.values()

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def _look(self) -> tuple[int, list[monitoring.Measure]]:
        with self.lock:
            if time.monotonic() < self.good_until:
                return 1, self.known
            try:
                with database():
                    self.known = monitoring.measures()
            except (StorageAway, DatabaseError, InterfaceError):
                return 0, []
            self.good_until = time.monotonic() + STATE_KEPT_SECONDS
            return 1, self.known

    def forget(self) -> None:
        self.good_until = 0.0


_STATE = _State()
DOORS = {"/healthz": alive, "/readyz": ready, "/metrics": figures}
