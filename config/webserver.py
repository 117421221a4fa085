"""How gunicorn runs, embedded and in production alike:  gunicorn -c python:config.webserver config.wsgi

WEB_CONCURRENCY sets the number of worker processes. TRUSTED_PROXIES is the list that Django's settings read as well.
"""

import gc
import os
import shutil
from pathlib import Path
from typing import Any

from gunicorn import glogging  # type: ignore[import-untyped]

from config import lifeline, logs


class NoAccessLog(glogging.Logger):
    """The server's own notes, and nothing of a request.

    Where logging is configured at all, gunicorn puts together a line with all headers of each request, which nobody
    writes here: that takes longer than a kept verification.
    """

    access_log_enabled = False

    def access(self, *_: Any) -> None:
        """Nothing."""


_host, _port = os.environ.get("HOST", "") or "127.0.0.1", os.environ.get("PORT", "") or "8000"

# A listener of its own for /healthz, /readyz and /metrics, where MONITORING_PORT is set.
_monitoring = os.environ.get("MONITORING_PORT", "") or "0"
_monitoring_host = os.environ.get("MONITORING_HOST", "") or "127.0.0.1"


def _address(host: str, port: str) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


_made = ""
bind = [_address(_host, _port), *([_address(_monitoring_host, _monitoring)] if _monitoring != "0" else [])]
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
timeout = 30
graceful_timeout = 10
keepalive = 15

# `X_Proxy` and `X-Proxy` become one key in WSGI: names with an underscore are dropped, whoever sends them.
header_map = "drop"
# Envoy puts the client's whole address into the request line.
limit_request_line = 8190
limit_request_field_size = 8190
# Who may say by X-Forwarded-Proto that the request came by https: the same that X-Forwarded-For is believed of, and
# without any, nobody. gunicorn's own default believes every process of this machine.
forwarded_allow_ips = os.environ.get("TRUSTED_PROXIES", "")
forwarder_headers = ""
# A control socket would be a way in that nobody asked for.
control_socket_disable = True

# Start-up notes only; the decisions are in the request log.
loglevel = os.environ.get("WEB_LOG_LEVEL", "warning")
logconfig_dict = logs.configuration()
accesslog = None
logger_class = NoAccessLog
proc_name = "latchkey-web"


def _metrics_folder() -> Path:
    """Where the processes of this server share their figures: in memory, since a full disk would kill who writes there.

    Made for us alone, and empty: figures begin anew with the server.
    """
    memory = Path("/dev/shm")  # noqa: S108 - the folder below is made for its owner alone, or refused
    root = memory if os.access(memory, os.W_OK) else Path(os.environ.get("DATA_DIR", "") or "var").resolve()
    folder = root / f"latchkey-metrics-{os.getuid()}-{_port}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise RuntimeError(f"{folder} is not ours")
    for left in folder.glob("*.db"):
        left.unlink()
    return folder


def on_starting(server: Any) -> None:  # noqa: ARG001 - gunicorn names it
    global _made  # noqa: PLW0603 - a folder that somebody else chose is not ours to remove
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        # Read by the client library when a worker imports it, which is later than this.
        _made = os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_metrics_folder())
    # The arbiter forks, so it gets no watching thread; its workers notice by themselves when it is gone.
    lifeline.live_with_parent(watch=False)


def on_exit(server: Any) -> None:  # noqa: ARG001 - gunicorn names it
    if _made:
        shutil.rmtree(_made, ignore_errors=True)


def post_worker_init(worker: Any) -> None:  # noqa: ARG001 - gunicorn names it
    """A server with the wrong keys must not start: it would answer, and fail at the first secret it has to open."""
    # Django is set up by now; at the top of this file it is not.
    from django.core.exceptions import ImproperlyConfigured
    from django.db import connections

    from credentials.checks import sealed_values_open
    from tokens import devices

    faults = sealed_values_open()
    connections.close_all()
    devices.warm_up()
    if faults:
        raise ImproperlyConfigured(" ".join(f"{fault.msg} {fault.hint}" for fault in faults))
    # What is loaded by now stays: nobody's request has to wait while it is searched for garbage.
    gc.collect()
    gc.freeze()
