"""Export, apply to an empty database, export: the same text again. What a file cannot say is left out, aloud."""

import json
import string
from collections.abc import Iterable
from typing import Any

import pytest
import yaml
from django.db import transaction
from django.db.models import Model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credentials import clients, rotation
from credentials.models import ConnectionConfiguration, Credential, Grant
from proxies import catalogue
from proxies.models import ApiProxy, ChangeRecord, Environment, PathRule, ProxyGroup
from tests import world as worlds
from tests.tokens.configuration.applying import NOW, RICH, apply, exported, plan
from tests.world import START
from tokens import configuration, policies
from tokens.errors import InvalidConfiguration
from tokens.models import TokenPolicy


def elsewhere(text: str) -> str:
    """What an empty installation exports after it has applied the text. Nothing of it is left behind."""
    with transaction.atomic():
        apply(text)
        found = exported()
        transaction.set_rollback(True)
    return found


def test_an_export_applied_to_an_empty_database_exports_the_same(db: None) -> None:
    one = elsewhere(RICH)
    assert not Environment.objects.exists()
    assert elsewhere(one) == one
    kept = yaml.safe_load(one)
    assert {name: len(kept[name]) for name in configuration.read(RICH).sections} == {
        "environments": 3, "proxies": 3, "groups": 1, "credentials": 2, "users": 2, "connections": 2,
    }  # fmt: skip


def test_what_is_said_in_the_file_is_what_is_exported(db: None) -> None:
    said, kept = yaml.safe_load(RICH), yaml.safe_load(elsewhere(RICH))

    def compare(wanted: Any, found: Any, path: str) -> None:
        if isinstance(wanted, dict):
            for name, value in wanted.items():
                compare(value, found[name], f"{path}.{name}")
        elif isinstance(wanted, list) and all(isinstance(each, str | int) for each in wanted):
            assert sorted(found) == sorted(wanted), path
        elif isinstance(wanted, list):
            for index, value in enumerate(sorted(wanted, key=lambda each: str(each.get("environment", "")))):
                compare(value, found[index], f"{path}[{index}]")
        else:
            assert found == wanted, path

    compare(said, kept, "")


def test_the_same_goes_for_what_was_made_without_a_file(db: None) -> None:
    with transaction.atomic():
        world = worlds.build()
        world.credential("shop", world.orders, world.commerce)
        policies.suspend(TokenPolicy.objects.get(proxy=world.billing), by="test")
        one = exported()
        assert plan(one).nothing
        transaction.set_rollback(True)
    assert elsewhere(one) == one


def test_json_says_the_same_as_yaml(db: None) -> None:
    apply(RICH)
    values = configuration.export(at=NOW).values
    as_json = configuration.read(json.dumps(configuration.plain(values)))
    assert as_json == configuration.read(configuration.text(values))
    assert configuration.plan(as_json, at=NOW).nothing


def test_i5_nothing_secret_is_exported(db: None) -> None:
    made = apply(RICH)
    text = exported()
    values = [client["client_secret"] for client in made.clients.values()]
    values += [connection["token"] for connection in made.connections.values()]
    assert len(values) == 5
    for value in values:
        assert value not in text
    assert "lk_" not in text
    assert "client_secret:" not in text
    assert "PRIVATE" not in text


def test_d43_what_is_archived_or_closed_is_left_out_and_named(db: None) -> None:
    apply(RICH)
    catalogue.archive(ApiProxy.objects.get(slug="1234"), by="test")
    clients.archive(Credential.objects.get(client_id="partner"), by="test")
    rotation.close(ConnectionConfiguration.objects.get(environment__slug="test"), by="test")
    found = configuration.export(at=NOW)
    assert set(found.values["proxies"]) == {"invoices", "no"}
    assert [each["environment"] for each in found.values["connections"]] == ["staging"]
    assert found.left_out == ("proxies.1234 is archived.", "credentials.partner is archived.")


def test_s4_19_a_connection_whose_licence_has_ended_is_left_out_and_named(db: None) -> None:
    apply(RICH)
    after = NOW.replace(year=2028)
    found = configuration.export(at=after)
    assert found.left_out == ("connections.test/edge: its licence has ended.",)
    assert [each["environment"] for each in found.values["connections"]] == ["staging"]


def test_two_connections_of_one_name_are_refused_and_named(db: None) -> None:
    world = worlds.build()
    for _ in range(2):
        rotation.open_connection(name="edge", deployment_type="other", environment=world.test, by="test", at=START)
    with pytest.raises(InvalidConfiguration, match=r"connections\.test/edge: several have this name"):
        configuration.export(at=NOW)
    with pytest.raises(InvalidConfiguration, match="several have this name"):
        plan("connections: [{name: edge, environment: test}]")


def test_a_hundred_proxies_cost_no_more_queries_than_three(db: None, django_assert_num_queries: Any) -> None:
    apply(RICH)
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as few:
        configuration.export(at=NOW)
    for number in range(100):
        catalogue.add_proxy(name=f"P{number}", slug=f"p{number}", by="test")
    with django_assert_num_queries(len(few)):
        configuration.export(at=NOW)


def test_everything_that_a_model_holds_as_configuration_is_exported(db: None) -> None:
    """A column that joins a model is exported too, or named here: no configuration, or said in other words."""
    apply(RICH)
    found = configuration.export(at=NOW).values
    holders = [*found["proxies"].values(), *found["groups"].values()]
    credentials = [*found["credentials"].values(), *(holder["key"] for holder in holders if "key" in holder)]
    where: dict[type[Model], tuple[Iterable[dict[str, Any]], set[str]]] = {
        Environment: (found["environments"].values(), {"slug", "is_default"}),
        ApiProxy: (found["proxies"].values(), {"slug", "archived_at"}),
        ProxyGroup: (found["groups"].values(), {"slug", "archived_at"}),
        PathRule: (found["proxies"]["invoices"]["path_rules"], {"pattern", "proxy"}),
        Credential: (credentials, {"proxy", "group", "key_generation", "deactivated_at", "archived_at"}),
        Grant: (
            found["credentials"]["partner"]["grants"].values(),
            {"credential", "user", "proxy", "group", "withdrawn_at"},
        ),
        TokenPolicy: (
            [found["proxies"]["invoices"]["policy"]],
            {"proxy", "group", "credential", "suspended_at", "updated_at"},
        ),
        ConnectionConfiguration: (found["connections"], {"closed_at", "last_refused_at", "last_refused_because"}),
    }
    for model, (entries, elsewhere) in where.items():
        words = {name for entry in entries for name in entry}
        columns = {field.name for field in model._meta.fields} - {"id", "created_at"}
        assert columns - words == elsewhere, model


# --- any configuration


SLUGS = st.text("abcxyz019-", min_size=1, max_size=12).filter(lambda word: word.strip("-") == word)
CLIENT_IDS = st.text(string.ascii_letters + string.digits + "._~-", min_size=3, max_size=12)
LINES = st.text(st.characters(exclude_categories=("C", "Z")), max_size=30)
SCOPES = st.lists(st.sampled_from(["read", "write", "yes", "null", "1.5", "a:b", "~", "#x", "2026-01-01"]), unique=True)
DAYS = st.none() | st.dates()
POLICIES = st.fixed_dictionaries(
    {},
    optional={
        "token_format": st.sampled_from(["opaque", "jwt"]),
        "access_token_lifetime_secs": st.integers(1, 10**6),
        "refresh_allowed": st.booleans(),
        "refresh_token_lifetime_secs": st.integers(1, 10**6),
        "refresh_count": st.none() | st.integers(1, 1000),
        "refresh_mode": st.sampled_from(["rotating", "static"]),
        "retry_window_secs": st.integers(0, 3600),
        "family_lifetime_secs": st.none() | st.integers(1, 10**6),
        "suspended": st.booleans(),
    },
)


def some(names: list[str]) -> Any:
    return st.lists(st.sampled_from(names), unique=True) if names else st.just([])


@st.composite
def configurations(draw: Any) -> dict[str, Any]:
    environments = draw(st.lists(SLUGS, min_size=1, max_size=3, unique=True))
    names = draw(st.lists(SLUGS, max_size=4, unique=True))
    proxies, groups = names[::2], names[1::2]
    holder = {
        "name": LINES.filter(bool),
        "description": LINES,
        "mode": st.sampled_from(["own", "credentials"]),
        "scopes": SCOPES,
        "owner_name": LINES,
    }
    standing = {"deployed_in": some(environments), "policy": POLICIES}
    rule = st.fixed_dictionaries(
        {"path": st.text("abc/*", max_size=5).map("/".__add__), "scopes": SCOPES.filter(bool)},
        optional={"method": st.sampled_from(["GET", "POST", ""]), "match": st.sampled_from(["all", "any"])},
    )
    rules = st.lists(rule, max_size=2, unique_by=lambda each: (each.get("method", ""), each["path"]))
    grant = st.fixed_dictionaries(
        {}, optional={"scopes": SCOPES, "expires_on": DAYS, "disallowed_methods": some(["GET", "PUT"])}
    )
    credential = {
        "name": LINES.filter(bool),
        "description": LINES,
        "expires_on": DAYS,
        "active": st.booleans(),
        "allowed_addresses": some(["192.0.2.1", "2001:db8::/32"]),
        "owner_email": st.sampled_from(["", "a@example.com"]),
    }
    people = draw(st.lists(SLUGS, max_size=2, unique=True))
    grants = st.dictionaries(st.sampled_from(names), grant, max_size=2) if names else st.just({})

    def each(keys: list[str], fields: dict[str, Any]) -> dict[str, Any]:
        return {key: draw(st.fixed_dictionaries({}, optional=fields)) for key in keys}

    return {
        "environments": {key: {"name": f"E {key}"} for key in environments},
        "proxies": each(proxies, {**holder, "required_scopes": SCOPES, "path_rules": rules, **standing}),
        "groups": each(groups, {**holder, "members": some(proxies), **standing}),
        "credentials": each(
            draw(st.lists(CLIENT_IDS, max_size=2, unique=True)), {**credential, "grants": grants, **standing}
        ),
        "users": each(people, {"first_name": LINES, "grants": grants}),
    }


def comes_back_the_same(wanted: dict[str, Any]) -> None:
    with transaction.atomic():
        apply(configuration.text(wanted))
        one = exported()
        assert plan(configuration.text(wanted)).nothing
        assert plan(one).nothing
        transaction.set_rollback(True)
    assert not ChangeRecord.objects.exists()
    assert elsewhere(one) == one


ANY = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}


@settings(max_examples=6, **ANY)
@given(wanted=configurations())
def test_any_configuration_comes_back_the_same(db: None, wanted: dict[str, Any]) -> None:
    comes_back_the_same(wanted)


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(max_examples=150, **ANY)
@given(wanted=configurations())
def test_many_configurations_come_back_the_same(db: None, wanted: dict[str, Any]) -> None:
    comes_back_the_same(wanted)
