"""Whose address counts, behind proxies and on servers that listen for both families (I18)."""

from typing import Any

import pytest

from credentials import addresses


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("192.0.2.7", "", "192.0.2.7"),
        ("::ffff:192.0.2.7", "", "192.0.2.7"),
        ("2001:db8::1", "", "2001:db8::1"),
        ("fe80::1%eth0", "", "fe80::1"),
        ("somewhere", "", ""),
        # The last hop that no trusted proxy has; what stands before it is the client's word.
        ("10.0.0.1", "203.0.113.9, 192.0.2.7", "192.0.2.7"),
        ("::ffff:10.0.0.1", "203.0.113.9, ::ffff:192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "192.0.2.7, 10.0.0.2", "192.0.2.7"),
        ("10.0.0.1", "192.0.2.7, unknown", "10.0.0.1"),
        ("192.0.2.7", "203.0.113.9", "192.0.2.7"),
    ],
)
def test_i18_the_caller_is_the_peer_or_the_last_hop_of_trusted_proxies(
    settings: Any, peer: str, forwarded: str, found: str
) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert addresses.caller({"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}) == found


@pytest.mark.parametrize(
    ("address", "is_listed"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("::ffff:a01:203", True),
        ("11.1.2.3", False),
        ("::ffff:11.1.2.3", False),
        ("::10.1.2.3", False),
        ("2001:db8::1", True),
        ("", False),
    ],
)
def test_b27_a_list_of_networks_holds_an_address_in_either_spelling(address: str, is_listed: bool) -> None:
    assert addresses.is_listed(address, ["10.0.0.0/8", "2001:db8::/32"]) is is_listed
