"""One HTTP POST to an address that a person typed: never to where only the portal can reach (SSRF).

The name is resolved once, every address it has is judged, and the connection goes to one that was judged; so a name
that says something else the second time gains nothing. Redirects are not followed, no proxy of the environment is
asked, and of the answer nothing is read but its status. https alone, unless WEBHOOK_ALLOW_HTTP says otherwise.
"""

import http.client
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext_noop

from proxies.sentences import Sentence
from tokens.errors import WebhookFailed, WebhookRefused

CONNECT_SECONDS = 5.0
WHOLE_SECONDS = 10.0
LONGEST_URL = 500
_ATTEMPTED = 2
_PRINTABLE = re.compile(r"[!-~]+", re.ASCII)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Where clouds tell a machine its credentials, beside the link-local addresses; some look like anybody's.
_METADATA = tuple(
    ipaddress.ip_network(each) for each in ("168.63.129.16/32", "192.0.0.192/32", "100.100.100.200/32", "fd00:ec2::254")
)
_TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))


@dataclass(frozen=True, slots=True)
class Target:
    """An address that has the right form. Whether it may be reached is known when its name is resolved."""

    https: bool
    host: str
    port: int
    path: str

    @property
    def named(self) -> str:
        """Host and port: what may be shown. The path may hold a secret."""
        return f"{self.host}:{self.port}"


def target(url: str) -> Target:
    """The parts of an address. Raises WebhookRefused for what is none, names a person, or is not https."""
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except (ValueError, UnicodeError):
        raise WebhookRefused(gettext_noop("This is not an address.")) from None
    if len(url) > LONGEST_URL or _PRINTABLE.fullmatch(url) is None or not host or port == 0:
        raise WebhookRefused(gettext_noop("This is not an address such as https://hooks.example.com/latchkey."))
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise WebhookRefused(gettext_noop("An address has no user name, no password and no part after #."))
    if parts.scheme not in {"https", "http"}:
        raise WebhookRefused(gettext_noop("An address begins with https://."))
    https = parts.scheme == "https"
    if not https and not settings.WEBHOOK_ALLOW_HTTP:
        raise WebhookRefused(gettext_noop("An address begins with https://. WEBHOOK_ALLOW_HTTP allows others."))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(https, host, port or (443 if https else 80), path)


def may_be_reached(address: Address, host: str) -> bool:
    """Whether the portal may connect there: what is open to everybody, or inside and on WEBHOOK_ALLOWED_HOSTS.

    Link-local addresses, and those where clouds tell a machine its credentials, are on no list.
    """
    inner = _inner(address)
    if inner is not None:
        return may_be_reached(inner, host)
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if any(address in network for network in _METADATA):
        return False
    if address.is_global and not address.is_reserved:
        return True
    return any(_names(entry, address, host) for entry in settings.WEBHOOK_ALLOWED_HOSTS)


def _inner(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if any(address in network for network in _TRANSLATED):
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _names(entry: str, address: Address, host: str) -> bool:
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return entry.lower() == host.lower()


def resolve(wanted: Target) -> list[str]:
    """The addresses of a name, each of which may be reached. Raises WebhookRefused, WebhookFailed."""
    try:
        found = socket.getaddrinfo(wanted.host, wanted.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise WebhookFailed(gettext_noop("The host's name has no address.")) from None
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    for address in addresses:
        if not may_be_reached(ipaddress.ip_address(address.partition("%")[0]), wanted.host):
            raise WebhookRefused(gettext_noop("The host is inside the network. WEBHOOK_ALLOWED_HOSTS may name it."))
    return addresses


class _Checked(http.client.HTTPConnection):
    """Connects to the addresses that were judged, whatever the name says by now; TLS is judged by the name."""

    def __init__(self, wanted: Target, addresses: list[str], seconds: float) -> None:
        super().__init__(wanted.host, wanted.port, timeout=min(CONNECT_SECONDS, seconds))
        self._wanted, self._addresses = wanted, addresses

    def connect(self) -> None:
        self.sock = self._reach()
        if self._wanted.https:
            context = ssl.create_default_context()
            # Shaking hands is a step of its own, so that the clock below has a socket to cut meanwhile.
            wrapped = context.wrap_socket(self.sock, server_hostname=self._wanted.host, do_handshake_on_connect=False)
            self.sock = wrapped
            wrapped.do_handshake()

    def _reach(self) -> socket.socket:
        trouble: OSError = OSError()
        for address in self._addresses[:_ATTEMPTED]:
            try:
                return socket.create_connection((address, self._wanted.port), self.timeout)
            except OSError as failed:
                trouble = failed
        raise trouble


def post(url: str, body: bytes, headers: Mapping[str, str], *, seconds: float = WHOLE_SECONDS) -> int:
    """The status of the answer, a 2xx one. Raises WebhookRefused, WebhookFailed.

    All of it takes no longer than `seconds`, beside the look-up of the name, which has the system's own limit.
    """
    wanted = target(url)
    connection = _Checked(wanted, resolve(wanted), seconds)
    done, late = threading.Event(), threading.Event()
    clock = threading.Thread(target=_cut_when_late, args=(connection, seconds, done, late), daemon=True)
    clock.start()
    try:
        connection.request("POST", wanted.path, body, {"Connection": "close", **headers})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as trouble:
        raise WebhookFailed(_sentence(trouble, late=late.is_set())) from None
    finally:
        done.set()
        connection.close()
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise WebhookFailed(Sentence(gettext_noop("It answered {status}."), status=status))
    return status


def _cut_when_late(
    connection: http.client.HTTPConnection, seconds: float, done: threading.Event, late: threading.Event
) -> None:
    """An answer that comes byte by byte would keep every single wait short, and last for ever."""
    if done.wait(seconds):
        return
    late.set()
    while not done.wait(0.1):
        if (found := connection.sock) is not None:
            with suppress(OSError):
                socket.socket.shutdown(found, socket.SHUT_RDWR)


def _sentence(trouble: Exception, *, late: bool) -> str:
    """What happened, in the words of this program: the other side's may hold anything."""
    if late or isinstance(trouble, TimeoutError):
        return gettext_noop("It did not answer in time.")
    if isinstance(trouble, ssl.SSLCertVerificationError):
        return gettext_noop("Its certificate is not one that this machine trusts for this name.")
    if isinstance(trouble, ssl.SSLError):
        return gettext_noop("TLS failed.")
    if isinstance(trouble, ConnectionRefusedError):
        return gettext_noop("The connection was refused.")
    return (
        gettext_noop("The connection broke.")
        if isinstance(trouble, OSError)
        else gettext_noop("It answered, but not as HTTP.")
    )
