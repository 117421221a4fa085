"""Where a request came from, behind trusted proxies too. One reading for every door."""

import ipaddress
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from proxies.settled import settings

_LONGEST = len("0000:0000:0000:0000:0000:ffff:255.255.255.255")
_MOST_REMEMBERED = 64


@lru_cache(maxsize=32)
def _networks(listed: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(entry, strict=False) for entry in listed)


def is_listed(address: str, networks: Sequence[str]) -> bool:
    """True where one of the networks holds the address."""
    if not networks:
        return False
    try:
        caller_address = ipaddress.ip_address(_readable(address))
    except ValueError:
        return False
    return any(caller_address in network for network in _networks(tuple(networks)))


def _readable(value: str) -> str:
    """An address as columns and lists of networks take it, without a link-local one's zone; '' for anything else.

    A server that listens for both families names an IPv4 caller `::ffff:192.0.2.7`; lists name it 192.0.2.7.
    """
    return _short(value) if len(value) <= _MOST_REMEMBERED else _as_listed(value)


@lru_cache(maxsize=4096)
def _short(value: str) -> str:
    """Remembered: the same callers come again and again."""
    return _as_listed(value)


def _as_listed(value: str) -> str:
    plain = value.strip().split("%")[0]
    if len(plain) > _LONGEST:
        return ""
    try:
        parsed = ipaddress.ip_address(plain)
    except ValueError:
        return ""
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return plain if mapped is None else str(mapped)


def shortened(address: str, *, prefix_v4: int, prefix_v6: int) -> str:
    """The address with everything behind its network's prefix set to zero: what a log may keep of a person's."""
    if (prefix_v4, prefix_v6) == (32, 128) or not address:
        return address
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    whole = mapped or parsed
    prefix = prefix_v4 if whole.version == 4 else prefix_v6
    return str(ipaddress.ip_network((whole, prefix), strict=False).network_address)


def caller(environ: Mapping[str, Any]) -> str:
    """The caller's address: the peer, or behind trusted proxies the last address that none of them has (I18)."""
    peer = _readable(str(environ.get("REMOTE_ADDR", "")))
    told, trusted = environ.get("HTTP_X_FORWARDED_FOR"), settings.TRUSTED_PROXIES
    if not told or not trusted:
        return peer
    hops = str(told).split(",")
    while hops and is_listed(peer, trusted):
        hop = _readable(hops.pop())
        if not hop:
            return peer
        peer = hop
    return peer
