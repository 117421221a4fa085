"""Whatever arrives: the answer of the RFC, never a 500, nothing used up, nothing echoed, exactly one log row."""

import base64
import io
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credentials import secrets
from tests.tokens.doors.asking import (
    INTROSPECT,
    REVOKE,
    TOKEN,
    ask_refresh,
    check_error,
    last_row,
    rows,
    tokens_of,
    verify,
)
from tests.world import Answered, call
from tokens.doors import oauth, reading
from tokens.lifecycle import Client
from tokens.models import IssuedToken, RefreshKey, TokenFamily

# What no answer and no row may repeat.
MARK = "c4n4ry"


class Case:
    """One malformed request: what differs from a good one. `form` and `environ` may need the client and the token."""

    def __init__(
        self,
        *,
        extra: list[tuple[str, str]] | None = None,
        without: str = "",
        body: Callable[[list[tuple[str, str]]], bytes] | bytes | None = None,
        query: str = "",
        status: int = 400,
        error: str = "invalid_request",
        **environ: Any,
    ) -> None:
        self.extra, self.without, self.body, self.query = extra or [], without, body, query
        self.status, self.error, self.environ = status, error, environ


def multipart(form: list[tuple[str, str]]) -> bytes:
    parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in form]
    return "".join([*parts, "--x--\r\n"]).encode()


def as_json(form: list[tuple[str, str]]) -> bytes:
    return json.dumps(dict(form)).encode()


def raw(addition: bytes) -> Callable[[list[tuple[str, str]]], bytes]:
    return lambda form: urlencode(form).encode() + b"&" + addition


def basic(value: bytes | str) -> dict[str, Any]:
    value = value.encode() if isinstance(value, str) else value
    return {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(value).decode()}


class Broken(io.BytesIO):
    """A connection that breaks while the body is read."""

    def read(self, *_: Any) -> bytes:
        raise ConnectionResetError(MARK)


BROKEN: dict[str, Any] = {"wsgi.input": Broken()}
WAYS: dict[str, dict[str, Any]] = {
    "basic that is no base64": {"HTTP_AUTHORIZATION": f"Basic {MARK}!"},
    "basic without padding": {"HTTP_AUTHORIZATION": "Basic YTpi" + "Y"},
    "basic of nothing": {"HTTP_AUTHORIZATION": "Basic"},
    "basic without a colon": basic(MARK),
    "basic with an empty id": basic(f":{MARK}"),
    "basic with an empty secret": basic(f"{MARK}:"),
    "basic in invalid UTF-8": basic(b"\xff\xfe:" + MARK.encode()),
    "basic that decodes to invalid UTF-8": basic(f"%ff:{MARK}"),
    "basic with NUL": basic(f"a\x00b:{MARK}"),
    "basic that decodes to NUL": basic(f"a%00b:{MARK}"),
    "basic with an over-long id": basic("i" * 5000 + ":" + MARK),
    "basic with an over-long secret": basic("i:" + MARK * 5000),
    "basic doubled": {"HTTP_AUTHORIZATION": "Basic YTpi,Basic YTpi"},
    "basic in Latin-1": {"HTTP_AUTHORIZATION": "Basic \xe9\xff"},
    "a bearer": {"HTTP_AUTHORIZATION": f"Bearer {MARK}"},
    "another scheme": {"HTTP_AUTHORIZATION": f'Digest username="{MARK}"'},
}
AUTHENTICATION: dict[str, Case] = {
    name: Case(status=401, error="invalid_client", **environ) for name, environ in WAYS.items()
}
SHAPE: dict[str, Case] = {
    "a repeated parameter": Case(extra=[("scope", MARK), ("scope", MARK)]),
    "a repeated empty parameter": Case(extra=[("scope", ""), ("scope", "read")]),
    "a repeated unknown parameter": Case(extra=[(MARK, "a"), (MARK, "b")]),
    "an over-long parameter": Case(extra=[("state", MARK * 5000)]),
    "NUL": Case(body=raw(b"scope=" + MARK.encode() + b"%00")),
    "a raw NUL": Case(body=raw(b"scope=" + MARK.encode() + b"\x00")),
    "a control character": Case(body=raw(b"scope=" + MARK.encode() + b"%1b[31m")),
    "a line end": Case(body=raw(b"scope=" + MARK.encode() + b"%0d%0aSet-Cookie:x")),
    "invalid UTF-8": Case(body=raw(b"scope=" + MARK.encode() + b"%ff%fe")),
    "invalid UTF-8 that is not encoded": Case(body=raw(b"scope=" + MARK.encode() + b"\xff\xfe")),
    "an encoded surrogate": Case(body=raw(b"scope=" + MARK.encode() + b"%ed%a0%80")),
    "too many parameters": Case(extra=[(f"p{number}", MARK) for number in range(60)]),
    "JSON": Case(body=as_json, CONTENT_TYPE="application/json"),
    "JSON under a form's name": Case(body=as_json, status=401, error="invalid_client"),
    "multipart": Case(body=multipart, CONTENT_TYPE="multipart/form-data; boundary=x"),
    "text": Case(CONTENT_TYPE="text/plain"),
    "no media type": Case(CONTENT_TYPE=""),
    "a body of a megabyte": Case(body=raw(b"x=" + b"a" * 1_000_000)),
    "a body that is only large": Case(body=b"\x00" * 1_000_000),
    "a negative length": Case(CONTENT_LENGTH="-1"),
    "a huge length": Case(CONTENT_LENGTH="9" * 5000),
    "a length that is too large": Case(CONTENT_LENGTH=str(10**9 - 1)),
    "a length that is no number": Case(CONTENT_LENGTH="ten"),
    "a length in other digits": Case(CONTENT_LENGTH="\u0661\u0662"),
    "a length past the end": Case(CONTENT_LENGTH="60000"),
    "a broken connection": Case(CONTENT_LENGTH="100", **BROKEN),
    "a secret in the URL": Case(query=f"client_secret={MARK}"),
    "a refresh token in the URL": Case(query=f"refresh_token={MARK}"),
    "an access token in the URL": Case(query=f"access_token={MARK}"),
    "a token in the URL": Case(query=f"a=b&token={MARK}&c=%ff"),
    "an empty token in the URL": Case(query="token="),
    "two ways of authentication": Case(extra=[("client_secret", MARK)], **basic(f"someone:{MARK}")),
    "another client id than in the header": Case(extra=[("client_id", MARK)], **basic("someone:secret")),
}
WITHOUT: dict[str, Case] = {
    "no grant type": Case(without="grant_type"),
    "no token": Case(without="token"),
    "no refresh token": Case(without="refresh_token"),
}
DOORS = {
    "issue": TOKEN,
    "refresh": TOKEN,
    "revoke": REVOKE,
    "introspect": INTROSPECT,
}


def good_form(action: str, refresh: str, client: Client, *, in_form: bool) -> list[tuple[str, str]]:
    form = {
        "issue": [("grant_type", "client_credentials")],
        "refresh": [("grant_type", "refresh_token"), ("refresh_token", refresh)],
        "revoke": [("token", refresh)],
        "introspect": [("token", refresh)],
    }[action]
    return [*form, ("client_id", client.client_id), ("client_secret", client.secret)] if in_form else form


def send(action: str, case: Case, client: Client, refresh: str) -> Answered:
    own_header = "HTTP_AUTHORIZATION" in case.environ
    # A case about the body goes with the client's header, so that the body is all that is wrong.
    form = good_form(action, refresh, client, in_form=False)
    form = [pair for pair in form if pair[0] != case.without] + case.extra
    body: Any = case.body(form) if callable(case.body) else case.body
    return call(
        DOORS[action],
        form if body is None else body,
        client=None if own_header or case.status == 401 else client,
        query=case.query,
        **case.environ,
    )


def state() -> tuple[Any, ...]:
    """All that a request could use up or make."""
    return (
        list(TokenFamily.objects.order_by("pk").values()),
        list(RefreshKey.objects.order_by("pk").values()),
        list(IssuedToken.objects.order_by("pk").values()),
    )


CASES = {**AUTHENTICATION, **SHAPE}


@pytest.mark.parametrize("action", DOORS)
@pytest.mark.parametrize("name", CASES)
def test_i9_bad_input_is_refused_once_logged_once_and_changes_nothing(world, action, name):
    case = CASES[name]
    client, _, refresh = tokens_of(world)
    before, logged = state(), rows()

    answered = send(action, case, client, refresh)

    error, code = case.error, "client_auth_failed" if case.status == 401 else None
    if (action, name) == ("introspect", "a bearer"):  # there it would be a gateway's connection token
        error, code = "invalid_token", "gateway_refused"
    check_error(answered, case.status, error, code)
    assert state() == before
    assert rows() == logged + 1
    row = last_row()
    # Of a body that could not be read nobody knows which grant was asked for.
    assert row.action in ({"issue", "refresh"} if action == "refresh" else {action})
    assert (row.outcome, row.status, row.reason) == ("refused", case.status, code or error)
    for echoed in (MARK, refresh, client.secret):
        assert echoed not in answered.body.decode()
        assert echoed not in str(answered.headers)
    for secret in (refresh, client.secret):
        assert secret not in str(row.__dict__)
    # A client id is no secret, and the log keeps the one that was presented; nothing else of the request.
    row.client_id = ""
    assert MARK not in str(row.__dict__)
    assert ask_refresh(client, refresh).status == 200


@pytest.mark.parametrize(
    ("action", "name"),
    [
        ("issue", "no grant type"),
        ("refresh", "no grant type"),
        ("refresh", "no refresh token"),
        ("revoke", "no token"),
        ("introspect", "no token"),
    ],
)
def test_i9_a_missing_parameter_is_refused_and_logged_once(world, action, name):
    client, _, refresh = tokens_of(world)
    before, logged = state(), rows()

    check_error(send(action, WITHOUT[name], client, refresh), 400, "invalid_request", None)

    assert (state(), rows()) == (before, logged + 1)


@pytest.mark.parametrize("action", DOORS)
def test_r10_unknown_parameters_of_any_sort_are_ignored(world, action):
    client, _, refresh = tokens_of(world)
    odd = [("x" * 3000, "y"), ("\N{SNOWMAN}", "\N{SNOWMAN}"), ("", ""), ("state", "%"), ("__class__", "x")]
    form = good_form(action, refresh, client, in_form=True) + odd

    answered = call(DOORS[action], form, CONTENT_TYPE="Application/X-WWW-Form-URLencoded; charset=UTF-8")

    assert answered.status == 200, answered.body


@pytest.mark.parametrize("action", ["revoke", "introspect", "refresh"])
@pytest.mark.parametrize("kind", [secrets.ACCESS_TOKEN, secrets.REFRESH_TOKEN, secrets.CLIENT_SECRET])
def test_d20_a_wrong_checksum_is_refused_with_no_look_for_the_token(world, action, kind):
    client, _, refresh = tokens_of(world)
    good = secrets.make(kind)
    wrong = good[:-1] + ("0" if good[-1] != "0" else "1")

    with CaptureQueriesContext(connection) as asked:
        if action == "refresh":
            check_error(ask_refresh(client, wrong), 400, "invalid_grant", "token_not_found")
        else:
            answered = call(DOORS[action], {"token": wrong}, client=client)
            assert (answered.status, answered.body) == (200, b"" if action == "revoke" else b'{"active":false}')

    for digest in secrets.digests(wrong):
        assert not any(digest in query["sql"] for query in asked)
    assert ask_refresh(client, refresh).status == 200


TOKENS = [
    "",
    ".",
    "..",
    "...",
    "a.b.c",
    "eyJhbGciOiJub25lIn0.e30.",
    "eyJhbGciOiJub25lIn0.e30.x",
    "lk_at_",
    "lk_rt_" + "g" * 72,
    "lk_at_" + "\u0661" * 72,
    "x" * 9000,
    ".".join(["e" * 3000] * 3),
    "\N{SNOWMAN}" * 50,
    "' OR 1=1 --",
    "%s%s%s",
    "\ufeff",
    "\u202e",
]


@pytest.mark.parametrize("token", TOKENS)
def test_r20_and_r21_no_token_however_odd_breaks_a_door(world, token):
    client, _, _ = tokens_of(world)

    revoked, told = (call(path, {"token": token}, client=client) for path in (REVOKE, INTROSPECT))
    refreshed = ask_refresh(client, token)

    if token:
        assert (revoked.status, revoked.body) == (200, b"")
        assert (told.status, told.body) == (200, b'{"active":false}')
        assert (refreshed.status, refreshed.json["error"]) == (400, "invalid_grant")
    else:
        for answered in (revoked, told, refreshed):
            check_error(answered, 400, "invalid_request", None)
    if token.isascii() and token:
        assert verify(token).status == 401


ODD_VALUES = ["\N{SNOWMAN}", "' OR 1=1 --", "%s", "a" * 300, "a" * 9000, "\u202eabc", "\ud7ff", "%00"]


@pytest.mark.parametrize("field", ["scope", "resource", "audience", "client_id"])
@pytest.mark.parametrize("value", ODD_VALUES)
def test_no_value_however_odd_breaks_an_issue_or_is_echoed(world, field, value):
    client = world.key_of(world.orders)
    form = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": client.secret}

    answered = call(TOKEN, {**form, field: value})

    assert answered.status in {400, 401}
    assert answered.json["error"] in {"invalid_scope", "invalid_target", "invalid_request", "invalid_client"}
    assert value not in answered.body.decode()
    assert (rows(), TokenFamily.objects.count()) == (1, 0)


ODD_HEADERS = ["\x00", "\x1b[2J\x1b[31mred", "a\r\nb: c", "\x7f\x80\x9f", "x" * 5000, "<script>", "\xff\xfe", "\u2028"]


@pytest.mark.parametrize("value", ODD_HEADERS)
def test_r38_control_characters_in_headers_reach_no_log_row(world, value):
    client = world.key_of(world.orders)
    form = {"grant_type": "client_credentials"}

    answered = call(TOKEN, form, client=client, HTTP_USER_AGENT=f"agent {value}", HTTP_X_REQUEST_ID=value)

    assert answered.status == 200
    row = last_row()
    assert row.user_agent.startswith("agent ")
    assert (len(row.user_agent) <= 300, len(row.request_id) <= 64) == (True, True)
    for text in (row.user_agent, row.request_id):
        assert text.isprintable(), repr(text)


@pytest.mark.parametrize("address", ["", "unix:", "\x00", "not an address", "fe80::1%eth0", "1" * 500])
def test_an_odd_address_of_the_caller_breaks_nothing(world, address):
    client = world.key_of(world.orders)

    assert call(TOKEN, {"grant_type": "client_credentials"}, client=client, REMOTE_ADDR=address).status == 200


def test_r32_a_body_without_a_length_counts_as_empty_unless_the_server_ends_it(world):
    client = world.key_of(world.orders)
    form = b"grant_type=client_credentials"

    check_error(call(TOKEN, form, client=client, CONTENT_LENGTH=""), 400, "invalid_request", None)
    chunked: dict[str, Any] = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    assert call(TOKEN, form, client=client, **chunked).status == 200
    too_much = form + b"&x=" + b"a" * reading.MAXIMUM_BODY
    check_error(call(TOKEN, too_much, client=client, **chunked), 400, "invalid_request", None)


def test_r32_no_more_than_the_stated_length_is_read(world):
    class Counting(io.BytesIO):
        asked: list[int] = []

        def read(self, size: int | None = -1, /) -> bytes:
            self.asked.append(-1 if size is None else size)
            return super().read(size)

    stream = Counting(b"grant_type=client_credentials&scope=read\r\nPOST / HTTP/1.1")
    environ: dict[str, Any] = {"CONTENT_LENGTH": "29", "wsgi.input": stream}
    answered = call(TOKEN, b"", client=world.key_of(world.orders), **environ)

    assert answered.json["scope"] == "read write"
    assert stream.asked == [29]


@pytest.mark.parametrize("path", [TOKEN, REVOKE, INTROSPECT])
def test_i13_a_fault_of_our_own_is_503_without_a_word_about_it(world, monkeypatch, path, caplog):
    from tokens import lifecycle

    client, _, refresh = tokens_of(world)
    for verb in ("issue", "revoke", "introspected"):
        monkeypatch.setattr(lifecycle, verb, lambda *_, **__: 1 / 0)
    form = {"grant_type": "client_credentials", "token": refresh}

    answered = call(path, form, client=client)

    check_error(answered, 503, "server_error", None)
    assert b"division" not in answered.body
    for secret in (refresh, client.secret):
        assert secret not in caplog.text


def test_r39_even_a_door_that_fails_before_it_can_judge_answers_503(world, monkeypatch):
    def failing(*_: Any) -> None:
        raise RuntimeError(MARK)

    for module, name in ((oauth, "request_facts"), (oauth, "_Heard")):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, failing)
            answered = call(TOKEN, {"grant_type": "client_credentials"}, client=world.key_of(world.orders))
        check_error(answered, 503, "server_error", None)
        assert MARK.encode() not in answered.body
