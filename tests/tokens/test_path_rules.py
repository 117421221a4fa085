"""Permission per method and path is scopes, not policies (S0.2); a path that can be read two ways is refused (B31)."""

from typing import Any

import pytest

from proxies import catalogue
from proxies.catalogue import Rule
from tests import world as worlds
from tests.world import Answered, World
from tokens.path_rules import PathRule, applies, plain_path, unsatisfied


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("/", "/"),
        ("/invoices/7?x=/../", "/invoices/7"),
        ("/invoices/7/#part", "/invoices/7"),
        ("/invoices/caf%C3%A9", "/invoices/café"),
        ("https://api.example/invoices", "/invoices"),
        ("https://api.example", "/"),
        ("/a/../admin", None),
        ("/a/./b", None),
        ("/a/%2e%2e/admin", None),
        ("/a//b", None),
        ("/a%2Fb", None),
        ("/a%5cb", None),
        ("/a\\b", None),
        ("/a%252fb", None),
        ("/a;b=c", None),
        ("/a%00", None),
        ("/a%ff", None),
        ("a/b", None),
        ("", None),
    ],
)
def test_b31_a_forwarded_uri_has_one_meaning_or_none(uri: str, path: str | None) -> None:
    assert plain_path(uri) == path


@pytest.mark.parametrize(
    ("method", "pattern", "asked", "path", "does"),
    [
        ("", "/invoices", "GET", "/invoices", True),
        ("POST", "/invoices", "GET", "/invoices", False),
        ("", "/invoices/*", "GET", "/invoices/7", True),
        ("", "/invoices/*", "GET", "/invoices/7/lines", False),
        ("", "/invoices/*", "GET", "/invoices", False),
        ("", "/invoices/**", "GET", "/invoices/7/lines", True),
        ("", "/invoices/**", "GET", "/invoices", True),
        ("", "/**", "GET", "/", True),
        ("", "/", "GET", "/", True),
        ("", "/**/lines", "GET", "/invoices/7/lines", True),
        ("", "/in.oices", "GET", "/invoices", False),
        ("GET", "/invoices", "HEAD", "/invoices", True),
        ("HEAD", "/invoices", "GET", "/invoices", False),
    ],
)
def test_s0_2_a_rule_speaks_of_its_method_and_path(
    method: str, pattern: str, asked: str, path: str, does: bool
) -> None:
    rule = PathRule(method, pattern, "write", "all")
    assert applies(rule, asked, path) is does


def test_s0_2_every_rule_that_applies_must_be_satisfied() -> None:
    rules = [PathRule("", "/**", "read write", "any"), PathRule("DELETE", "/invoices/*", "write", "all")]
    read, both = frozenset(("read",)), frozenset(("read", "write"))
    assert unsatisfied(rules, read, method="GET", uri="/invoices/7") == []
    assert unsatisfied(rules, read, method="DELETE", uri="/invoices/7") == [rules[1]]
    assert unsatisfied(rules, both, method="DELETE", uri="/invoices/7") == []
    assert unsatisfied(rules, frozenset(("other",)), method="DELETE", uri="/invoices/7") == rules
    assert unsatisfied(rules, both, method="", uri="/invoices/7") is None
    assert unsatisfied(rules, both, method="GET", uri="/a/../b") is None


def verify(access: str, **headers: Any) -> Answered:
    return worlds.call(
        "/auth/verify", method="GET", HTTP_AUTHORIZATION=f"Bearer {access}", HTTP_X_PROXY="orders", **headers
    )


def test_s0_2_permission_per_method_is_decided_on_what_a_trusted_gateway_tells(world: World, settings: Any) -> None:
    catalogue.set_path_rules(world.orders, [Rule("DELETE", "/invoices/*", "write")], by="test")
    form = {"grant_type": "client_credentials", "scope": "read"}
    reader = worlds.call("/oauth2/token", form, client=world.key_of(world.orders)).json["access_token"]
    writer = worlds.call("/oauth2/token", {**form, "scope": "write"}, client=world.key_of(world.orders)).json[
        "access_token"
    ]
    told = {"HTTP_X_FORWARDED_METHOD": "DELETE", "HTTP_X_FORWARDED_URI": "/invoices/7"}
    assert verify(writer, **told).status == 403, "an untrusted caller tells nothing that is believed"
    settings.TRUSTED_GATEWAYS = ["192.0.2.7"]
    assert verify(writer, **told).status == 200
    refused = verify(reader, **told)
    assert (refused.status, refused.json["error"]) == (403, "insufficient_scope")
    assert verify(reader, **{**told, "HTTP_X_FORWARDED_METHOD": "GET"}).status == 200
    assert verify(writer).status == 403, "path rules and nothing told: closed"
