"""What a request costs inside the portal: CPU microseconds of the process for each call, without server and network.

    DATABASE_URL=... python -m bench.profile verify introspect
    DATABASE_URL=... python -m bench.profile verify --functions        # where it goes, by cProfile
    DATABASE_URL=... python -m bench.profile verify --beside ../other  # another checkout, turn by turn in one run
    DATABASE_URL=... python -m bench.profile verify --alone            # without the exchanges with PostgreSQL and Redis

One thread calls `config.wsgi.application` as a server would. The database is filled first (bench/seeding.py) and stays;
what it needs besides is in `--feeds`.
"""

import argparse
import cProfile
import gc
import io
import itertools
import json
import os
import pstats
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
PATHS = {"introspect": "/oauth2/introspect", "introspect-hit": "/oauth2/introspect", "revoke": "/oauth2/revoke"}
SESSIONS = {"renew": "/api/auth/renew", "access": "/api/auth/refresh"}
# A hit needs VERIFY_CACHE=host.
OPERATIONS = (
    "verify",
    "introspect",
    "verify-hit",
    "introspect-hit",
    "token",
    "token-jwt",
    "refresh",
    "revoke",
    *SESSIONS,
)
# What can be asked with the answers of the first time.
ALONE = frozenset(("verify", "introspect", "verify-hit", "introspect-hit", "token"))


def _common(headers: dict[str, str]) -> dict[str, Any]:
    """What a server says of a request that came through an edge."""
    return {
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "51234",
        "QUERY_STRING": "",
        "SCRIPT_NAME": "",
        "HTTP_HOST": "auth.example.com",
        "HTTP_USER_AGENT": "nginx",
        "HTTP_ACCEPT": "*/*",
        "HTTP_CONNECTION": "keep-alive",
        "wsgi.url_scheme": "http",
        "wsgi.multithread": True,
        **headers,
    }


def environs(operation: str, feeds: Path) -> Callable[[], dict[str, Any]]:
    """Makes the environ of the next request of an operation."""
    headers = json.loads((feeds / "clients.json").read_text())
    # What one operation revokes another must not show. A database that was there already gives no new tokens to know.
    is_apart = operation != "revoke" and (feeds / "access.txt").exists()
    known = (feeds / ("access.txt" if is_apart else "revoke.txt")).read_text().split()
    tokens = itertools.cycle(known[:100] if operation.endswith("-hit") else known)
    if operation in {"verify", "verify-hit"}:
        common = _common({"REQUEST_METHOD": "GET", "PATH_INFO": "/auth/verify", "HTTP_X_PROXY": "orders"})
        return lambda: {**common, "HTTP_AUTHORIZATION": f"Bearer {next(tokens)}", "wsgi.input": io.BytesIO(b"")}
    posted = _common(
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": PATHS.get(operation, "/oauth2/token"),
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "HTTP_AUTHORIZATION": headers["billing" if operation == "token-jwt" else "orders"],
        }
    )

    def post(body: bytes) -> dict[str, Any]:
        return {**posted, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}

    if operation in PATHS:
        return lambda: post(b"token=" + next(tokens).encode())
    return lambda: post(b"grant_type=client_credentials&scope=read")


def refreshes(feeds: Path, call: Callable[[dict[str, Any]], bytes]) -> Callable[[], None]:
    """One refresh after the other, each with what the one before has given."""
    issue = environs("token", feeds)
    held = json.loads(call(issue()))["refresh_token"]

    def once() -> None:
        nonlocal held
        body = f"grant_type=refresh_token&refresh_token={held}".encode()
        environ = {**issue(), "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
        held = json.loads(call(environ))["refresh_token"]

    return once


def sessions(operation: str, feeds: Path, call: Callable[[dict[str, Any]], bytes]) -> Callable[[], None]:
    """One renewal after the other, each of what the one before has given; or a person's refresh, of the same key."""
    from bench import seeding

    (held,) = seeding.sessions(1)
    common = {"REQUEST_METHOD": "POST", "PATH_INFO": SESSIONS[operation], "CONTENT_TYPE": "application/json"}
    common = _common({**common, "HTTP_HOST": "localhost"})

    def once() -> None:
        nonlocal held
        body = json.dumps({"refresh": held}).encode()
        answer = json.loads(call({**common, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}))
        held = answer.get("refresh", held)

    return once


def once_of(operation: str, feeds: Path) -> Callable[[], object]:
    """One call of an operation. Anything but a good answer ends the measurement."""
    from config.wsgi import application

    def start(status: str, headers: list[tuple[str, str]], *error: Any) -> None:
        if not status.startswith("200"):
            raise SystemExit(f"{operation} was answered {status}")

    def call(environ: dict[str, Any]) -> bytes:
        return b"".join(application(environ, start))

    if operation == "refresh":
        return refreshes(feeds, call)
    if operation in SESSIONS:
        return sessions(operation, feeds, call)
    made = environs(operation, feeds)
    return lambda: call(made())


def measure(operation: str, feeds: Path, calls: int, functions: int) -> float:
    """CPU microseconds for each call; with `functions` the table of so many that take most, which slows all of them."""
    once = once_of(operation, feeds)
    for _ in range(min(calls, 500)):
        once()
    gc.collect()
    profile = cProfile.Profile() if functions else None
    if profile is not None:
        profile.enable()
    started = time.process_time()
    for _ in range(calls):
        once()
    spent = time.process_time() - started
    if profile is not None:
        profile.disable()
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(functions)
    return spent / calls * 1e6


def leave_alone() -> None:
    """From now on PostgreSQL and Redis are asked each question once: what is left is the portal's own code.

    Exchanges take as long as the machine likes; without them two runs differ by a hundredth.
    """
    from tokens.redis_scripts import Script
    from tokens.statements.prepared import PreparedStatements

    for kind, name in ((PreparedStatements, "_run"), (Script, "_ask")):
        setattr(kind, name, _remembered(getattr(kind, name)))


def _remembered(ask: Callable[..., Any]) -> Callable[..., Any]:
    known: dict[Any, Any] = {}

    def answer(itself: Any, wire: Any, asked: Any, *more: Any) -> Any:
        question = asked if isinstance(asked, bytes) else itself  # a statement's text, or a script
        if question not in known:
            known[question] = ask(itself, wire, asked, *more)
        wire._heard = time.monotonic()
        return known[question]

    return answer


def prepare(feeds: Path, rows: int) -> None:
    """Set Django up; fill the database where nobody has yet."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("DATA_DIR", str(feeds / "data"))
    os.environ.update(TOKEN_RATE_LIMIT_PER_MINUTE="1000000000", CLIENT_RATE_LIMIT_PER_MINUTE="1000000000")
    import django

    django.setup()
    if not (feeds / "clients.json").exists():
        from django.core.management import call_command

        from bench import seeding

        call_command("migrate", verbosity=0)
        seeding.fill(rows, feeds)


def beside(options: argparse.Namespace, checkouts: list[Path]) -> None:
    """Each checkout in a process of its own, turn by turn, so that all meet the same machine; the table."""
    found: dict[tuple[str, Path], list[float]] = {}
    for _ in range(options.rounds):
        for operation, checkout in itertools.product(options.operations, checkouts):
            # -P: the folder of this file is no place to import from; it holds a module called profile.
            command = [sys.executable, "-P", str(HERE), operation, "--feeds", str(options.feeds), "--bare"]
            command += ["--calls", str(options.calls), *(["--alone"] if options.alone else [])]
            environment = {**os.environ, "PYTHONPATH": str(checkout)}
            run = subprocess.run(command, cwd=checkout, env=environment, stdout=subprocess.PIPE, text=True, check=True)
            found.setdefault((operation, checkout), []).append(float(run.stdout))
    for (operation, checkout), times in found.items():
        print(f"{operation:12} {min(times):7.1f} least {statistics.median(times):7.1f} median us  {checkout}")


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="bench.profile", description="CPU of a call of the portal, in one process.")
    parser.add_argument("operations", nargs="+", choices=OPERATIONS)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--feeds", type=Path, default=Path(".bench/profile"))
    parser.add_argument("--functions", type=int, nargs="?", const=45, default=0)
    parser.add_argument("--beside", type=Path, action="append", default=[])
    parser.add_argument("--bare", action="store_true", help="print the number alone")
    parser.add_argument("--alone", action="store_true", help=f"without exchanges: {', '.join(sorted(ALONE))}")
    options = parser.parse_args()
    if options.alone and not ALONE.issuperset(options.operations):
        parser.error(f"--alone is for {', '.join(sorted(ALONE))}: the others need an answer of their own each time")
    options.feeds = options.feeds.resolve()  # another checkout is another folder to stand in
    prepare(options.feeds, options.rows)
    if not options.bare and not options.functions:
        beside(options, [HERE.parent.parent, *(each.resolve() for each in options.beside)])
        return 0
    if options.alone:
        leave_alone()
    for operation in options.operations:
        print(f"{measure(operation, options.feeds, options.calls, options.functions):.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
