"""What exists: names that are never used twice, what may change, modes, members, path rules."""

from typing import Any

import pytest

from proxies import catalogue, deployment
from proxies.catalogue import Rule
from proxies.errors import Archived, InvalidName, NameTaken, ProxyError
from proxies.models import ApiProxy, ChangeRecord, Deployment, Environment, GroupMembership, PathRule, TakenName
from tests.databases import OwnDatabase


def proxy_of(slug: str = "orders", **fields: Any) -> ApiProxy:
    return catalogue.add_proxy(name=slug.title(), slug=slug, by="test", **fields)


# --- environments


def test_the_first_environment_is_the_default_and_there_is_one_only(db: None) -> None:
    first = catalogue.add_environment(name="Test", slug="test", by="ada")
    second = catalogue.add_environment(name="Live", slug="live", by="ada")
    assert (first.is_default, second.is_default) == (True, False)
    catalogue.make_default(second, by="ada")
    assert second.is_default
    assert [environment.slug for environment in Environment.objects.filter(is_default=True)] == ["live"]


@pytest.mark.parametrize(
    ("kind", "embedded", "expected"),
    [("production", False, True), ("production", True, False), ("test", False, False), ("sandbox", False, False)],
)
def test_gateways_must_prove_themselves_in_new_production_environments(
    db: None, settings: Any, kind: str, embedded: bool, expected: bool
) -> None:
    settings.EMBEDDED = embedded
    made = catalogue.add_environment(name="Live", slug="live", kind=kind, by="ada")
    assert made.gateways_must_authenticate is expected


def test_an_environment_is_changed_but_for_its_slug(db: None) -> None:
    environment = catalogue.add_environment(name="Test", slug="test", by="ada")
    catalogue.change_environment(environment, by="ada", name="Stage", gateways_must_authenticate=True)
    environment.refresh_from_db()
    assert (environment.name, environment.gateways_must_authenticate) == ("Stage", True)
    for field in ("slug", "is_default", "id"):
        changes: dict[str, Any] = {field: "other"}
        with pytest.raises(InvalidName):
            catalogue.change_environment(environment, by="ada", **changes)


def test_two_environments_never_share_name_or_slug(db: None) -> None:
    catalogue.add_environment(name="Test", slug="test", by="ada")
    other = catalogue.add_environment(name="Live", slug="live", by="ada")
    for name, slug in (("Test", "another"), ("Another", "test")):
        with pytest.raises(NameTaken):
            catalogue.add_environment(name=name, slug=slug, by="ada")
    with pytest.raises(NameTaken):
        catalogue.change_environment(other, by="ada", name="Test")


# --- names (D43)


@pytest.mark.parametrize("slug", ["", "Orders", "-orders", "orders-", "or ders", "or_ders", "ordérs", "a" * 81, "a\n"])
def test_d43_a_slug_that_gateways_cannot_carry_is_refused(db: None, slug: str) -> None:
    with pytest.raises(InvalidName):
        proxy_of(slug)
    assert not TakenName.objects.exists()


def test_an_environments_slug_fits_its_column_on_every_database(db: None) -> None:
    with pytest.raises(InvalidName):
        catalogue.add_environment(name="Long", slug="a" * 51, by="ada")


@pytest.mark.parametrize(
    "audience",
    ["orders", "/orders", "//orders.example/", "https://", "https://a.example/#part", "https://a.example/#", "https://ä/",
     "https://a.example/ b", "https://" + "a" * 255, "https://[broken/"],
)  # fmt: skip
def test_an_audience_is_an_absolute_uri_without_a_fragment(db: None, audience: str) -> None:
    with pytest.raises(InvalidName):
        proxy_of(audience=audience)


def test_the_audience_is_made_from_the_public_url_where_none_is_given(db: None, settings: Any) -> None:
    settings.PUBLIC_URL = "https://portal.example"
    assert proxy_of().audience == "https://portal.example/apis/orders"
    assert proxy_of("billing", audience="urn:example:billing").audience == "urn:example:billing"


def test_d43_slug_and_audience_are_never_used_again_by_anyone(db: None) -> None:
    first = proxy_of(audience="https://orders.example/")
    catalogue.archive(first, by="ada")
    with pytest.raises(NameTaken):
        proxy_of()
    with pytest.raises(NameTaken):
        catalogue.add_group(name="Orders", slug="orders", by="ada")
    with pytest.raises(NameTaken):
        catalogue.add_group(name="Other", slug="other", audience="https://orders.example/", by="ada")
    # What was refused took no name of its own.
    assert proxy_of("other").slug == "other"


def test_d43_slug_and_audience_cannot_be_changed(db: None) -> None:
    proxy = proxy_of()
    for field in ("slug", "audience", "mode", "archived_at"):
        changes: dict[str, Any] = {field: "other"}
        with pytest.raises(InvalidName):
            catalogue.change_proxy(proxy, by="ada", **changes)


def test_parallel_additions_of_one_slug_make_one_proxy(own_database: OwnDatabase) -> None:
    outcomes = own_database.run_in_threads(8, lambda index: proxy_of())
    assert sorted(type(outcome.error).__name__ for outcome in outcomes) == ["NameTaken"] * 7 + ["NoneType"]
    assert ApiProxy.objects.count() == 1


# --- changing and archiving


def test_a_change_is_recorded_with_what_differed_only(db: None) -> None:
    proxy = proxy_of(scopes="read")
    catalogue.change_proxy(proxy, by="ada", name="Orders", scopes="read write", owner_email="team@example.org")
    record = ChangeRecord.objects.get(verb="change")
    assert record.before == {"scopes": "read", "owner_email": ""}
    assert record.after == {"scopes": "read write", "owner_email": "team@example.org"}
    catalogue.change_proxy(proxy, by="ada", scopes="read write")
    assert ChangeRecord.objects.filter(verb="change").count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "n" * 151},
        {"name": ""},
        {"name": "nul \x00"},
        {"name": "two\nlines"},
        {"name": " in front"},
        {"name": "half \udcff"},
        {"description": "nul \x00"},
        {"description": "half \udcff"},
        {"owner_email": "no address"},
        {"required_match": "some"},
        {"accept_token_in_url": "perhaps"},
        {"scopes": 'quo"te'},
        {"scopes": "read read"},
        {"scopes": "back\\slash"},
        {"required_scopes": "umläut"},
        {"unknown": 1},
    ],
    ids=str,
)
def test_a_value_that_does_not_fit_is_refused_before_any_database_sees_it(db: None, fields: dict[str, Any]) -> None:
    proxy = proxy_of()
    with pytest.raises(InvalidName):
        catalogue.change_proxy(proxy, by="ada", **fields)
    with pytest.raises(InvalidName):
        catalogue.add_proxy(slug="another", by="ada", **{"name": "Another", **fields})


def test_a_description_may_have_lines(db: None) -> None:
    assert proxy_of(description="one\r\n\ttwo").description == "one\r\n\ttwo"


def test_d43_archiving_undeploys_everywhere_and_ends_every_change(db: None) -> None:
    proxy = proxy_of()
    group = catalogue.add_group(name="Commerce", slug="commerce", by="ada")
    environments = [catalogue.add_environment(name=name, slug=name, by="ada") for name in ("one", "two", "three")]
    for environment in environments:
        deployment.deploy(proxy, environment, by="ada")
    deployment.undeploy(proxy, environments[0], by="ada")
    catalogue.archive(proxy, by="ada", note="replaced")
    assert proxy.archived_at is not None
    assert {deployed.generation for deployed in Deployment.objects.all()} == {2}
    assert not Deployment.objects.filter(undeployed_at=None).exists()
    for attempt in (
        lambda: catalogue.archive(proxy, by="ada"),
        lambda: catalogue.change_proxy(proxy, by="ada", name="Other"),
        lambda: catalogue.set_mode(proxy, "credentials", by="ada"),
        lambda: catalogue.set_path_rules(proxy, [], by="ada"),
        lambda: catalogue.add_member(group, proxy, by="ada"),
    ):
        with pytest.raises(Archived):
            attempt()


# --- modes (D26)


def test_d26_the_mode_is_chosen_for_proxy_and_group_and_recorded(db: None) -> None:
    proxy = proxy_of()
    group = catalogue.add_group(name="Commerce", slug="commerce", by="ada")
    assert (proxy.mode, group.mode) == ("own", "own")
    catalogue.set_mode(proxy, "credentials", by="ada")
    catalogue.set_mode(group, "credentials", by="ada")
    assert (proxy.mode, group.mode) == ("credentials", "credentials")
    record = ChangeRecord.objects.filter(verb="set mode").order_by("id")[0]
    assert (record.before, record.after) == ({"mode": "own"}, {"mode": "credentials"})
    with pytest.raises(ProxyError):
        catalogue.set_mode(proxy, "both", by="ada")


# --- groups and members (D14)


def test_d14_members_join_and_leave_and_each_is_recorded_once(db: None) -> None:
    orders, billing = proxy_of(), proxy_of("billing")
    group = catalogue.add_group(name="Commerce", slug="commerce", members=[orders], by="ada")
    catalogue.add_member(group, orders, by="ada")
    catalogue.add_member(group, billing, by="ada")
    catalogue.remove_member(group, orders, by="ada")
    catalogue.remove_member(group, orders, by="ada")
    assert [membership.proxy for membership in GroupMembership.objects.all()] == [billing]
    assert ChangeRecord.objects.filter(verb="add member").count() == 2
    assert ChangeRecord.objects.filter(verb="remove member").count() == 1


# --- path rules (S0.2)


def test_s0_2_scopes_per_method_and_path_are_rules_of_the_proxy(db: None) -> None:
    proxy = proxy_of()
    rules = [Rule("get", "/invoices/*", "read"), Rule("", "/invoices/**", "write  admin", "any")]
    catalogue.set_path_rules(proxy, rules, by="ada")
    kept = [(rule.method, rule.pattern, rule.scopes, rule.match) for rule in PathRule.objects.order_by("id")]
    assert kept == [("GET", "/invoices/*", "read", "all"), ("", "/invoices/**", "write admin", "any")]
    catalogue.set_path_rules(proxy, [], by="ada")
    assert not PathRule.objects.exists()
    assert ChangeRecord.objects.filter(verb="set path rules").count() == 2


@pytest.mark.parametrize(
    "rule",
    [
        Rule("GET", "invoices", "read"),
        Rule("GET", "/invoices", ""),
        Rule("GE T", "/invoices", "read"),
        Rule("GET", "/" + "a" * 255, "read"),
        Rule("GET", "/in voices", "read"),
        Rule("GET", "/invoices", "read", "most"),
    ],
    ids=str,
)
def test_a_path_rule_that_cannot_work_is_refused_and_the_old_ones_stay(db: None, rule: Rule) -> None:
    proxy = proxy_of()
    catalogue.set_path_rules(proxy, [Rule("GET", "/", "read")], by="ada")
    with pytest.raises(ProxyError):
        catalogue.set_path_rules(proxy, [rule], by="ada")
    assert PathRule.objects.get().pattern == "/"


def test_two_rules_for_one_method_and_path_are_refused_and_the_old_ones_stay(db: None) -> None:
    proxy = proxy_of()
    catalogue.set_path_rules(proxy, [Rule("GET", "/", "read")], by="ada")
    with pytest.raises(NameTaken):
        catalogue.set_path_rules(proxy, [Rule("GET", "/a", "read"), Rule("get", "/a", "write")], by="ada")
    assert PathRule.objects.get().pattern == "/"
