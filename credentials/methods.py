"""Which ways of client authentication are on in this installation: one list for metadata, doors and screens (I20)."""

from collections.abc import Sequence
from functools import cache

from django.utils.translation import gettext_noop

from credentials import certificates as names
from credentials.errors import InvalidCredential
from credentials.rules import SECRET_METHODS, TLS_METHODS, Method
from proxies.sentences import Sentence
from proxies.settled import settings


def switched_on() -> tuple[Method, ...]:
    """The methods of CLIENT_AUTH_METHODS; those by certificate only where an edge can forward one."""
    return _switched_on(" ".join(settings.CLIENT_AUTH_METHODS), bool(settings.CLIENT_CERTIFICATE_HEADER))


@cache
def _switched_on(names: str, certificates: bool) -> tuple[Method, ...]:
    listed = {Method(name) for name in names.split()}
    if not certificates:
        listed -= TLS_METHODS
    return tuple(method for method in Method if method in listed)


def advertised(*, at_token_endpoint: bool) -> tuple[Method, ...]:
    """What the metadata says: at revocation and introspection a secret is taken however it is sent (gateways.md 4)."""
    return _advertised(switched_on(), at_token_endpoint)


@cache
def _advertised(on: tuple[Method, ...], at_token_endpoint: bool) -> tuple[Method, ...]:
    more = SECRET_METHODS if not at_token_endpoint and not SECRET_METHODS.isdisjoint(on) else frozenset()
    return tuple(method for method in Method if method in on or method in more)


def bind_tokens() -> bool:
    """True where clients can prove themselves by certificates, to which their tokens are bound then (RFC 8705)."""
    return not TLS_METHODS.isdisjoint(switched_on())


def check(wanted: Sequence[str], certificate_name: str) -> None:
    """Raises InvalidCredential for methods and a name that no client could prove itself by."""
    if not wanted or set(wanted) - set(Method):
        raise InvalidCredential(Sentence(gettext_noop("Name one or more of: {values}."), values=", ".join(Method)))
    if certificate_name and (len(certificate_name) > 255 or not names.name_is_usable(certificate_name)):
        raise InvalidCredential(
            gettext_noop("The name of a certificate is dn:, dns:, uri:, email: or ip: and the exact value.")
        )
    if Method.TLS in wanted and not certificate_name:
        raise InvalidCredential(
            gettext_noop("For tls_client_auth say what the certificates must name, such as dns:shop.example.")
        )
