"""What is wrong around the portal: files, clocks, neighbours, and whom it believes. Reads only."""

import ipaddress
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.utils import timezone

from proxies import jobs
from tokens.statements import server

DEMO_FILE = "demo.json"
SECRETS = ("SECRET_KEY", "TOKEN_HASH_KEYS", "KEY_ENCRYPTION_KEYS")
# Ways of Django to send mail that are for development.
SHOWN_ONLY = ("console", "filebased", "dummy")
CLOCKS_MAY_DIFFER = timedelta(seconds=2)
JOBS_MAY_BE_LATE = timedelta(minutes=10)
LEAST_FREE_BYTES = 500 * 2**20
# A network that holds more addresses than this is no list of machines that somebody knows.
WIDEST_PREFIX = {4: 8, 6: 32}


@dataclass(frozen=True, slots=True)
class Finding:
    """`is_problem` is False for what is only worth knowing. `todo` says what to do."""

    is_problem: bool
    what: str
    todo: str


def database() -> Iterator[Finding]:
    """What the database server says of itself."""
    if server.owns_the_log():
        yield Finding(
            False,
            "The portal's database role owns the request log, so whoever has its password could drop what protects it.",
            "Let another role migrate and own the tables: MIGRATION_DATABASE_URL in docs/operations.md.",
        )
    if careless := server.careless():
        yield Finding(
            True,
            f"The database may forget what it has confirmed after a crash: {', '.join(careless)}.",
            "Set them to on. A revocation that was answered must last.",
        )
    apart = abs(server.clock() - timezone.now())
    if apart > CLOCKS_MAY_DIFFER:
        yield Finding(
            True,
            f"The clocks of this machine and of the database are {apart.total_seconds():.0f} seconds apart.",
            "Have both follow a time server (systemd-timesyncd, chrony).",
        )


def neighbours() -> Iterator[Finding]:
    """Redis and the background work."""
    if settings.REDIS_URL:
        yield from _redis()
    now = timezone.now()
    seen = [each for each in jobs.overview() if each.state != "paused"]
    if all(each.row.last_run_at is None for each in seen):
        yield Finding(
            False, "No scheduled job has run yet.", "Start the background work: celery worker and celery beat."
        )
        return
    late = [
        each for each in seen if each.row.last_run_at and now - each.row.last_run_at > each.job.every + JOBS_MAY_BE_LATE
    ]
    if late:
        names = ", ".join(each.job.name for each in late)
        yield Finding(
            True, f"These jobs are late: {names}.", "See that celery worker and celery beat run, and what they log."
        )
    for each in seen:
        if each.last is not None and each.last.outcome == "failed":
            yield Finding(
                True,
                f"The last run of {each.job.name} failed: {each.last.trouble}",
                "See its runs in the admin (Scheduled jobs), and what the worker logged.",
            )


def _redis() -> Iterator[Finding]:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=3, socket_connect_timeout=3) as client:
            info = client.info()
    except (redis.RedisError, OSError) as trouble:
        yield Finding(
            True,
            f"Redis does not answer ({type(trouble).__name__}). Tokens are served all the same; background work waits.",
            "Start it, or look at REDIS_URL.",
        )
        return
    if info.get("maxmemory") and info.get("maxmemory_policy") != "noeviction":
        yield Finding(
            False,
            f"Redis throws keys away when it is full ({info['maxmemory_policy']}), messages to the worker among them.",
            "Set maxmemory-policy noeviction, or give the portal a Redis of its own.",
        )


def installation() -> Iterator[Finding]:
    """Secrets, addresses, switches: what can be told without asking anybody."""
    yield from _files()
    yield from _address()
    yield from _trust()
    production = not settings.EMBEDDED
    if production and settings.GENERATED_SECRETS:
        yield Finding(
            True,
            f"{', '.join(settings.GENERATED_SECRETS)} were made here and lie beside the data.",
            "Give each by NAME_FILE, from a secret store, to every process of the portal.",
        )
    if settings.DEBUG:
        yield Finding(production, "DEBUG is on.", "Unset DEBUG.")
    if production and settings.WEBHOOK_ALLOW_HTTP:
        yield Finding(
            False,
            "WEBHOOK_ALLOW_HTTP is on: reminders may go to an http:// address, where anybody on the way reads them.",
            "Unset it, unless every such receiver is in a network of your own.",
        )
    if production and settings.MAIL_IS_ON and settings.EMAIL_BACKEND.split(".")[-2] in SHOWN_ONLY:
        yield Finding(True, "EMAIL_URL delivers no mail, it only shows it.", "Set EMAIL_URL to a mail server's.")
    if production and not settings.TOKEN_RATE_LIMIT_PER_MINUTE:
        yield Finding(False, "An address may ask for tokens without limit.", "Set TOKEN_RATE_LIMIT_PER_MINUTE.")


def _files() -> Iterator[Finding]:
    demo = settings.DATA_DIR / DEMO_FILE
    if demo.exists():
        yield Finding(
            not settings.EMBEDDED,
            f"{demo} holds the secrets of the demo in clear.",
            "Delete the file when you are done with the demo, and change the password of its admin.",
        )
    named = [Path(given) for name in SECRETS if (given := os.environ.get(f"{name}_FILE"))]
    for path in [*named, *sorted((settings.DATA_DIR / "secrets").glob("*"))]:
        if path.exists() and _others_read(path) and not _is_mounted(path):
            yield Finding(True, f"Others on this machine can read {path}.", f"Run: chmod 600 {path}")
    free = shutil.disk_usage(settings.DATA_DIR).free
    if free < LEAST_FREE_BYTES:
        yield Finding(
            True,
            f"Only {free // 2**20} MB are free at {settings.DATA_DIR}.",
            "Make room: without it no token is handed out.",
        )


def _others_read(path: Path) -> bool:
    """Its mode lets others read it, and no folder on the way keeps them out."""
    open_to = stat.S_IMODE(path.stat().st_mode) & 0o044
    return bool(open_to) and all(folder.stat().st_mode & 0o011 for folder in path.resolve().parents)


def _is_mounted(path: Path) -> bool:
    """An orchestrator's secrets: nobody but the container's own processes is there to read them."""
    return path.resolve().is_relative_to("/run/secrets")


def _address() -> Iterator[Finding]:
    if settings.EMBEDDED:
        return
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    if not settings.HTTPS:
        yield Finding(True, f"PUBLIC_URL is {settings.PUBLIC_URL}, without TLS.", "Set PUBLIC_URL to its https one.")
    if host == "localhost" or host.startswith("127.") or host == "::1":
        yield Finding(
            True,
            f"PUBLIC_URL is {settings.PUBLIC_URL}, which nobody else can reach; each token names it as its issuer.",
            "Set PUBLIC_URL to the address that clients use.",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield Finding(True, "ALLOWED_HOSTS takes any name.", "Name the hosts, or unset it: PUBLIC_URL's is in it.")
    if settings.HTTPS and not settings.TRUSTED_PROXIES:
        yield Finding(
            False,
            "PUBLIC_URL is https and no proxy is trusted: behind one that ends TLS, screens redirect for ever, and "
            "every caller has the proxy's address.",
            "Set TRUSTED_PROXIES to the addresses of the proxies in front of the portal.",
        )


def _trust() -> Iterator[Finding]:
    for name in ("TRUSTED_PROXIES", "TRUSTED_GATEWAYS", "MONITORING_NETWORKS"):
        for entry in getattr(settings, name):
            network = ipaddress.ip_network(entry, strict=False)
            if network.prefixlen < WIDEST_PREFIX[network.version]:
                yield Finding(
                    True,
                    f"{name} holds {entry}: nearly anybody could pretend to be there.",
                    f"Name the machines in {name} one by one, or their own small network.",
                )
