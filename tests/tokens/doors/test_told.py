"""What a gateway tells of the API client's request: believed, doubted, and a token in its URI (D22, B31, R31)."""

import logging
from typing import Any

import pytest

from credentials import rotation
from proxies import catalogue
from proxies.catalogue import Rule
from tests.tokens.doors.asking import ask_token, tokens_of, verify
from tests.world import Answered, World
from tests.world import call as ask
from tokens import sightings
from tokens.models import TokenRequestLog
from tokens.told import agreed, tokens_in

BARE = 'Bearer realm="latchkey"'
INVALID = f'{BARE}, error="invalid_token"'


@pytest.fixture
def trusted(settings: Any) -> None:
    """The caller of these tests is a trusted gateway."""
    settings.TRUSTED_GATEWAYS = ["192.0.2.7"]


@pytest.fixture
def accepting(world: World, trusted: None) -> World:
    """`orders` takes a token in the URL."""
    catalogue.change_proxy(world.orders, by="test", accept_token_in_url=True)
    return world


def by_url(uri: str, proxy: str = "orders", **more: Any) -> Answered:
    return verify(None, proxy, HTTP_X_ORIGINAL_URI=uri, HTTP_X_ORIGINAL_METHOD="GET", **more)


def refusal(answered: Answered) -> tuple[int, str]:
    return answered.status, answered.headers["WWW-Authenticate"]


# --- Which pair of headers counts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("original", "forwarded", "told"),
    [
        ((None, None), (None, None), ("", "")),
        (("get", "/a"), (None, None), ("GET", "/a")),
        ((None, None), ("GET", "/a"), ("GET", "/a")),
        (("GET", "/a"), ("get", "/a"), ("GET", "/a")),
        # Two that differ: one of them is the API client's, and nobody can say which.
        (("GET", "/a"), ("GET", "/b"), ("", "")),
        (("GET", "/a"), ("DELETE", "/a"), ("", "")),
        (("GET", "/a"), ("GET", None), ("", "")),
        (("GET", "/a"), (None, ""), ("", "")),
        ((None, "/a"), (None, None), ("", "/a")),
        (("G" * 33, "/a"), (None, None), ("", "/a")),
        (("GET", "/" + "a" * 8190), (None, None), ("GET", "")),
    ],
)
def test_b31_a_second_pair_of_headers_that_says_otherwise_takes_the_word_from_the_first(
    original: tuple[str | None, str | None], forwarded: tuple[str | None, str | None], told: tuple[str, str]
) -> None:
    assert agreed([original, forwarded]) == told


@pytest.mark.parametrize("own", ["ORIGINAL", "FORWARDED"])
def test_r31_the_client_cannot_talk_a_trusted_gateway_s_method_or_path_away(
    world: World, trusted: None, own: str
) -> None:
    catalogue.set_path_rules(world.orders, [Rule("DELETE", "/invoices/*", "write")], by="test")
    reader = ask_token(world.key_of(world.orders), scope="read").json["access_token"]
    other = "FORWARDED" if own == "ORIGINAL" else "ORIGINAL"
    told = {f"HTTP_X_{own}_METHOD": "DELETE", f"HTTP_X_{own}_URI": "/invoices/7"}
    assert verify(reader, **told).status == 403
    for forged in (
        {f"HTTP_X_{other}_URI": "/public"},
        {f"HTTP_X_{other}_METHOD": "GET"},
        {f"HTTP_X_{other}_METHOD": "GET", f"HTTP_X_{other}_URI": "/invoices/7"},
        {f"HTTP_X_{other}_URI": "", f"HTTP_X_{other}_METHOD": ""},
        {"HTTP_X_HTTP_METHOD_OVERRIDE": "GET"},
        {"REQUEST_METHOD": "GET"},
    ):
        assert verify(reader, **told, **forged).status == 403, forged


def test_r18_a_refusal_by_path_rules_names_the_scopes_that_are_needed_there(world: World, trusted: None) -> None:
    rules = [Rule("DELETE", "/invoices/*", "write"), Rule("DELETE", "/**", "read"), Rule("POST", "/**", "other")]
    catalogue.set_path_rules(world.orders, rules, by="test")
    reader = ask_token(world.key_of(world.orders), scope="read").json["access_token"]
    refused = verify(reader, HTTP_X_ORIGINAL_METHOD="DELETE", HTTP_X_ORIGINAL_URI="/invoices/7")
    assert refusal(refused) == (403, f'{BARE}, error="insufficient_scope", scope="write"')


@pytest.mark.parametrize(("required", "match", "held", "status"), [
    ("read write", "all", "read", 403),
    ("read write", "all", "read write", 200),
    ("read write", "any", "read", 200),
    ("read write", "any", "write", 200),
    ("admin", "any", "read write", 403),
    ("", "all", "read", 200),
])  # fmt: skip
def test_s0_2_the_proxy_s_own_required_scopes_all_or_any(
    world: World, required: str, match: str, held: str, status: int
) -> None:
    access = ask_token(world.key_of(world.orders), scope=held).json["access_token"]
    catalogue.change_proxy(world.orders, by="test", required_scopes=required, required_match=match)
    answered = verify(access)
    assert answered.status == status
    if status == 403:
        assert f'scope="{required}"' in answered.headers["WWW-Authenticate"]


# --- A token in the forwarded URI -------------------------------------------------------------------------------------


def test_d22_a_token_in_the_forwarded_uri_is_refused_while_the_proxy_s_switch_is_off(
    world: World, trusted: None
) -> None:
    _, access, _ = tokens_of(world)
    assert world.orders.accept_token_in_url is False, "off by default"
    assert refusal(by_url(f"/items?access_token={access}")) == (401, BARE)


def test_d22_with_the_switch_on_it_counts_at_that_proxy(accepting: World) -> None:
    _, access, _ = tokens_of(accepting)
    for uri in (f"/items?access_token={access}", f"/?a=1&access_token={access}&b=2#part", f"?access_token={access}"):
        answered = by_url(uri)
        assert answered.status == 200
        assert answered.headers["X-Token-Client"] == accepting.key_of(accepting.orders).client_id
    for pair in ("ORIGINAL", "FORWARDED"):
        assert verify(None, **{f"HTTP_X_{pair}_URI": f"/?access_token={access}"}).status == 200
    assert refusal(by_url(f"/?access_token={access}", "billing")) == (401, BARE), "the switch is the other proxy's"
    assert verify(access, HTTP_X_ORIGINAL_URI="/items", HTTP_X_ORIGINAL_METHOD="GET").status == 200


def test_d22_what_is_wrong_with_it_is_told_as_of_any_token(accepting: World) -> None:
    client, access, refresh = tokens_of(accepting)
    foreign = ask_token(accepting.key_of(accepting.billing)).json["access_token"]
    for raw in ("nonsense", refresh, foreign, client.secret, f"{access} ", "%00", "%C3%A9" * 500, ""):
        assert refusal(by_url(f"/?access_token={raw}")) == (401, INVALID), raw


def test_d22_two_tokens_are_one_too_many_where_both_would_count(accepting: World) -> None:
    _, access, _ = tokens_of(accepting)
    twice = f"/?access_token={access}&access_token={access}"
    assert refusal(by_url(twice)) == (401, INVALID)
    assert by_url(twice).json["error_code"] == "two_tokens"
    told = {"HTTP_X_ORIGINAL_URI": f"/?access_token={access}", "HTTP_X_ORIGINAL_METHOD": "GET"}
    assert refusal(verify(access, **told)) == (401, INVALID)
    # Where the URL does not count, the header alone is asked.
    catalogue.change_proxy(accepting.orders, by="test", accept_token_in_url=False)
    assert verify(access, **told).status == 200


def test_d22_a_caller_that_is_no_trusted_gateway_brings_no_token_in_a_uri(accepting: World, settings: Any) -> None:
    _, access, _ = tokens_of(accepting)
    uri = f"/?access_token={access}"
    settings.TRUSTED_GATEWAYS = []
    assert refusal(by_url(uri)) == (401, BARE)
    assert refusal(by_url(uri, query=f"access_token={access}")) == (401, BARE), "nor in the query of its own call"
    made = rotation.open_connection(name="edge", deployment_type="reverse_proxy", environment=accepting.test, by="test")
    proof = {"HTTP_X_GATEWAY_TOKEN": made.raw, "HTTP_X_GATEWAY_TYPE": "reverse_proxy"}
    assert by_url(uri, **proof).status == 200, "a gateway that has proved itself is trusted"
    assert refusal(by_url(uri, HTTP_X_FORWARDED_URI="/", **proof)) == (401, BARE)


@pytest.mark.parametrize(
    "uri", ["/?Access_Token={}", "/?token={}", "/#?x&access_token={}", "/access_token={}", "/?acc%65ss_token={}"]
)
def test_d22_only_the_one_parameter_of_the_query_is_looked_at(accepting: World, uri: str) -> None:
    _, access, _ = tokens_of(accepting)
    assert refusal(by_url(uri.format(access))) == (401, BARE)


def test_d22_the_token_in_the_uri_is_never_written_to_a_log(accepting: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    _, access, _ = tokens_of(accepting)
    assert by_url(f"/?access_token={access}").status == 200
    by_url(f"/?access_token={access}", "billing")
    by_url(f"/?access_token={access}&access_token={access}")
    ask("/auth/verify", method="GET", HTTP_X_PROXY="orders", HTTP_X_ORIGINAL_URI=f"/?access_token={access}\x00")
    sightings.flush()
    assert access not in caplog.text
    for row in TokenRequestLog.objects.values():
        assert access not in str(row)


def test_d22_a_uri_with_a_thousand_parameters_is_read_no_further() -> None:
    assert tokens_in("/?" + "a=b&" * 2000 + "access_token=x") == []
    assert tokens_in("/?access_token=a&access_token=b") == ["a", "b"]
    assert tokens_in("/access_token") == []
