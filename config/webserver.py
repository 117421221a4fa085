"""How gunicorn runs, embedded and in production alike:  gunicorn -c python:config.webserver config.wsgi

WEB_CONCURRENCY sets the number of worker processes. TRUSTED_PROXIES is the list that Django's settings read as well.
"""

import os
from typing import Any

from config import lifeline, logs

_host, _port = os.environ.get("HOST", "") or "127.0.0.1", os.environ.get("PORT", "") or "8000"

bind = f"[{_host}]:{_port}" if ":" in _host else f"{_host}:{_port}"
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
# Who may say by X-Forwarded-Proto that the request came by https.
forwarded_allow_ips = os.environ.get("TRUSTED_PROXIES", "") or "127.0.0.1"
forwarder_headers = ""
# A control socket would be a way in that nobody asked for.
control_socket_disable = True

# Start-up notes only; the decisions are in the request log.
loglevel = os.environ.get("WEB_LOG_LEVEL", "warning")
logconfig_dict = logs.configuration()
accesslog = None
proc_name = "latchkey-web"


def on_starting(server: Any) -> None:  # noqa: ARG001 - gunicorn names it
    # The arbiter forks, so it gets no watching thread; its workers notice by themselves when it is gone.
    lifeline.live_with_parent(watch=False)


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
