"""One processor takes secrets out of every line, whoever logs it and however it is wrapped (R38, B41, B42, B47)."""

import base64
import io
import json
import logging
import logging.config
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from config import logs, requestids
from config.celery import app
from credentials import redaction, secrets

PEM = (
    ec.generate_private_key(ec.SECP256R1())
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    .decode()
)
BODY = PEM.splitlines()[1]
# Of no tree of loggers: nobody else is told.
LOG = logging.Logger("attack")  # noqa: LOG001
PAIR = base64.b64encode(b"client-1:lk_cs_wrong").decode()


def jwt() -> str:
    part = base64.urlsafe_b64encode
    return ".".join(part(piece).rstrip(b"=").decode() for piece in (b'{"alg":"ES256"}', b'{"sub":"x"}', b"\xfb" * 64))


JWT = jwt()

# What must not be found, and the text it comes in. The first group is known by its form, wherever it stands.
BY_FORM = {
    **{f"prefix {prefix}": ((raw := secrets.make(prefix))[6:-8], raw) for prefix in secrets.PREFIXES},
    **{f"broken {prefix}": (f"{prefix}Not-Well.Formed~9", f"{prefix}Not-Well.Formed~9") for prefix in secrets.PREFIXES},
    "secret of a webhook": ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    "jwt": (JWT.rpartition(".")[2], JWT),
    "jwt cut off": (JWT.split(".")[1][:8], JWT.rpartition(".")[0][:-1]),
    "basic": (PAIR, f"Basic {PAIR}"),
    "basic in small letters": (PAIR, f"basic  {PAIR}"),
    "bearer": ("mF_9.B5f-4.1JqM", "Bearer mF_9.B5f-4.1JqM"),
    "pem": (BODY, PEM),
    "pem cut off": (BODY, PEM[:120]),
    "password in a url": ("s3cr3t", "postgres://latchkey:s3cr3t@db.internal:5432/latchkey"),
    "password with marks in a url": ("p@ss/w0rd", "redis://:p@ss/w0rd@cache:6379/0"),
}
BY_NAME = {
    f"{name}{between}": ("hunter2-hunter2", f"{name}{between}hunter2-hunter2")
    for name in (
        "password",
        "PASSWORD",
        "db_password",
        "client_secret",
        "refresh_token",
        "access_token",
        "id_token",
        "client_assertion",
        "SECRET_KEY",
        "TOKEN_HASH_KEYS",
        "KEY_ENCRYPTION_KEYS",
        "latchkey_session",
        "csrfmiddlewaretoken",
        "api-key",
    )
    for between in ("=", ": ", "='", '": "', "%3D")
}
HEADERS = {
    "cookie": ("abc123", "Cookie: a=1; latchkey_session=abc123; b=2"),
    "another scheme": ("xyz789", 'Authorization: Digest username="u", response="xyz789"'),
    "raw authorization": ("xyz789", "Authorization: xyz789"),
    "libpq": ("a b'c", "host=db user=u password='a b\\'c' dbname=x"),
    "python": ("two words", "{'client_secret': 'two words', 'scope': 'read'}"),
    "json with a quote": ('b"c', json.dumps({"client_secret": 'a b"c'})),
    "json in json": ("two words", json.dumps({"body": json.dumps({"password": "two words"})})),
}
ATTACKS = {**BY_FORM, **BY_NAME, **HEADERS}


@dataclass
class Thing:
    note: str
    password: str = "dataclass-secret"


class Stubborn:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def as_text(log: logging.Logger, text: str) -> None:
    log.error("it went wrong: " + text)  # noqa: G003


def as_argument(log: logging.Logger, text: str) -> None:
    log.error("it went wrong: %s, %r", text, {"inner": [text]})


def as_field(log: logging.Logger, text: str) -> None:
    log.error("wrong", extra={"note": text, "nested": {"a": [{"b": (text, {text})}]}, "raw": text.encode()})


def as_key(log: logging.Logger, text: str) -> None:
    log.error("wrong", extra={"nested": {text: 1}})


def as_object(log: logging.Logger, text: str) -> None:
    log.error("wrong", extra={"thing": Thing(text), "wrapped": ValueError(text)})


def as_exception(log: logging.Logger, text: str) -> None:
    try:
        raise ValueError(text)  # noqa: TRY301
    except ValueError:
        log.exception("wrong")


def as_cause(log: logging.Logger, text: str) -> None:
    try:
        try:
            raise KeyError(text)  # noqa: TRY301
        except KeyError as cause:
            raise RuntimeError("outer") from cause
    except RuntimeError:
        log.warning("wrong", exc_info=True)


def in_a_query(log: logging.Logger, text: str) -> None:
    log.error("Error handling request /oauth2/token?token=%s", quote(text))


WAYS: list[Callable[[logging.Logger, str], None]] = [
    as_text, as_argument, as_field, as_key, as_object, as_exception, as_cause, in_a_query
]  # fmt: skip


@pytest.fixture(params=["json", "text"])
def written(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """What the product's own formatter and handler make of it."""
    monkeypatch.setenv("LOG_FORMAT", request.param)
    stream = io.StringIO()
    handler = logs.Handler(stream)
    handler.setFormatter(logs.formatter())
    LOG.addHandler(handler)
    yield stream.getvalue
    LOG.removeHandler(handler)


@pytest.mark.parametrize("attack", ATTACKS)
def test_r38_no_secret_comes_through_however_it_is_wrapped(written, attack) -> None:
    hidden, text = ATTACKS[attack]
    for way in WAYS:
        if way is in_a_query and attack not in BY_FORM:
            continue
        way(LOG, text)
    said = written()
    assert said.count("wrong") >= 7
    for form in {hidden, hidden.replace('"', '\\"'), quote(hidden, safe="")}:
        assert form not in said
    assert "dataclass-secret" not in said


@pytest.mark.parametrize(
    "text",
    [
        "password authentication failed for user",
        "token_type: Bearer",
        "error=invalid_token: token_expired",
        "tokens.tasks.clean_expired_tokens done: tokens=3",
        "http://127.0.0.1:8000/auth/verify said 401",
        "jti=3f2a kid=k1 client_id=client-7",
        "session_age=3 cookies are secure",
        "mail to admin@example.com about https://example.com/a",
    ],
)
def test_what_is_no_secret_stays_readable(text) -> None:
    said = redaction.redact(text)
    assert said.replace("tokens=[redacted]", "tokens=3") == text


def test_fields_with_the_name_of_a_secret_are_gone_and_counts_are_not() -> None:
    told = {"Authorization": "x", "HTTP_COOKIE": b"y", "refresh-token": ["z"], "tokens": 3, "pin": 1234, "token_id": 5}
    assert redaction.redact_value(told) == {
        "Authorization": "[redacted]",
        "HTTP_COOKIE": "[redacted]",
        "refresh-token": "[redacted]",
        "tokens": 3,
        "pin": "[redacted]",
        "token_id": 5,
    }


def test_a_value_that_is_deep_endless_or_cannot_be_shown_breaks_no_line(written) -> None:
    endless: list[Any] = ["lk_at_0123"]
    endless.append(endless)
    LOG.error("odd", extra={"endless": endless, "stubborn": Stubborn()})
    said = written()
    assert "odd" in said
    assert "<Stubborn>" in said
    assert "lk_at_0123" not in said


def test_r38_a_line_that_cannot_be_made_does_not_print_its_arguments(written, capfd) -> None:
    LOG.error("%d of %s", "lk_at_" + "0" * 72, "x")
    assert "a line of attack could not be written" in written()
    everything = written() + "".join(capfd.readouterr())
    assert "lk_at_" not in everything


def test_b47_nothing_that_is_sent_begins_a_line_or_steers_the_terminal(written) -> None:
    LOG.error("agent: %s", "x\n2026 error config: forged\r\x1b[2J\u2028")
    (line,) = written().splitlines()
    assert "\x1b" not in line
    assert "forged" in line


@pytest.mark.parametrize(
    "name",
    ["django.request", "gunicorn.error", "celery.worker", "celery.app.trace", "kombu", "py.warnings", "tokens.x"],
)
def test_every_logger_writes_by_the_one_handler(name, capfd) -> None:
    before = {each: list(logging.getLogger(each).handlers) for each in ("", name)}
    try:
        # Handlers that a library has put there before us.
        logging.getLogger(name).addHandler(logging.StreamHandler())
        logging.config.dictConfig(logs.configuration() | {"incremental": False})
        logging.getLogger(name).error("Bearer abcdefgh")
        said = "".join(capfd.readouterr())
        assert said.count("\n") == 1
        assert "[redacted]" in said
        assert json.loads(said)["logger"] == name
    finally:
        for each, handlers in before.items():
            logging.getLogger(each).handlers = handlers


def test_celery_sets_no_handlers_of_its_own() -> None:
    assert isinstance(app.log, logs.CeleryLogging)
    assert app.log.setup_logging_subsystem(loglevel="INFO") is True


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("7c3f1a52-9d0c-4a5e-8a1b-0f6b2d1c9e77", True),
        ("01HZX.trace_1-2", True),
        ("", False),
        ("short", False),
        ("x" * 65, False),
        ("with space", False),
        ("line\r\nSet-Cookie: a=1", False),
        ("lk_at_" + "0" * 40, False),
        ("eyJhbGciOi.eyJzdWIi", False),
        ("<script>alert(1)</script>", False),
    ],
)
def test_a_request_id_that_came_is_kept_where_it_is_sane(given, kept) -> None:
    environ = {"HTTP_X_REQUEST_ID": given}
    found = requestids.begin(environ)
    assert (found == given) is kept
    assert environ["HTTP_X_REQUEST_ID"] == found == requestids.current()
    assert 6 <= len(found) <= 64


def test_the_request_s_id_stands_in_its_lines(written) -> None:
    found = requestids.begin({})
    LOG.error("here")
    assert found in written()
