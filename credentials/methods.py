"""Which ways of client authentication are on in this installation: one list for metadata, doors and screens (I20)."""

from django.conf import settings

from credentials.rules import SECRET_METHODS, TLS_METHODS, Method


def switched_on() -> tuple[Method, ...]:
    """The methods of CLIENT_AUTH_METHODS; those by certificate only where an edge can forward one."""
    listed = {Method(name) for name in settings.CLIENT_AUTH_METHODS}
    if not settings.CLIENT_CERTIFICATE_HEADER:
        listed -= TLS_METHODS
    return tuple(method for method in Method if method in listed)


def advertised(*, at_token_endpoint: bool) -> tuple[Method, ...]:
    """What the metadata says: at revocation and introspection a secret is taken however it is sent (gateways.md 4)."""
    methods = set(switched_on())
    if not at_token_endpoint and methods & SECRET_METHODS:
        methods |= SECRET_METHODS
    return tuple(method for method in Method if method in methods)


def bind_tokens() -> bool:
    """True where clients can prove themselves by certificates, to which their tokens are bound then (RFC 8705)."""
    return not TLS_METHODS.isdisjoint(switched_on())
