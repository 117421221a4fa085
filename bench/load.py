"""Load on a running portal: token, refresh, introspect, verify, each for some seconds, with some threads.

    make demo-fixtures | python -m bench.load --fixtures
    python -m bench.load --url http://127.0.0.1:8000 --client-id ID --client-secret SECRET --proxy orders

Standard library only. Each thread keeps one connection, as a gateway does. Set TOKEN_RATE_LIMIT_PER_MINUTE=0 at the
portal, or the limiter is what gets measured: an answer that is not the expected one counts as an error and ends in
status 1.
"""

import argparse
import base64
import http.client
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

MOST_SECONDS, MOST_THREADS, MOST_REQUESTS = 300.0, 64, 1_000_000
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
OPERATIONS = ("token", "refresh", "introspect", "verify")


@dataclass(frozen=True)
class Target:
    """A portal and a client that may obtain tokens for one proxy."""

    url: str
    client_id: str
    client_secret: str
    proxy: str

    @property
    def headers(self) -> dict[str, str]:
        """The client's authentication."""
        pair = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        return {**FORM, "Authorization": f"Basic {pair}"}


@dataclass
class Tally:
    """What was seen of one operation: how long each took in seconds, and what went wrong."""

    seconds: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    span: float = 0.0

    def line(self, name: str) -> str:
        """Requests a second and percentiles in milliseconds."""
        ordered = sorted(self.seconds)

        def percentile(part: float) -> float:
            return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000 if ordered else float("nan")

        rate = len(ordered) / self.span if self.span else 0.0
        wrong = ", ".join(f"{count} x {what}" for what, count in self.errors.most_common(3))
        figures = f"{len(ordered):>8} {rate:>9.1f} {percentile(0.5):>9.2f} {percentile(0.99):>9.2f}"
        return f"{name:12}{figures}  {wrong or 'no errors'}"


class Caller:
    """One connection, kept; the state of one thread's client."""

    def __init__(self, target: Target) -> None:
        parts = urlsplit(target.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self.connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=30)
        self.base = parts.path.rstrip("/")
        self.target = target
        self.access = self.next = ""

    def send(self, method: str, path: str, form: dict[str, str] | None, headers: dict[str, str]) -> tuple[int, bytes]:
        """One request, once more where the server closed the kept connection."""
        body = None if form is None else urlencode(form)
        for last in (False, True):
            try:
                self.connection.request(method, self.base + path, body, headers)
                answer = self.connection.getresponse()
                return answer.status, answer.read()
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self.connection.close()
                if last:
                    raise
        raise AssertionError("not reached")

    def token(self) -> str:
        """A new family. The reason of a refusal, or nothing."""
        form = {"grant_type": "client_credentials", "audience": self.target.proxy}
        return self._take(*self.send("POST", "/oauth2/token", form, self.target.headers))

    def refresh(self) -> str:
        """The next of the family; a new family where the count is used up, which is not measured apart."""
        if not self.next:
            return self.token()
        form = {"grant_type": "refresh_token", "refresh_token": self.next}
        status, body = self.send("POST", "/oauth2/token", form, self.target.headers)
        if status == 400 and b"refresh_count_exceeded" in body:
            self.next = ""
            return ""
        return self._take(status, body)

    def _take(self, status: int, body: bytes) -> str:
        if status != 200:
            return f"{status} {body[:80].decode('utf-8', 'replace')}"
        answer: dict[str, Any] = json.loads(body)
        self.access, self.next = answer["access_token"], answer.get("refresh_token", "")
        return ""

    def introspect(self) -> str:
        """All about the token at hand."""
        status, body = self.send("POST", "/oauth2/introspect", {"token": self.access}, self.target.headers)
        if status == 200 and b'"active":true' not in body:
            return self.token()
        return "" if status == 200 else f"{status} {body[:80].decode('utf-8', 'replace')}"

    def verify(self) -> str:
        """The token at hand, as a gateway asks; a new one where it has expired."""
        headers = {"Authorization": f"Bearer {self.access}", "X-Proxy": self.target.proxy}
        status, body = self.send("GET", "/auth/verify", None, headers)
        if status == 401 and b"token_expired" in body:
            return self.token()
        return "" if status == 200 else f"{status} {body[:80].decode('utf-8', 'replace')}"


def run(target: Target, name: str, threads: int, seconds: float, most: int) -> Tally:
    """One operation from some threads until the time is over or enough was asked."""
    tally, lock, begin = Tally(), threading.Lock(), threading.Barrier(threads + 1)
    share = max(1, most // threads)
    end = [0.0]

    def work() -> None:
        caller = Caller(target)
        seen: list[float] = []
        wrong: Counter[str] = Counter()
        operation: Callable[[], str] = getattr(caller, name)
        try:
            if refused := caller.token():
                wrong[refused] += 1
        except OSError as trouble:
            wrong[type(trouble).__name__] += 1
        begin.wait()
        begin.wait()
        while not wrong.total() >= 100 and len(seen) < share and (now := time.monotonic()) < end[0]:
            try:
                refused = operation()
            except (OSError, http.client.HTTPException) as trouble:
                refused = type(trouble).__name__
                caller.connection.close()
            seen.append(time.monotonic() - now)
            if refused:
                wrong[refused] += 1
        with lock:
            tally.seconds += seen
            tally.errors += wrong

    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    begin.wait()
    started = time.monotonic()
    end[0] = started + seconds
    begin.wait()
    for worker in workers:
        worker.join()
    tally.span = time.monotonic() - started
    return tally


def bounded(kind: type, least: float, most: float) -> Callable[[str], Any]:
    """A number between two bounds, for argparse."""

    def read(text: str) -> Any:
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"between {least} and {most}")
        return value

    return read


def arguments(argv: list[str]) -> argparse.Namespace:
    """What to ask of whom."""
    parser = argparse.ArgumentParser(prog="bench.load", description="Load on a running portal.")
    parser.add_argument("--fixtures", action="store_true", help="read url, client and secret from make demo-fixtures")
    parser.add_argument("--url", help="address of the portal")
    parser.add_argument("--client-id")
    parser.add_argument("--client-secret")
    parser.add_argument("--proxy", default="orders", help="slug of the API proxy; with --fixtures also the client")
    parser.add_argument("--threads", type=bounded(int, 1, MOST_THREADS), default=8)
    parser.add_argument("--seconds", type=bounded(float, 0.1, MOST_SECONDS), default=5.0, help="for each operation")
    parser.add_argument("--requests", type=bounded(int, 1, MOST_REQUESTS), default=MOST_REQUESTS, help="at most, each")
    parser.add_argument("--operations", nargs="+", choices=OPERATIONS, default=list(OPERATIONS))
    found = parser.parse_args(argv)
    if not found.fixtures and not (found.url and found.client_id and found.client_secret):
        parser.error("give --fixtures, or --url with --client-id and --client-secret")
    return found


def target_of(found: argparse.Namespace) -> Target:
    """The portal and the client that the arguments name."""
    if not found.fixtures:
        return Target(found.url, found.client_id, found.client_secret, found.proxy)
    fixtures = json.load(sys.stdin)
    client = fixtures["clients"][found.proxy]
    return Target(found.url or fixtures["url"], client["client_id"], client["client_secret"], found.proxy)


def main(argv: list[str] | None = None) -> int:
    """Print a line for each operation; 1 where anything went wrong."""
    found = arguments(sys.argv[1:] if argv is None else argv)
    target = target_of(found)
    print(f"{target.url}: {found.threads} threads, up to {found.seconds:g} s each")
    print(f"{'operation':12}{'requests':>8} {'req/s':>9} {'p50 ms':>9} {'p99 ms':>9}")
    wrong = 0
    for name in found.operations:
        tally = run(target, name, found.threads, found.seconds, found.requests)
        print(tally.line(name), flush=True)
        wrong += tally.errors.total()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
