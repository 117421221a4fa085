"""Where a request came from, behind trusted proxies too."""

import ipaddress
from collections.abc import Mapping
from typing import Any

from django.conf import settings


def caller(environ: Mapping[str, Any]) -> str:
    """The caller's address: the peer, or behind trusted proxies the last address that none of them has (I18)."""
    peer = str(environ.get("REMOTE_ADDR", ""))
    hops = str(environ.get("HTTP_X_FORWARDED_FOR", "")).split(",")
    while hops and _trusted(peer):
        hop = hops.pop().strip()
        try:
            ipaddress.ip_address(hop)
        except ValueError:
            return peer
        peer = hop
    return peer


def _trusted(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in ipaddress.ip_network(network, strict=False) for network in settings.TRUSTED_PROXIES)
