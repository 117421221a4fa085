"""Reading the environment for config/settings.py: values with their limits, and the two databases.

Each NAME may be given as NAME_FILE, a path to a file that holds the value.
"""

import ipaddress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from config.patience import bounded

env = environ.FileAwareEnv()


def text(name: str, default: str = "") -> str:
    """A value without the line end that a file brings along."""
    return str(env.str(name, default=default)).strip()


def number(name: str, default: int, least: int = 0, most: int | None = None) -> int:
    value = int(env.int(name, default=default))
    if value < least:
        raise ImproperlyConfigured(f"{name} is {value}; the least is {least}")
    if most is not None and value > most:
        raise ImproperlyConfigured(f"{name} is {value}; the most is {most}")
    return value


def words(name: str, default: list[str] | None = None) -> list[str]:
    return [word.strip() for word in env.list(name, default=default or []) if word.strip()]


def networks(name: str, default: list[str] | None = None) -> list[str]:
    """Addresses and networks. One that is none would be found at the first request that needs it, so it is now."""
    found = words(name, default)
    for word in found:
        try:
            ipaddress.ip_network(word)
        except ValueError as wrong:
            raise ImproperlyConfigured(f"{name}: {wrong}") from None
    return found


def mail(url: str) -> dict[str, Any]:
    """Django's settings of mail from an address such as smtp+tls://user:password@host:587; nothing: no mail at all."""
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    try:
        found = environ.Env.email_url_config(url)
    except (KeyError, ValueError, ImproperlyConfigured):
        found = {}
    if not found.get("EMAIL_BACKEND"):
        kinds = ", ".join(sorted(environ.Env.EMAIL_SCHEMES))
        # Not the value: it may hold a password.
        raise ImproperlyConfigured(f"EMAIL_URL must begin with one of {kinds}, followed by ://")
    if found["EMAIL_BACKEND"].endswith("filebased.EmailBackend"):
        found["EMAIL_FILE_PATH"] = urlsplit(url).path  # django-environ makes it a relative one
    return {name: value for name, value in found.items() if name.startswith("EMAIL_") and value is not None}


def local_url(host: str, port: int) -> str:
    """The address a person on this machine can open; a wildcard address is not one."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - read, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "CONN_MAX_AGE": 60,
        "OPTIONS": {
            # A transaction takes the write lock at its start: no "database is locked" half way, no read that is stale
            # at the write.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # FULL: a token that was handed out survives a power cut.
            "init_command": "PRAGMA busy_timeout=20000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL",
        },
        # A file, not memory: threads and processes must be able to race in tests.
        "TEST": {"NAME": str(path.with_name("test.sqlite3"))},
    }


def postgresql(url: str) -> dict[str, Any]:
    """PostgreSQL with every wait bounded, so that a database that hangs makes an answer (503) and not a queue."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise ImproperlyConfigured("DATABASE_URL must be postgres://user:password@host:port/name")
    settings = environ.Env.db_url_config(url)
    pooled = env.bool("DATABASE_POOL", default=True)
    statement_timeout = number("DATABASE_STATEMENT_TIMEOUT_MS", 10_000)
    limits = {
        "statement_timeout": statement_timeout,
        "lock_timeout": number("DATABASE_LOCK_TIMEOUT_MS", 5_000),
        "idle_in_transaction_session_timeout": 30_000,
        # No statement here runs so long that compiling it first pays: of a list's 600 ms it took 240.
        "jit": "off",
        # Of prepared statements alone: the first five of each would be planned anew otherwise, 3 ms each time.
        "plan_cache_mode": "force_generic_plan",
    }
    options = {
        **settings.get("OPTIONS", {}),
        "connect_timeout": 3,
        "tcp_user_timeout": 5_000,
        "keepalives_idle": 30,
        "application_name": "latchkey",
        "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
    }
    if pooled:
        options["pool"] = {
            "min_size": 1,
            "max_size": number("DATABASE_POOL_SIZE", 16, least=1),
            # A process has fewer threads than connections, so who waits here waits for a server that is away. One that
            # comes back is found by the next request, not by a pool that has learned to wait for minutes.
            "timeout": 2,
            "reconnect_timeout": 1,
            "connection_class": bounded(statement_timeout / 1000 + 2 if statement_timeout else None),
        }
    return {
        **settings,
        "ENGINE": "config.postgresql",
        # The pool keeps connections itself and refuses to work with Django's own persistence.
        "CONN_MAX_AGE": 0 if pooled else 60,
        # A connection that died with its server is found when it is taken, not by a caller's request.
        "CONN_HEALTH_CHECKS": env.bool("DATABASE_HEALTH_CHECKS", default=True),
        # Ours, not Django's. Off where something between here and PostgreSQL hands sessions on, such as a PgBouncer
        # that pools transactions and keeps no prepared statements.
        "PREPARED_STATEMENTS": env.bool("DATABASE_PREPARED_STATEMENTS", default=True),
        "OPTIONS": options,
    }
