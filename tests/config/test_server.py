"""The real web server as `make run` starts it: what holds over the wire, whatever gateway stands in front."""

import base64
import http.client
import io
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock
from urllib.parse import urlencode

import pytest
from django.db import connection

from config import portal
from tests.databases import PROJECT, OwnDatabase
from tests.wire import Heard, ask, connect, free_port, raw
from tokens.lifecycle import Client
from tokens.models import TokenRequestLog

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Server:
    """A server of our own, and the client of the proxy `orders`."""

    port: int
    client: Client
    process: subprocess.Popen[bytes]

    def connect(self) -> http.client.HTTPConnection:
        return connect(self.port)

    def ask(
        self,
        method: str,
        path: str,
        headers: list[tuple[str, str]] | dict[str, str] | None = None,
        body: bytes = b"",
        *,
        over: http.client.HTTPConnection | None = None,
    ) -> Heard:
        return ask(self.port, method, path, headers, body, over=over)

    def post(self, path: str, **form: str) -> Heard:
        pair = base64.b64encode(f"{self.client.client_id}:{self.client.secret}".encode()).decode()
        return self.ask("POST", path, {**FORM, "Authorization": f"Basic {pair}"}, urlencode(form).encode())

    def token(self) -> dict[str, Any]:
        granted = self.post("/oauth2/token", grant_type="client_credentials")
        assert granted.status == 200, granted.body
        return granted.json

    def raw(self, text: bytes) -> bytes:
        return raw(self.port, text)


@pytest.fixture
def server(own_database: OwnDatabase) -> Iterator[Server]:
    with started(own_database) as running:
        yield running


@contextmanager
def started(own_database: OwnDatabase, **extra: str) -> Iterator[Server]:
    from tests.world import build

    world = build()
    port = free_port()
    environment = {
        **own_database.environment(),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
        **extra,
    }
    connection.close()
    process = subprocess.Popen(portal.parts()[0].command, cwd=PROJECT, env=environment)
    try:
        end = time.monotonic() + 60
        while not portal.answers("127.0.0.1", port):
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.05)
        yield Server(port, world.key_of(world.orders), process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def bearer(token: dict[str, Any], *more: tuple[str, str]) -> list[tuple[str, str]]:
    return [("Authorization", f"Bearer {token['access_token']}"), *more]


TO_ORDERS = ("X-Proxy", "orders")


def test_a_token_s_whole_life_over_the_wire(server):
    token = server.token()
    good = server.ask("GET", "/auth/verify", bearer(token, TO_ORDERS))
    assert (good.status, good.body, good.headers["Content-Length"]) == (200, b"", "0")
    assert good.headers["X-Token-Client"] == server.client.client_id
    assert "Set-Cookie" not in good.headers
    assert server.ask("GET", "/auth/verify", bearer(token, ("X-Proxy", "billing"))).status == 401
    assert server.post("/oauth2/introspect", token=token["access_token"]).json["active"] is True

    for _ in range(3):
        refreshed = server.post("/oauth2/token", grant_type="refresh_token", refresh_token=token["refresh_token"])
        assert refreshed.status == 200
        token = refreshed.json
    past = [
        server.post("/oauth2/token", grant_type="refresh_token", refresh_token=token["refresh_token"]) for _ in range(2)
    ]
    assert [each.json["error_code"] for each in past] == ["refresh_count_exceeded", "token_not_found"]
    assert server.ask("GET", "/auth/verify", bearer(token, TO_ORDERS)).status == 200

    assert server.post("/oauth2/revoke", token=token["access_token"]).status == 200
    assert server.ask("GET", "/auth/verify", bearer(token, TO_ORDERS)).status == 401
    assert server.post("/oauth2/introspect", token=token["access_token"]).body == b'{"active":false}'
    refused = server.ask("GET", "/oauth2/token")
    assert (refused.status, refused.headers["Allow"]) == (405, "POST")


def test_r38_a_request_s_id_is_in_its_answer_and_in_its_row_of_the_log(server):
    told = [*FORM.items(), ("X-Request-ID", "trace-0123456789")]
    heard = server.ask("POST", "/oauth2/token", told, b"grant_type=client_credentials")
    made = server.ask("GET", "/auth/verify", [TO_ORDERS, ("X-Request-ID", "lk_at_" + "0" * 58)])
    page = server.ask("GET", "/admin/")

    assert (heard.status, heard.headers["X-Request-ID"]) == (401, "trace-0123456789")
    assert TokenRequestLog.objects.order_by("-id")[0].request_id == "trace-0123456789"
    ids = [made.headers["X-Request-ID"], page.headers["X-Request-ID"]]
    assert all(re.fullmatch(r"[0-9a-f]{20}", each) for each in ids)
    assert len(set(ids)) == 2


def test_r42_monitoring_is_for_the_machine_itself_and_for_nobody_behind_a_proxy(server):
    server.token()
    assert server.ask("GET", "/healthz").json == {"status": "ok"}
    assert server.ask("GET", "/readyz").status == 200
    figures = server.ask("GET", "/metrics").body.decode()
    assert 'latchkey_requests_total{door="token",outcome="granted",reason=""} 1.0' in figures
    assert "latchkey_database_up 1.0" in figures
    pages = [server.ask("GET", path, [("X-Forwarded-For", "127.0.0.1")]) for path in ("/metrics", "/no-such")]
    assert [page.status for page in pages] == [404, 404]
    assert pages[0].body.replace(b"/metrics", b"/no-such") == pages[1].body
    assert b"gunicorn" not in b"".join(str(page.headers).encode() for page in pages).replace(
        b"'Server': 'gunicorn'", b""
    )


def test_r42_nothing_tells_a_version_shows_an_inside_or_sends_back_what_came(server):
    paths = ("/admin/", "/oauth2/token", "/auth/verify", "/api/v1/tokens", "/.well-known/jwks.json", "/no-such")
    for path in paths:
        traced = server.ask("TRACE", path, [("X-Canary", "canary-7391")])
        assert 300 <= traced.status < 500, path
        assert b"canary-7391" not in traced.body
        page = server.ask("GET", path)
        told = " ".join(f"{name}: {value}" for name, value in page.headers.items())
        assert not re.search(r"\d+\.\d+", str(page.headers.get("Server"))), "a banner without a version"
        assert "X-Powered-By" not in page.headers
        for word in ("Django", "Python/", "CPython", "Traceback", "DEBUG", "site-packages"):
            assert word not in told, (path, word)
            assert word not in page.body.decode(), (path, word)


def test_only_a_trusted_proxy_is_believed_that_the_caller_came_by_https(own_database):
    extra = {"PUBLIC_URL": "https://portal.example.com", "TRUSTED_PROXIES": "127.0.0.2"}
    with started(own_database, **extra) as server:

        def visit(source: str, *told: tuple[str, str]) -> int:
            wire = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20, source_address=(source, 0))
            with closing(wire):
                return server.ask("GET", "/admin/", [("Host", "portal.example.com"), *told], over=wire).status

        for told in (("X-Forwarded-Proto", "https"), ("X-Forwarded-Ssl", "on"), ("X-Forwarded-Protocol", "ssl")):
            assert visit("127.0.0.1", told) == 301, "this machine is not trusted for being this machine"
            assert visit("127.0.0.2", told) == 302
        assert visit("127.0.0.2") == 301


def test_r31_a_twin_with_an_underscore_never_wins(server):
    token = server.token()

    def verify(*headers: tuple[str, str]) -> int:
        return server.ask("GET", "/auth/verify", bearer(token, *headers)).status

    for twin in ("X_Proxy", "X_proxy", "x_proxy"):
        # What the gateway says counts, in whatever order the twins come; alone, the client's says nothing.
        assert verify(TO_ORDERS, (twin, "billing")) == 200
        assert verify((twin, "billing"), TO_ORDERS) == 200
        assert verify((twin, "orders"), ("X-Proxy", "billing")) == 401
        assert verify(("X-Proxy", "billing"), (twin, "orders")) == 401
        assert verify((twin, "orders")) == 400
    for twin in ("X_Required_Scope", "X_Required-Scope", "X-Required_Scope"):
        assert verify(TO_ORDERS, ("X-Required-Scope", "admin"), (twin, "read")) == 403
        assert verify(TO_ORDERS, (twin, "admin")) == 200
    # Twice the same name arrives joined, and is refused (400: the gateway's fault; 401: the client's).
    assert verify(TO_ORDERS, TO_ORDERS) == 400
    assert verify(TO_ORDERS, ("X-Proxy", "billing")) == 400
    assert verify(TO_ORDERS, ("Authorization", f"Bearer {token['access_token']}")) == 401
    assert verify(TO_ORDERS, ("Authorization", "Basic YTpi")) == 401
    # No token by a twin of the header either.
    twin_token = ("Proxy_Authorization", f"Bearer {token['access_token']}")
    assert server.ask("GET", "/auth/verify", [TO_ORDERS, twin_token]).status == 401


def test_verify_answers_for_any_host_and_the_console_for_its_own_alone(server):
    token = server.token()
    for host in ("api.example.com", "evil.example:8443", "orders.internal", "xn--bcher-kva.example"):
        assert server.ask("GET", "/auth/verify", bearer(token, TO_ORDERS, ("Host", host))).status == 200, host
        assert server.ask("GET", "/auth/verify", [TO_ORDERS, ("Host", host)]).status == 401, host
        assert server.ask("GET", "/admin/", [("Host", host)]).status == 400, host
    own = server.ask("GET", "/admin/")
    assert own.status == 302
    assert own.headers["Location"].startswith("/admin/login/")
    # The same at the issuer's own addresses, which never come from the request.
    told = server.ask("GET", "/.well-known/oauth-authorization-server", [("Host", "evil.example")])
    assert b"evil" not in told.body
    assert told.json["issuer"] == f"http://127.0.0.1:{server.port}"


def test_verify_takes_envoy_s_methods_and_leaves_the_body_alone(server):
    token = server.token()
    wire = server.connect()
    with closing(wire):
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "GET"):
            body = b'{"order": 7}' * 1000 if method in {"POST", "PUT", "PATCH"} else b""
            headers = bearer(token, TO_ORDERS, ("Host", "api.example.com"), ("Content-Type", "application/json"))
            heard = server.ask(method, "/auth/verify", headers, body, over=wire)
            assert (heard.status, heard.body) == (200, b""), method
        # Envoy's own form: the client's method, and the length of a body that is not sent.
        empty = bearer(token, TO_ORDERS, ("Content-Length", "0"))
        assert server.ask("POST", "/auth/verify", empty, over=wire).status == 200
        for headers, status in ((bearer(token, TO_ORDERS), 200), ([TO_ORDERS], 401)):
            head = server.ask("HEAD", "/auth/verify", headers, over=wire)
            assert (head.status, head.body) == (status, b"")
        # One connection all the while.
        assert server.ask("GET", "/auth/verify", bearer(token, TO_ORDERS), over=wire).status == 200


def test_r32_what_is_out_of_form_on_the_wire_is_refused_and_the_server_lives_on(server):
    pair = base64.b64encode(f"{server.client.client_id}:{server.client.secret}".encode()).decode()
    head = [
        "POST /oauth2/token HTTP/1.1",
        "Host: x",
        f"Authorization: Basic {pair}",
        *(": ".join(each) for each in FORM.items()),
    ]
    start, form = "".join(f"{line}\r\n" for line in head).encode(), b"grant_type=client_credentials"

    def status(rest: bytes) -> int:
        return int(server.raw(start + b"Connection: close\r\n" + rest).split(b" ", 2)[1])

    chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(form), form)
    assert status(b"Content-Length: %d\r\n\r\n" % len(form) + form) == 200
    assert status(b"Transfer-Encoding: chunked\r\n\r\n" + chunk) == 200
    for broken in (
        b"Content-Length: -1\r\n\r\n" + form,
        b"Content-Length: %s\r\n\r\n" % (b"9" * 4000) + form,
        b"Content-Length: 10\r\nContent-Length: 29\r\n\r\n" + form,
        b"Content-Length: 29\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk,
        b"Content-Length: 60000\r\n\r\n" + form,
        b"Content-Length: 1000000\r\n\r\n" + b"a" * 1_000_000,
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + form,
        b"Transfer-Encoding: chunked\r\n\r\n" + b"186a0\r\n" + b"a" * 100_000 + b"\r\n0\r\n\r\n",
        b"User-Agent: a\x00b\r\nContent-Length: 29\r\n\r\n" + form,
        b"User-Agent : a\r\nContent-Length: 29\r\n\r\n" + form,
    ):
        assert 400 <= status(broken) < 500, broken[:60]

    assert server.process.poll() is None
    assert server.token()["token_type"] == "Bearer"


def test_a_request_line_as_long_as_envoy_makes_it_is_taken(server):
    path = "/auth/verify/orders/" + "a" * 7000

    heard = server.ask("GET", path, bearer(server.token(), TO_ORDERS))

    assert heard.status == 200


@pytest.mark.django_db
def test_the_doors_stand_before_django_by_exact_path():
    from config.wsgi import application

    def status(path: str, host: str = "evil.example") -> str:
        told: list[str] = []
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "HTTP_HOST": host,
            "HTTP_X_PROXY": "orders",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
        }
        b"".join(application(environ, lambda given, _headers, _error=None: told.append(given)))
        return told[0]

    assert status("/auth/verify") == status("/env/live/auth/verify") == "401 Unauthorized"
    assert status("/auth/verifyx") == status("/auth") == status("/admin/") == "400 Bad Request"
    assert status("/auth/verifyx", "localhost") == status("/env/Live/auth/verify", "localhost") == "404 Not Found"


def test_nothing_is_put_together_for_a_log_of_requests_that_nobody_writes() -> None:
    from config import webserver

    assert webserver.logger_class is webserver.NoAccessLog
    log = webserver.NoAccessLog.__new__(webserver.NoAccessLog)
    with mock.patch.object(log, "atoms", side_effect=AssertionError("a line is made")):
        log.access(None, None, {}, None)
    assert log.access_log_enabled is False
