"""A file is read with suspicion: every fault is told with its path, and hostile ones end quickly."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tokens import configuration
from tokens.errors import InvalidConfiguration


def faults(text: str) -> list[str]:
    with pytest.raises(InvalidConfiguration) as refused:
        configuration.read(text)
    return list(refused.value.problems)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("proxy: {}", "proxy: there is no such key. Did you mean proxies?"),
        ("proxies: {orders: {scpoes: [read]}}", "proxies.orders.scpoes: there is no such key. Did you mean scopes?"),
        ("proxies: {orders: {policy: {refresh_count: 0}}}", "proxies.orders.policy.refresh_count: must be a whole n"),
        ("proxies: {orders: {policy: {refresh_lifetime: 5}}}", "refresh_lifetime: there is no such key. Did you mea"),
        ("proxies: {orders: {path_rules: [{path: /x, scopes: [a], macth: any}]}}", "proxies.orders.path_rules[1].ma"),
        ("proxies: {orders: {path_rules: [{scopes: [a]}]}}", "proxies.orders.path_rules[1]: path is missing."),
        ("credentials: {shop: {grants: {orders: {scope: [a]}}}}", "credentials.shop.grants.orders.scope: there is n"),
        ("connections: [{name: edge}]", "connections[1]: environment is missing."),
        ("connections: [{name: e, environment: t}, {name: e, environment: t}]", "connections[2]: e is named twice"),
        ("connections: [{name: e, environment: t, target_ports: [70000]}]", "connections[1].target_ports: must be a"),
        ("connections: [{name: e, environment: t, licence_ends_at: soon}]", "licence_ends_at: must be a time such as"),
        ("environments: {Test: {}}", "environments.Test: A slug has up to 80 small letters"),
        ("environments: {test: {kind: sandbx}}", "environments.test.kind: must be one of test, sandbox, production."),
        ("environments: {test: {default: 1}}", "environments.test.default: must be true or false."),
        ("environments: {test: {name: 5}}", "environments.test.name: must be text; put it in quotes."),
        ("environments: {test: {name: ''}}", "environments.test.name: The value for name does not fit"),
        ('environments: {test: {name: "a\\tb"}}', "environments.test.name: The value for name has characters"),
        ("environments: [test]", "environments: must be a mapping from names."),
        ("proxies: {orders: {scopes: read write}}", "proxies.orders.scopes: must be a list."),
        ("proxies: {orders: {scopes: ['read write']}}", "proxies.orders.scopes: must be a list of words"),
        ("proxies: {orders: {scopes: [1]}}", "proxies.orders.scopes: must be a list of words"),
        ("proxies: {orders: {scopes: [a, a]}}", "proxies.orders.scopes: names something twice."),
        ("proxies: {orders: {scopes: ['a\"b']}}", "proxies.orders.scopes: Scopes are words of visible ASCII"),
        ("proxies: {orders: {audience: nowhere}}", "proxies.orders.audience: An audience is an absolute URI"),
        ("proxies: {orders: {key: {client_id: 'a b'}}}", "proxies.orders.key.client_id: A client id has 3 to"),
        ("credentials: {'a b': {}}", "credentials.a b: A client id has 3 to 100 letters"),
        ("credentials: {shop: {expires_on: 2026-02-30}}", "This is not YAML: day is out of range for month."),
        ("credentials: {shop: {expires_on: '2026-02-30'}}", "credentials.shop.expires_on: must be a date such as"),
        ("credentials: {shop: {expires_on: 2026-02-03T00:00:00Z}}", "credentials.shop.expires_on: must be a date su"),
        ("credentials: {shop: {allowed_addresses: [300.1.1.1]}}", "credentials.shop.allowed_addresses: '300.1.1.1' "),
        ("credentials: {shop: {client_secret: hunter2}}", "client_secret: there is no such key. Did you mean client"),
        ("credentials: {shop: {auth_methods: [private_key]}}", "credentials.shop.auth_methods: 'private_key' is none"),
        ("credentials: {shop: {public_keys: {k1: {}}}}", "credentials.shop.public_keys.k1: pem is missing."),
        ("credentials: {shop: {public_keys: {k1: {pem: no}}}}", "credentials.shop.public_keys.k1.pem: must be text"),
        ("credentials: {shop: {public_keys: {k1: {pem: 'x'}}}}", "credentials.shop.public_keys.k1.pem: "),
        ("users: {'a b': {}}", "users.a b: The value for username does not fit"),
        ("users: {ada: {is_superuser: true}}", "users.ada.is_superuser: there is no such key."),
        ("version: 2", "version: must be a whole number from 1 to 1."),
        ("- a\n- b", "must be a mapping with keys such as version, prune, environments."),
        ("proxies: {orders: {}}\nproxies: {billing: {}}", "Line 2: 'proxies' is given twice."),
        ("a: &x [1]\nb: *x", "Line 1: anchors and aliases are not used here."),
        ("a: [1", "Line 2: did not find expected"),
        ("? [a]\n: b", "Line 1: a key must be a word."),
        ("a: !!python/object/apply:os.system [ls]", "Line 1: could not determine a constructor"),
        ("a: \x00", "This is not YAML: "),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_path(text: str, fault: str) -> None:
    found = faults(text)
    assert any(fault in each for each in found), found


def test_all_faults_are_told_at_once_up_to_twenty() -> None:
    assert len(faults("proxies: {orders: {a: 1, mode: x, scopes: 5}}")) == 3
    many = ", ".join(f"k{number}: 1" for number in range(100))
    assert len(faults(f"proxies: {{orders: {{{many}}}}}")) == 20


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 100_000,
        "a: " + "{a: " * 5_000 + "1" + "}" * 5_000,
        "\n".join("  " * depth + "a:" for depth in range(60)),
        "a: [" + "1," * 500_000 + "]",
        "a: " + "9" * 100_000,
        "a: " + "x" * 5_000_000,
        "proxies: {orders: {policy: {refresh_count: 1e999999}}}",
        "proxies: {orders: {policy: {refresh_count: .nan}}}",
        "proxies: {orders: {policy: {refresh_count: 99999999999999999999999999}}}",
    ],
    ids=[
        "depth of lists",
        "depth of mappings",
        "depth of lines",
        "width",
        "figures",
        "length",
        "infinity",
        "nan",
        "big",
    ],
)
def test_hostile_files_are_refused(text: str) -> None:
    assert faults(text)


def test_a_key_is_what_is_written_even_where_yaml_sees_a_value() -> None:
    found = configuration.read("environments: {no: {}, 1234: {}, null: {}, 2026-01-01: {}}").sections
    assert list(found["environments"]) == ["no", "1234", "null", "2026-01-01"]


def test_json_is_read_alike() -> None:
    text = '{"credentials": {"shop": {"expires_on": "2026-02-03", "active": true, "description": null}}}'
    assert faults(text) == ["credentials.shop.description: must be text; put it in quotes."]
    found = configuration.read(text.replace(', "description": null', "")).sections
    assert found["credentials"]["shop"] == {"expires_on": date(2026, 2, 3), "active": True}


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("2027-06-30T22:00:00Z", datetime(2027, 6, 30, 22, tzinfo=UTC)),
        ("2027-06-30T22:00:00", datetime(2027, 6, 30, 22, tzinfo=UTC)),
        ("2027-07-01T00:00:00+02:00", datetime(2027, 6, 30, 22, tzinfo=UTC)),
        ("'2027-07-01T00:00:00+02:00'", datetime(2027, 6, 30, 22, tzinfo=UTC)),
        ("2027-06-30", datetime(2027, 6, 30, tzinfo=UTC)),
        ("null", None),
    ],
)
def test_a_time_is_in_utc(given: str, meant: Any) -> None:
    text = f"connections: [{{name: edge, environment: test, licence_ends_at: {given}}}]"
    assert configuration.read(text).sections["connections"]["test/edge"]["licence_ends_at"] == meant


def test_an_empty_file_says_nothing() -> None:
    assert configuration.read("").sections == {}
    assert configuration.read("# nothing yet\n").sections == {}
    assert configuration.read("environments: {test: }").sections == {"environments": {"test": {}}}


def test_d42_the_names_of_the_terms_are_those_of_the_model() -> None:
    from tokens.configuration.schema import POLICY
    from tokens.policies import defaults

    assert set(POLICY) == set(defaults()) | {"suspended"}
    assert "refresh_token_lifetime_secs" in POLICY
