"""From what is to what a file says: each difference is one step, and nothing that the file leaves out is touched."""

import json

import pytest
from django.db import transaction

from credentials import clients
from proxies import catalogue
from tests import world as worlds
from tests.tokens.configuration.applying import NOW, OTHER_KEY, RICH, apply, exported, plan, verbs
from tests.world import REQUEST, World
from tokens import configuration, lifecycle, policies
from tokens.configuration.difference import same
from tokens.errors import InvalidConfiguration
from tokens.models import TokenPolicy

SHOP = "credentials: {CLIENT: {%s}}"


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


def faults(text: str) -> list[str]:
    with pytest.raises(InvalidConfiguration) as refused:
        plan(text)
    return list(refused.value.problems)


DIFFERENCES = [
    ("environments: {test: {}}", []),
    ("environments: {test: {name: Test, default: true}}", []),
    ("environments: {test: {description: new}}", ["change"]),
    ("environments: {live: {default: true}}", ["make default"]),
    ("environments: {third: {default: true}}", ["add", "make default"]),
    ("environments: {test: {signing_algorithm: ES256}}", ["sign"]),
    ("proxies: {orders: {}}", []),
    ("proxies: {orders: {name: Orders, scopes: [write, read], mode: own, path_rules: []}}", []),
    ("proxies: {orders: {name: Sales, scopes: [read]}}", ["change"]),
    ("proxies: {orders: {mode: credentials}}", ["set mode"]),
    ("proxies: {orders: {path_rules: [{path: /a, scopes: [read]}]}}", ["set path rules"]),
    ("proxies: {orders: {deployed_in: [live, test]}}", []),
    ("proxies: {orders: {deployed_in: [test]}}", ["undeploy"]),
    ("proxies: {orders: {deployed_in: []}}", ["undeploy", "undeploy"]),
    ("proxies: {orders: {policy: {refresh_count: 3}}}", []),
    ("proxies: {orders: {policy: {refresh_count: 4, suspended: true}}}", ["set policy", "suspend"]),
    ("proxies: {orders: {key: {name: key of Orders, active: true}}}", []),
    ("proxies: {orders: {key: {name: other, active: false}}}", ["change key", "deactivate key"]),
    ("proxies: {new: {mode: credentials, deployed_in: [test]}}", ["add", "deploy"]),
    ("proxies: {new: {policy: {}, key: {active: false}}}", ["add", "set policy", "open key", "deactivate key"]),
    ("groups: {commerce: {members: [billing, orders]}}", []),
    ("groups: {commerce: {members: [orders]}}", ["remove member"]),
    ("groups: {new: {members: [orders]}}", ["add", "add member"]),
    (SHOP % "name: shop, deployed_in: [test], grants: {orders: {}}", []),
    (SHOP % "grants: {orders: {scopes: [read]}}", ["grant"]),
    (SHOP % "grants: {billing: {}}", ["grant", "withdraw"]),
    (SHOP % "deployed_in: [live]", ["deploy", "undeploy"]),
    (SHOP % "auth_methods: [client_secret_post, client_secret_basic], public_keys: {}", []),
    (SHOP % "auth_methods: [private_key_jwt], public_keys: {k1: {pem: KEY}}", ["add key", "set methods"]),
    (SHOP % "active: false, expires_on: 2027-01-01", ["change", "deactivate"]),
    ("users: {ada: {}}", []),
    ("users: {ada: {email: ada@example.org}}", ["change"]),
    ("users: {ada: {active: false, grants: {commerce: {}}}}", ["grant", "deactivate"]),
    ("users: {eve: {active: false}}", ["add", "deactivate"]),
    ("connections: [{name: edge, environment: test}]", []),
    ("connections: [{name: edge, environment: test, target_ports: [443]}]", ["change"]),
    ("connections: [{name: edge, environment: test, licence_ends_at: 2027-01-01}]", ["extend licence"]),
    ("connections: [{name: edge, environment: live, deployment_type: other}]", ["add"]),
]


def test_each_difference_is_a_step_and_then_there_is_none(world: World) -> None:
    apply("users: {ada: {}}\nconnections: [{name: edge, environment: test, deployment_type: other}]")
    shop = world.credential("shop", world.orders)
    catalogue.set_mode(world.orders, "own", by="test")
    for said, steps in DIFFERENCES:
        text = said.replace("CLIENT", shop.client_id).replace("KEY", json.dumps(OTHER_KEY))
        with transaction.atomic():
            found = plan(text)
            assert [each.step.verb for each in found.steps] == steps, said
            configuration.apply(configuration.read(text), by="ada", confirmed=found.fingerprint, at=NOW)
            assert plan(text).nothing, said
            transaction.set_rollback(True)


def test_what_a_file_leaves_out_stays_as_it_is(world: World) -> None:
    before = exported()
    apply("proxies: {orders: {description: new}, billing: {policy: {refresh_count: 9}}}")
    after = exported()
    changed = [line for line in after.splitlines() if line not in before.splitlines()]
    assert changed == ["      refresh_count: 9", "    description: new"]


def test_what_the_file_does_not_name_is_told_and_stays(world: World) -> None:
    found = plan("proxies: {orders: {}}")
    assert found.nothing
    assert found.unnamed == ("proxies.billing",)
    assert found.unchanged == 1


def test_pruned_goes_only_what_belongs_to_a_section_that_the_file_has(world: World) -> None:
    shop = world.credential("shop", world.orders)
    apply("connections: [{name: edge, environment: test, deployment_type: other}]")
    assert verbs("prune: true\nproxies: {orders: {}}") == [("archive", "billing")]
    assert verbs("prune: true\ngroups: {}\ncredentials: {}\nconnections: []") == [
        ("archive", "commerce"),
        ("archive", shop.client_id),
        ("close", "test/edge"),
    ]
    # People and environments are never put away by a file.
    assert verbs("prune: true\nusers: {}\nenvironments: {}") == []
    assert plan("prune: true\nenvironments: {}").unnamed == ("environments.live", "environments.test")


def test_nothing_is_taken_away_before_all_is_there_that_shall_be(world: World) -> None:
    said = "prune: true\nproxies: {orders: {deployed_in: [test]}, sales: {deployed_in: [live]}}\ngroups: {all: {}}"
    assert [verb for verb, _ in verbs(said)] == ["add", "deploy", "add", "undeploy", "archive", "archive"]


def test_the_first_environment_is_the_default_without_a_step_of_its_own(db: None) -> None:
    assert verbs("environments: {one: {}, two: {default: true}}") == [("add", "two"), ("add", "one")]
    apply("environments: {one: {}, two: {default: true}}")
    assert plan("environments: {one: {default: false}, two: {default: true}}").nothing


IMPOSSIBLE = [
    ("proxies: {orders: {audience: https://other.example/}}", "proxies.orders.audience: it is https://orders.exa"),
    ("proxies: {orders: {key: {client_id: another}}}", "proxies.orders.key.client_id: it is client-"),
    (
        "proxies: {orders: {deployed_in: [tset]}}",
        "proxies.orders.deployed_in: there is no environment tset. Did",
    ),
    (
        "groups: {commerce: {members: [order]}}",
        "groups.commerce.members: there is no API proxy order. Did you",
    ),
    ("groups: {commerce: {members: [commerce]}}", "groups.commerce.members: there is no API proxy commerce."),
    ("groups: {orders: {}}", "groups.orders: the name is that of one of the proxies."),
    ("proxies: {x1: {}}\ngroups: {x1: {}}", "groups.x1: the name is that of one of the proxies."),
    (
        "credentials: {shop: {grants: {ordres: {}}}}",
        "credentials.shop.grants: there is no API proxy or group ordres",
    ),
    (
        "connections: [{name: edge, environment: tset, deployment_type: other}]",
        "connections.tset/edge",
    ),
    ("connections: [{name: edge, environment: test}]", "connections.test/edge: deployment_type is missing."),
    ("environments: {test: {default: false}}", "environments.test.default: make another one the default instead."),
    ("environments: {test: {default: true}, live: {default: true}}", "environments: only one can be the default"),
    ("proxies: {orders: {policy: {refresh_token_lifetime_secs: null}}}", "proxies.orders.policy: refresh_token_li"),
    (
        "proxies: {orders: {policy: {never_expires: true, access_token_lifetime_secs: 5}}}",
        "it has no meaning",
    ),
]


def test_what_cannot_be_is_told_before_anything_is_done(world: World) -> None:
    for said, fault in IMPOSSIBLE:
        found = faults(said)
        assert any(fault in each for each in found), (said, found)


def test_d33_the_type_of_a_connection_is_permanent(world: World) -> None:
    apply("connections: [{name: edge, environment: test, deployment_type: other}]")
    assert faults("connections: [{name: edge, environment: test, deployment_type: container}]") == [
        "connections.test/edge.deployment_type: it is other and permanent."
    ]


def test_d43_an_archived_name_is_refused(world: World) -> None:
    catalogue.archive(world.orders, by="test")
    clients.archive(clients.open_credential(name="x", client_id="old-one", by="test").credential, by="test")
    assert faults("proxies: {orders: {}}\ncredentials: {old-one: {}}") == [
        "proxies.orders: it was archived, and its name is never used again.",
        "credentials.old-one: it was archived, and its name is never used again.",
    ]


def test_d12_what_is_dangerous_shows_what_would_end_and_asks_for_the_name(world: World) -> None:
    world.policy(world.orders, access=10**6, refresh=10**6)
    lifecycle.issue(world.key_of(world.orders), request=REQUEST)
    found = plan("proxies: {orders: {deployed_in: [test], mode: credentials}, billing: {deployed_in: []}}")
    assert found.to_confirm == ["orders", "billing"]
    told = {
        (each.step.verb, each.step.name, each.step.values.get("other", "")): [
            (line.label, line.count) for line in each.impact
        ]
        for each in found.steps
    }
    assert ("Live OAuth2 (opaque) tokens", 1) in told["set mode", "orders", ""]
    assert told["undeploy", "orders", "live"] == []
    assert told["undeploy", "billing", "test"] == []


def test_a_plan_is_told_to_machines_with_its_fingerprint(world: World) -> None:
    said = "proxies: {orders: {deployed_in: [test]}}"
    shown = plan(said).shown()
    assert shown["steps"][0] == {
        "verb": "undeploy",
        "section": "proxies",
        "name": "orders",
        "values": {"other": "live"},
        "before": {},
        "effect": "ends for good",
        "sentence": "Undeploy the API proxy orders in live: its tokens there end at once and for good.",
        "impact": [],
    }
    assert shown["fingerprint"] == plan(said).fingerprint != plan("proxies: {orders: {deployed_in: []}}").fingerprint
    assert (shown["unchanged"], shown["new_secrets"]) == (0, 0)


def test_every_sentence_can_be_said(db: None) -> None:
    """A verb without a sentence, or with a gap in it, would be found by whoever needs it first."""
    apply(RICH)
    told = [each.sentence for each in plan(RICH.replace("invoices", "bills").replace("partner", "other-one")).steps]
    assert all(sentence.endswith(".") and "{" not in sentence and "None" not in sentence for sentence in told)
    assert "Add the API proxy bills (name Rechnungen: \u00dcbersicht" in " ".join(told)


def test_d18_a_key_that_is_another_one_goes_before_the_other_comes(db: None) -> None:
    apply(RICH)
    own = "credentials: {partner: {public_keys: {%s}}}"
    first = f"first: {{pem: {json.dumps(OTHER_KEY)}}}"
    assert verbs(own % f"{first}, second: {{pem: {json.dumps(OTHER_KEY)}}}") == [
        ("remove key", "partner"), ("remove key", "partner"), ("add key", "partner"), ("add key", "partner"),
    ]  # fmt: skip
    apply(own % first)
    kept = configuration.export(at=NOW).values["credentials"]["partner"]["public_keys"]
    assert kept == {"first": {"pem": OTHER_KEY + "\n", "algorithms": ["ES256"], "authority": False}}
    assert plan(own % first).nothing


def test_d5_a_policy_keeps_the_terms_that_the_file_does_not_name(world: World) -> None:
    apply("proxies: {orders: {policy: {refresh_mode: static}}}")
    kept = policies.terms_of(TokenPolicy.objects.get(proxy=world.orders))
    assert kept == policies.defaults() | {
        "access_token_lifetime_secs": 60,
        "refresh_token_lifetime_secs": 180,
        "refresh_count": 3,
        "refresh_mode": "static",
    }


def test_a_licence_that_has_ended_is_named_and_unchanged(world: World) -> None:
    said = (
        "connections: [{name: edge, environment: test, deployment_type: other, licence_ends_at: 2026-03-02T00:00:00Z}]"
    )
    apply(said)
    assert configuration.plan(configuration.read(said), at=NOW.replace(year=2027)).nothing


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (["a", "b"], ["b", "a"], True),
        (["a"], ["a", "b"], False),
        ([], [], True),
        (True, 1, False),
        (0, False, False),
        (None, "", False),
        ([{"scopes": ["x", "y"]}], [{"scopes": ["y", "x"], "method": "", "match": "all"}], True),
        ([{"scopes": ["x"]}], [{"scopes": ["x"], "method": "GET", "match": "all"}], False),
    ],
)  # fmt: skip
def test_values_that_mean_the_same(one: object, other: object, alike: bool) -> None:
    assert same(one, other) is alike
