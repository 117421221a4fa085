"""Credentials: open, secrets, keys, deployment, activity, grants."""

from datetime import date, timedelta
from typing import Any

import pytest

from credentials import clients, identify, secrets
from credentials.clients import Opened
from credentials.errors import (
    ClientAuthenticationFailed,
    CredentialArchived,
    CredentialError,
    CredentialIsBound,
    CredentialNotDeployed,
    HolderHasKey,
    InvalidCredential,
    LastSecret,
    NoFreeSecretSlot,
)
from credentials.models import Credential, CredentialDeployment, CredentialSecret, Grant, User
from credentials.rules import ClientFacts, Method
from proxies import catalogue
from proxies.errors import Archived, InvalidName
from proxies.models import ApiProxy, ChangeRecord, Environment
from tests.databases import OwnDatabase
from tests.world import START, later


def opened_of(name: str = "shop", **fields: Any) -> Opened:
    return clients.open_credential(name=name, by="ada", at=START, **fields)


def proxy_of(slug: str = "orders") -> ApiProxy:
    return catalogue.add_proxy(name=slug.title(), slug=slug, by="test", at=START)


def environment_of(slug: str = "test") -> Environment:
    return catalogue.add_environment(name=slug.title(), slug=slug, by="test", at=START)


def proves(credential: Credential, secret: str, at: float = 0) -> bool:
    """What the token endpoint would find."""
    kept = Credential.objects.get(pk=credential.pk)
    slots = {slot: kept.secrets.filter(slot=slot).first() for slot in (1, 2)}
    facts = ClientFacts(
        credential_id=kept.pk, client_id=kept.client_id, name=kept.name, proxy_id=None, group_id=None,
        key_generation=kept.key_generation, expires_on=None, deactivated_at=None, archived_at=kept.archived_at,
        allowed_addresses="", auth_methods=kept.auth_methods, certificate_name=kept.certificate_name,
        first_secret_id=slots[1].pk if slots[1] else None,
        second_secret_id=slots[2].pk if slots[2] else None,
        first_digest=slots[1].digest if slots[1] else None, first_retire_at=slots[1].retire_at if slots[1] else None,
        second_digest=slots[2].digest if slots[2] else None, second_retire_at=slots[2].retire_at if slots[2] else None,
    )  # fmt: skip
    try:
        shown = identify.Shown(Method.SECRET_BASIC, secret)
        place = identify.Place("192.0.2.7", audiences=(), methods=tuple(Method))
        identify.client(facts, shown, place=place, now=later(at), spend=lambda used: False)
    except ClientAuthenticationFailed:
        return False
    return True


# --- opening


def test_d19_a_secret_is_returned_once_and_kept_as_a_keyed_hash(db: None) -> None:
    opened = opened_of()
    kept = CredentialSecret.objects.get()
    assert kept.slot == 1
    assert kept.digest == secrets.digest(opened.secret)
    assert opened.secret not in str(ChangeRecord.objects.values_list("before", "after", "note", "subject_name"))
    assert proves(opened.credential, opened.secret)


def test_ids_and_secrets_have_unreserved_characters_only(db: None) -> None:
    opened = opened_of()
    assert secrets.kind_of(opened.secret) == secrets.CLIENT_SECRET
    unreserved = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-")
    assert set(opened.secret + opened.client_id) <= unreserved
    for client_id in ("a:b", "a b", "a+b", "a%20b", "ab", "a" * 101, "umläut", "line\n"):
        with pytest.raises(InvalidCredential):
            opened_of(client_id=client_id)
    assert opened_of(client_id="My.own_client~id-1").client_id == "My.own_client~id-1"


def test_a_client_id_is_had_by_one_credential_ever(db: None) -> None:
    taken = opened_of(client_id="shop")
    clients.archive(taken.credential, by="ada")
    with pytest.raises(InvalidCredential, match="in use"):
        opened_of("other", client_id="shop")
    with pytest.raises(InvalidCredential, match="in use"):
        opened_of("other", client_id="shop", proxy=proxy_of())
    other = opened_of("other")
    with pytest.raises(InvalidCredential, match="in use"):
        clients.change_key(other.credential, by="ada", client_id="shop")
    assert proves(other.credential, other.secret), "a refused change changes nothing"


def test_d26_a_proxy_or_group_has_one_key_and_a_key_one_holder(db: None) -> None:
    proxy, group = proxy_of(), catalogue.add_group(name="Commerce", slug="commerce", by="ada")
    opened_of(proxy=proxy)
    opened_of(group=group)
    with pytest.raises(HolderHasKey):
        opened_of(proxy=proxy)
    with pytest.raises(HolderHasKey):
        opened_of(group=group)
    with pytest.raises(InvalidCredential):
        opened_of(proxy=proxy_of("billing"), group=group)


def test_d43_the_archived_get_no_key_and_no_grant(db: None) -> None:
    proxy = proxy_of()
    catalogue.archive(proxy, by="ada")
    with pytest.raises(Archived):
        opened_of(proxy=proxy)
    with pytest.raises(Archived):
        clients.grant(to=opened_of().credential, target=proxy, by="ada")


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "n" * 151},
        {"owner_email": "nobody"},
        {"owner_name": "nul\x00"},
        {"allowed_addresses": "192.0.2.0/24 somewhere"},
        {"expires_on": "soon"},
        {"key_generation": 7},
        {"deactivated_at": None},
    ],
    ids=str,
)
def test_a_value_that_cannot_work_is_refused(db: None, fields: dict[str, Any]) -> None:
    opened = opened_of()
    with pytest.raises(InvalidCredential):
        clients.change_credential(opened.credential, by="ada", **fields)
    with pytest.raises(InvalidCredential):
        clients.open_credential(**{"name": "other", "by": "ada", **fields})
    assert Credential.objects.count() == 1


def test_d43_a_change_of_the_owner_is_recorded(db: None) -> None:
    opened = opened_of()
    clients.change_credential(
        opened.credential, by="ada", owner_name="Team Shop", owner_email="shop@example.org", expires_on=date(2027, 1, 1)
    )
    record = ChangeRecord.objects.get(verb="change")
    assert record.after == {"owner_name": "Team Shop", "owner_email": "shop@example.org", "expires_on": "2027-01-01"}
    assert opened.credential.expires_on == date(2027, 1, 1)


# --- rotate (D18)


def test_d18_rotating_puts_a_second_secret_beside_the_first_and_raises_nothing(db: None) -> None:
    opened = opened_of()
    second = clients.rotate_secret(opened.credential, by="ada", at=later(1))
    assert proves(opened.credential, opened.secret, at=2)
    assert proves(opened.credential, second, at=2)
    opened.credential.refresh_from_db()
    assert opened.credential.key_generation == 1


def test_d18_the_old_secret_ends_at_its_retire_date_and_the_new_one_does_not(db: None) -> None:
    opened = opened_of()
    second = clients.rotate_secret(opened.credential, by="ada", retire_old_at=later(100), at=later(1))
    assert proves(opened.credential, opened.secret, at=99)
    assert not proves(opened.credential, opened.secret, at=100)
    assert proves(opened.credential, second, at=100)


def test_d18_a_third_secret_is_refused_until_a_slot_is_free_again(db: None) -> None:
    opened = opened_of()
    clients.rotate_secret(opened.credential, by="ada", retire_old_at=later(100), at=later(1))
    with pytest.raises(NoFreeSecretSlot):
        clients.rotate_secret(opened.credential, by="ada", at=later(99))
    third = clients.rotate_secret(opened.credential, by="ada", at=later(100))
    assert proves(opened.credential, third, at=101)
    old = CredentialSecret.objects.get(digest=secrets.digest(opened.secret))
    assert (old.slot, old.retired_at) == (None, later(100))


def test_parallel_rotations_never_make_a_third_secret(own_database: OwnDatabase) -> None:
    opened = opened_of()
    outcomes = own_database.run_in_threads(
        8, lambda index: clients.rotate_secret(opened.credential, by=f"caller {index}")
    )
    assert sorted(type(outcome.error).__name__ for outcome in outcomes) == ["NoFreeSecretSlot"] * 7 + ["NoneType"]
    assert CredentialSecret.objects.filter(slot__isnull=False).count() == 2


# --- retire


def test_d18_a_secret_is_retired_by_hand_and_the_only_one_stays(db: None) -> None:
    opened = opened_of()
    first = CredentialSecret.objects.get()
    with pytest.raises(LastSecret):
        clients.retire_secret(first, by="ada")
    second = clients.rotate_secret(opened.credential, by="ada", at=later(1))
    clients.retire_secret(first, by="ada", at=later(2))
    assert not proves(opened.credential, opened.secret, at=3)
    assert proves(opened.credential, second, at=3)
    clients.retire_secret(first, by="ada", at=later(9))
    first.refresh_from_db()
    assert first.retired_at == later(2), "the first time stays"
    assert ChangeRecord.objects.filter(verb="retire").count() == 1


def test_a_secret_that_is_due_does_not_count_as_the_other_one(db: None) -> None:
    opened = opened_of()
    clients.rotate_secret(opened.credential, by="ada", retire_old_at=later(10), at=START)
    new = CredentialSecret.objects.get(slot=2)
    with pytest.raises(LastSecret):
        clients.retire_secret(new, by="ada", at=later(10))


def test_parallel_retirements_of_both_secrets_leave_one(own_database: OwnDatabase) -> None:
    for round_ in range(5):
        opened = opened_of(f"shop {round_}")
        clients.rotate_secret(opened.credential, by="ada")
        both = list(opened.credential.secrets.order_by("slot"))
        outcomes = own_database.run_in_threads(2, lambda index, both=both: clients.retire_secret(both[index], by="ada"))
        assert sorted(type(outcome.error).__name__ for outcome in outcomes) == ["LastSecret", "NoneType"]
        assert opened.credential.secrets.filter(slot__isnull=False).count() == 1


# --- change (D18)


def test_d18_changing_the_key_replaces_every_secret_and_raises_the_generation(db: None) -> None:
    opened = opened_of()
    second = clients.rotate_secret(opened.credential, by="ada", at=later(1))
    new = clients.change_key(opened.credential, by="ada", at=later(2))
    assert opened.credential.key_generation == 2
    assert proves(opened.credential, new, at=3)
    assert not proves(opened.credential, opened.secret, at=3)
    assert not proves(opened.credential, second, at=3)
    assert CredentialSecret.objects.filter(slot__isnull=False).count() == 1


def test_d18_the_client_id_may_change_with_the_key(db: None) -> None:
    opened = opened_of(client_id="shop")
    clients.change_key(opened.credential, by="ada", client_id="shop-2")
    assert opened.credential.client_id == "shop-2"
    assert ChangeRecord.objects.get(verb="change key").after == {"client_id": "shop-2", "tokens_ended": True}
    with pytest.raises(InvalidCredential):
        clients.change_key(opened.credential, by="ada", client_id="a:b")
    assert opened.credential.key_generation == 2


def test_parallel_changes_and_rotations_leave_at_most_two_secrets_and_lose_no_generation(
    own_database: OwnDatabase,
) -> None:
    opened = opened_of()

    def race(index: int) -> str:
        mine = Credential.objects.get(pk=opened.credential.pk)
        return clients.change_key(mine, by="ada") if index % 2 else clients.rotate_secret(mine, by="ada")

    outcomes = own_database.run_in_threads(8, race)
    assert {type(outcome.error) for outcome in outcomes} <= {type(None), NoFreeSecretSlot}
    opened.credential.refresh_from_db()
    assert opened.credential.key_generation == 5
    assert opened.credential.secrets.filter(slot__isnull=False).count() in (1, 2)


# --- deployment (D11)


def test_d11_undeploying_a_credential_raises_its_generation_and_redeploying_keeps_it(db: None) -> None:
    opened, environment = opened_of(), environment_of()
    made = clients.deploy(opened.credential, environment, by="ada", at=START)
    assert made.generation == 1
    assert clients.deploy(opened.credential, environment, by="ada", at=later(1)).deployed_at == START
    clients.undeploy(opened.credential, environment, by="ada", at=later(2))
    again = clients.deploy(opened.credential, environment, by="ada", at=later(3))
    assert (again.pk, again.generation, again.deployed_at, again.undeployed_at) == (made.pk, 2, later(3), None)
    clients.undeploy(opened.credential, environment, by="ada")
    with pytest.raises(CredentialNotDeployed):
        clients.undeploy(opened.credential, environment, by="ada")


def test_parallel_undeploys_of_a_credential_raise_its_generation_once(own_database: OwnDatabase) -> None:
    opened, environment = opened_of(), environment_of()
    clients.deploy(opened.credential, environment, by="ada")
    outcomes = own_database.run_in_threads(
        8, lambda index: clients.undeploy(opened.credential, environment, by=f"caller {index}")
    )
    assert sorted(type(outcome.error).__name__ for outcome in outcomes) == ["CredentialNotDeployed"] * 7 + ["NoneType"]
    assert CredentialDeployment.objects.get().generation == 2


def test_d26_the_key_of_a_proxy_has_no_deployment_and_no_grant_of_its_own(db: None) -> None:
    proxy, environment = proxy_of(), environment_of()
    key = opened_of(proxy=proxy).credential
    with pytest.raises(CredentialIsBound):
        clients.deploy(key, environment, by="ada")
    with pytest.raises(CredentialIsBound):
        clients.grant(to=key, target=proxy, by="ada")
    with pytest.raises(CredentialIsBound):
        clients.archive(key, by="ada")


# --- activity (D14)


def test_d14_deactivating_is_undone_by_reactivating_and_each_is_recorded_once(db: None) -> None:
    credential = opened_of().credential
    clients.deactivate(credential, by="ada", note="holiday", at=later(1))
    clients.deactivate(credential, by="bob", at=later(2))
    assert Credential.objects.get().deactivated_at == later(1)
    clients.reactivate(credential, by="ada", at=later(3))
    clients.reactivate(credential, by="ada", at=later(4))
    assert Credential.objects.get().deactivated_at is None
    verbs = list(ChangeRecord.objects.exclude(verb="open").order_by("id").values_list("verb", "actor", "note"))
    assert verbs == [("deactivate", "ada", "holiday"), ("reactivate", "ada", "")]


def test_d43_an_archived_credential_stays_and_is_of_no_more_use(db: None) -> None:
    opened, environment, proxy = opened_of(), environment_of(), proxy_of()
    credential = opened.credential
    clients.archive(credential, by="ada", at=later(1))
    assert not proves(credential, opened.secret, at=2)
    for attempt in (
        lambda: clients.archive(credential, by="ada"),
        lambda: clients.rotate_secret(credential, by="ada"),
        lambda: clients.change_key(credential, by="ada"),
        lambda: clients.change_credential(credential, by="ada", name="other"),
        lambda: clients.deploy(credential, environment, by="ada"),
        lambda: clients.deactivate(credential, by="ada"),
        lambda: clients.reactivate(credential, by="ada"),
        lambda: clients.grant(to=credential, target=proxy, by="ada"),
        lambda: clients.retire_secret(CredentialSecret.objects.get(), by="ada"),
    ):
        with pytest.raises(CredentialArchived):
            attempt()


# --- grants (D14)


def test_d14_granting_again_changes_the_one_grant_and_revives_a_withdrawn_one(db: None) -> None:
    credential, proxy = opened_of().credential, proxy_of()
    first = clients.grant(
        to=credential, target=proxy, scopes="read write", expires_on=date(2026, 6, 1), disallowed_methods="delete",
        by="ada", at=START,
    )  # fmt: skip
    assert (first.scopes, first.disallowed_methods) == ("read write", "DELETE")
    clients.withdraw(first, by="ada", at=later(1))
    clients.withdraw(first, by="ada", at=later(2))
    first.refresh_from_db()
    assert first.withdrawn_at == later(1)
    again = clients.grant(to=credential, target=proxy, scopes="read", by="ada", at=later(3))
    assert (again.pk, again.scopes, again.expires_on, again.disallowed_methods) == (first.pk, "read", None, "")
    assert again.withdrawn_at is None
    verbs = list(ChangeRecord.objects.filter(subject_kind="credential").order_by("id").values_list("verb", flat=True))
    assert verbs == ["open", "grant", "withdraw", "grant"]


def test_users_are_granted_like_credentials(db: None) -> None:
    user = User.objects.create_user("ada")
    group = catalogue.add_group(name="Commerce", slug="commerce", by="ada")
    made = clients.grant(to=user, target=group, by="root")
    assert (made.user, made.credential, made.group, made.proxy) == (user, None, group, None)


@pytest.mark.parametrize("terms", [{"scopes": 'quo"te'}, {"disallowed_methods": "EAT"}], ids=str)
def test_a_grant_that_cannot_work_is_refused(db: None, terms: dict[str, Any]) -> None:
    with pytest.raises((CredentialError, InvalidName)):
        clients.grant(to=opened_of().credential, target=proxy_of(), by="ada", **terms)
    assert not Grant.objects.exists()


def test_parallel_grants_of_one_pair_leave_one_row(own_database: OwnDatabase) -> None:
    credential, proxy = opened_of().credential, proxy_of()
    outcomes = own_database.run_in_threads(
        8, lambda index: clients.grant(to=credential, target=proxy, by=f"caller {index}")
    )
    assert [outcome.error for outcome in outcomes] == [None] * 8
    assert Grant.objects.count() == 1


def test_d16_every_verb_keeps_the_moment_it_is_given(db: None) -> None:
    opened, environment = opened_of(), environment_of()
    moment = START + timedelta(days=400)
    clients.deploy(opened.credential, environment, by="ada", at=moment)
    clients.rotate_secret(opened.credential, by="ada", at=moment)
    assert CredentialDeployment.objects.get().deployed_at == moment
    assert CredentialSecret.objects.get(slot=2).created_at == moment
    assert set(ChangeRecord.objects.filter(verb__in=("deploy", "rotate")).values_list("at", flat=True)) == {moment}
