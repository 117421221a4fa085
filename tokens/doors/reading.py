"""Reading a request with suspicion: forms, client authentication, addresses. Shape only; nothing is looked up."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote_to_bytes

from credentials import addresses, compact_jwt
from credentials.errors import ClientAuthenticationFailed
from credentials.rules import Method
from proxies.settled import settings
from tokens.errors import InvalidRequest
from tokens.lifecycle import Client, Proof

MAXIMUM_BODY = 64 * 1024
MAXIMUM_VALUE = 16 * 1024
MAXIMUM_FIELDS = 50
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SECRETS_IN_URL = frozenset(("client_secret", "refresh_token", "access_token", "token", "client_assertion", "password"))
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
Environ = Mapping[str, Any]


@dataclass(slots=True)  # with every request: frozen ones take longer to make
class Form:
    """The parameters of a form, each at most once; an empty one counts as missing (RFC 6749 section 3.2)."""

    values: Mapping[str, str]

    def get(self, name: str) -> str | None:
        """The value, or None."""
        return self.values.get(name) or None

    def require(self, name: str) -> str:
        """The value. Raises InvalidRequest where it is missing."""
        value = self.get(name)
        if value is None:
            raise InvalidRequest(f"The parameter {name} is missing.")
        return value


def form(environ: Environ) -> Form:
    """The form in the body. Raises InvalidRequest for anything else, for doubled and for over-long parameters."""
    _refuse_unread(environ)
    return Form(_parse(_body(environ)))


def _refuse_unread(environ: Environ) -> None:
    """Raises InvalidRequest for what is no form whatever its body says."""
    query = environ.get("QUERY_STRING", "")
    if query and _SECRETS_IN_URL & {name for name, _ in parse_qsl(query, keep_blank_values=True)}:
        raise InvalidRequest("Tokens and secrets are never accepted in the URL.")
    media_type = str(environ.get("CONTENT_TYPE", "")).split(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise InvalidRequest("Send the parameters as application/x-www-form-urlencoded.")


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """A body that was refused. Its rest is nobody's form: whoever reads it hears the same refusal."""

    trouble: InvalidRequest

    def read(self, _size: int = -1) -> bytes:
        raise self.trouble


def body_ahead(environ: dict[str, Any]) -> bytes | None:
    """The body of a form, which can be read once more after.

    None for what is no form and for a body that is refused; `form` then raises the same, and reads no further.
    """
    try:
        _refuse_unread(environ)
        body = _body(environ)
    except InvalidRequest as trouble:
        environ["wsgi.input"] = _Unreadable(trouble)
        return None
    environ["wsgi.input"] = BytesIO(body)
    return body


def _body(environ: Environ) -> bytes:
    told = str(environ.get("CONTENT_LENGTH") or "")
    # The digits are counted first: a number of thousands of them is costly to read, and refused by Python.
    if told and (not told.isascii() or not told.isdigit() or len(told) > 9 or int(told) > MAXIMUM_BODY):
        raise InvalidRequest("The body is too large, or its length is no number.")
    if not told and not environ.get("wsgi.input_terminated"):
        return b""
    try:
        read: bytes = environ["wsgi.input"].read(int(told) if told else MAXIMUM_BODY + 1)
    except InvalidRequest:
        raise
    except Exception as broken:  # a broken connection, or whatever the server raises for chunks out of form
        raise InvalidRequest("The body cannot be read.") from broken
    if len(read) > MAXIMUM_BODY or (told and len(read) != int(told)):
        raise InvalidRequest("The body is incomplete or too large.")
    return read


def _parse(body: bytes) -> dict[str, str]:
    try:
        text = body.decode("ascii")
        pairs = _plain_pairs(text) or parse_qsl(
            text, keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MAXIMUM_FIELDS
        )
    except ValueError as unreadable:
        raise InvalidRequest("The body is not a form in UTF-8.") from unreadable
    values = dict(pairs)
    if len(values) != len(pairs):
        raise InvalidRequest("A parameter is given more than once.")
    for value in values.values():
        if len(value) > MAXIMUM_VALUE or _CONTROL.search(value):
            raise InvalidRequest("A parameter is too long or has control characters.")
    return values


def _plain_pairs(text: str) -> list[tuple[str, str]]:
    """What the library finds in a form in which nothing is encoded, as tokens and ids need not be; else nothing."""
    if "%" in text or "+" in text:
        return []
    parts = text.split("&")
    if len(parts) > MAXIMUM_FIELDS:
        return []
    return [(name, value) for name, _, value in (part.partition("=") for part in parts if part)]


class Presented(NamedTuple):
    """The client's proof and whether it came by header (then a refusal carries a challenge)."""

    client: Client
    by_header: bool


def tried_header(environ: Environ) -> bool:
    """True where the client tried the Authorization header: then a refused one gets a challenge (RFC 6749, 5.2)."""
    return bool(str(environ.get("HTTP_AUTHORIZATION", "")).strip())


def client(environ: Environ, parameters: Form) -> Presented:
    """How the client proves itself, in one way only (RFC 6749 section 2.3, R12): header, form, assertion, certificate.

    A certificate counts where nothing else is shown: an edge may forward one with every request. Raises InvalidRequest
    for two ways, ClientAuthenticationFailed for a missing or broken one.
    """
    scheme, _, value = str(environ.get("HTTP_AUTHORIZATION", "")).strip().partition(" ")
    secret = parameters.get("client_secret")
    assertion, assertion_type = parameters.get("client_assertion"), parameters.get("client_assertion_type")
    if sum((bool(scheme), secret is not None, assertion is not None or assertion_type is not None)) > 1:
        raise InvalidRequest("Two ways of client authentication are given; use one.")
    if scheme:
        return Presented(_by_header(scheme, value, parameters), True)
    if assertion is not None or assertion_type is not None:
        return Presented(_by_assertion(assertion, assertion_type, parameters), False)
    client_id, certificate = parameters.get("client_id"), forwarded_certificate(environ)
    if client_id is None or (secret is None and not certificate):
        raise ClientAuthenticationFailed
    if secret is not None:
        return Presented(Client(_sane(client_id), _sane(secret), Method.SECRET_POST), False)
    return Presented(_by_certificate(environ, _sane(client_id), certificate), False)


def _by_header(scheme: str, value: str, parameters: Form) -> Client:
    if scheme.lower() != "basic":
        raise ClientAuthenticationFailed
    found = _basic(value.strip())
    _check_same_client(found.client_id, parameters)
    return found


def _by_assertion(assertion: str | None, assertion_type: str | None, parameters: Form) -> Client:
    """The client that the assertion names: the one claim that is read before the signature, to find the key (RFC 7523).

    Whoever it names must have signed it, and it is compared again then.
    """
    if assertion is None or assertion_type is None:
        raise InvalidRequest("client_assertion and client_assertion_type belong together.")
    if assertion_type != ASSERTION_TYPE:
        raise ClientAuthenticationFailed
    try:
        subject = compact_jwt.claims(assertion).get("sub")
    except compact_jwt.Unreadable as unreadable:
        raise ClientAuthenticationFailed from unreadable
    if not isinstance(subject, str):
        raise ClientAuthenticationFailed
    client_id = _sane(subject)
    _check_same_client(client_id, parameters)
    return Client(client_id, method=Method.PRIVATE_KEY_JWT, assertion=assertion)


def _by_certificate(environ: Environ, client_id: str, certificate: str) -> Client:
    return Client(
        client_id,
        method=Method.TLS,
        certificate=certificate,
        from_trusted_address=is_trusted_gateway(environ),
        edge=gateway(environ, str(environ.get("HTTP_X_GATEWAY_TOKEN", ""))),
    )


def _check_same_client(client_id: str, parameters: Form) -> None:
    named = parameters.get("client_id")
    if named is not None and named != client_id:
        raise InvalidRequest("client_id differs from the one that authenticates.")


def forwarded_certificate(environ: Environ) -> str:
    """The certificate that an edge says it has seen, or nothing. Who says it decides whether it counts (B27)."""
    name: str = settings.CLIENT_CERTIFICATE_HEADER
    return str(environ.get("HTTP_" + name.upper().replace("-", "_"), "")) if name else ""


def is_trusted_gateway(environ: Environ) -> bool:
    """True where the peer itself, not somebody it speaks for, is one of TRUSTED_GATEWAYS."""
    return addresses.is_listed(str(environ.get("REMOTE_ADDR", "")), settings.TRUSTED_GATEWAYS)


def _basic(encoded: str) -> Client:
    """Both halves are form-encoded before Base64 (RFC 6749 section 2.3.1); raw ones survive decoding as they are."""
    try:
        pair = base64.b64decode(encoded, validate=True)
        client_id, separator, secret = pair.partition(b":")
        if not separator:
            raise ClientAuthenticationFailed
        if b"%" in pair:
            client_id, secret = unquote_to_bytes(client_id), unquote_to_bytes(secret)
        return Client(_sane(client_id.decode("utf-8")), _sane(secret.decode("utf-8")))
    except (binascii.Error, ValueError) as broken:
        raise ClientAuthenticationFailed from broken


def _sane(value: str) -> str:
    if not value or len(value) > 500 or _CONTROL.search(value):
        raise ClientAuthenticationFailed
    return value


def gateway(environ: Environ, token: str) -> Proof | None:
    """What a gateway shows of itself, or None where it shows no connection token."""
    if not token:
        return None
    return Proof(
        token=token,
        instance=str(environ.get("HTTP_X_GATEWAY_INSTANCE", "")),
        deployment_type=str(environ.get("HTTP_X_GATEWAY_TYPE", "")),
        address=addresses.caller(environ),
    )


def bearer(environ: Environ) -> str:
    """The token of a Bearer header, or nothing."""
    scheme, _, value = str(environ.get("HTTP_AUTHORIZATION", "")).strip().partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""
