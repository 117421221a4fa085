"""Public keys and certificates of a credential, and the ways that it may use: each act and its refusals."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from credentials import client_keys, clients
from credentials.clients import Opened
from credentials.errors import CredentialArchived, InvalidCredential, LastSecret, TooManyKeys, UnusableKey
from credentials.models import Credential, CredentialKey
from credentials.rules import Method
from proxies.models import ChangeRecord
from tests.databases import OwnDatabase
from tests.tokens import proofs
from tests.world import START, later


@pytest.fixture
def shop(db: None) -> Credential:
    return opened().credential


def opened() -> Opened:
    return clients.open_credential(name="shop", by="ada", at=START)


def key_of(number: int = 0) -> str:
    return proofs.public_pem(proofs.private_key("ES256", number))


def generation(credential: Credential) -> int:
    return Credential.objects.get(pk=credential.pk).key_generation


def test_a_key_is_kept_as_it_was_uploaded_and_recorded(shop: Credential) -> None:
    (kept,) = client_keys.add_keys(shop, key_of(), kid="2026-11", by="ada", at=START)
    kept.refresh_from_db()
    assert (kept.kind, kept.kid, kept.algorithms, kept.created_at) == ("key", "2026-11", "ES256", START)
    assert kept.public_key == key_of()
    record = ChangeRecord.objects.latest("id")
    assert (record.verb, record.actor, record.subject_name) == ("add key", "ada", "shop")
    assert "2026-11" in str(record.after)


def test_a_key_id_names_one_key_in_service(shop: Credential) -> None:
    (kept,) = client_keys.add_keys(shop, key_of(), kid="mine", by="ada")
    with pytest.raises(UnusableKey, match="key id already"):
        client_keys.add_keys(shop, key_of(1), kid="mine", by="ada")
    with pytest.raises(IntegrityError), transaction.atomic():
        CredentialKey.objects.create(credential=shop, kind="key", kid="mine", public_key="x", created_at=START)
    client_keys.remove_key(kept, by="ada")
    client_keys.add_keys(shop, key_of(1), kid="mine", by="ada")
    other = opened().credential
    client_keys.add_keys(other, key_of(), kid="mine", by="ada")


def test_an_upload_is_kept_whole_or_not_at_all(shop: Credential) -> None:
    client_keys.add_keys(shop, key_of(1), by="ada")
    with pytest.raises(UnusableKey):
        client_keys.add_keys(shop, key_of(0) + key_of(1), by="ada")
    assert CredentialKey.objects.count() == 1
    assert len(client_keys.add_keys(shop, key_of(0) + key_of(2), by="ada")) == 2


def test_b23_a_credential_has_ten_keys_at_most(shop: Credential) -> None:
    client_keys.add_keys(shop, "".join(key_of(number) for number in range(9)), by="ada")
    with pytest.raises(TooManyKeys):
        client_keys.add_keys(shop, key_of(10) + key_of(11), by="ada")
    (last,) = client_keys.add_keys(shop, key_of(10), by="ada")
    with pytest.raises(TooManyKeys):
        client_keys.add_authority(shop, proofs.certificate("CA", authority=True).pem, by="ada")
    client_keys.remove_key(last, by="ada")
    client_keys.add_keys(shop, key_of(11), by="ada")


def add_one(index: int, credential_id: int) -> None:
    client_keys.add_keys(Credential.objects.get(pk=credential_id), key_of(index), by="ada")


def test_b23_no_eleventh_key_by_twelve_callers_at_a_time(own_database: OwnDatabase) -> None:
    shop = opened().credential
    for number in range(12):
        key_of(number)
    outcomes = own_database.run_in_threads(12, add_one, shop.pk)
    assert sum(isinstance(outcome.error, TooManyKeys) for outcome in outcomes) == 2
    assert CredentialKey.objects.filter(removed_at=None).count() == 10


@pytest.mark.parametrize("change", [False, True])
def test_d18_removing_a_key_ends_tokens_only_if_asked_for(shop: Credential, change: bool) -> None:
    (kept,) = client_keys.add_keys(shop, key_of(), by="ada", at=START)
    before = generation(shop)

    client_keys.remove_key(kept, by="ada", change=change, at=later(1))

    assert (kept.removed_at, generation(shop)) == (later(1), before + change)
    assert ChangeRecord.objects.latest("id").after == {"kid": kept.kid, "tokens_ended": change}
    # Again is no second removal, and no change either.
    client_keys.remove_key(kept, by="eve", change=True, at=later(2))
    assert (kept.removed_at, generation(shop)) == (later(1), before + change)


def test_d43_an_archived_credential_has_no_key_and_gets_none(shop: Credential) -> None:
    client_keys.add_keys(shop, key_of(), by="ada")
    clients.archive(shop, by="ada", at=START)
    assert CredentialKey.objects.get().removed_at == START
    with pytest.raises(CredentialArchived):
        client_keys.add_keys(shop, key_of(1), by="ada")
    with pytest.raises(CredentialArchived):
        clients.set_methods(shop, ["private_key_jwt"], by="ada")


def test_an_authority_issues_others_and_signs_nothing_itself(shop: Credential) -> None:
    authority = proofs.certificate("CA", authority=True)
    kept = client_keys.add_authority(shop, authority.pem, by="ada")
    assert (kept.kind, kept.algorithms) == ("authority", "")
    leaf = proofs.certificate("shop.example", by=authority)
    for upload in (leaf.pem, key_of(), leaf.pem + authority.pem):
        with pytest.raises(UnusableKey):
            client_keys.add_authority(shop, upload, by="ada")


def test_a_chain_is_no_list_of_certificates_of_the_client(shop: Credential) -> None:
    authority = proofs.certificate("CA", authority=True)
    with pytest.raises(UnusableKey, match="chain"):
        client_keys.add_keys(shop, proofs.certificate("shop.example", by=authority).pem + authority.pem, by="ada")
    # What `openssl req -x509` makes says that it is an authority; alone it is the client's own.
    (kept,) = client_keys.add_keys(shop, authority.pem, by="ada")
    assert kept.kind == "certificate"


# ---------------------------------------------------------------------------------------------- methods


def test_r13_a_new_credential_may_use_secrets_and_nothing_else(shop: Credential) -> None:
    assert shop.auth_methods.split() == ["client_secret_basic", "client_secret_post"]


def test_methods_are_set_and_recorded(shop: Credential) -> None:
    clients.set_methods(shop, ["private_key_jwt", "private_key_jwt"], by="ada", at=START)
    assert shop.auth_methods == "private_key_jwt"
    record = ChangeRecord.objects.latest("id")
    assert record.verb == "set methods"
    assert record.after == {"auth_methods": "private_key_jwt", "certificate_name": ""}
    count = ChangeRecord.objects.count()
    clients.set_methods(shop, ["private_key_jwt"], by="ada")
    assert ChangeRecord.objects.count() == count, "nothing changed, nothing recorded"
    assert generation(shop) == 1


@pytest.mark.parametrize("methods", [[], ["none"], ["client_secret_jwt"], ["private_key_jwt", "x"], [""]])
def test_methods_that_there_are_not_are_refused(shop: Credential, methods: list[str]) -> None:
    with pytest.raises(InvalidCredential):
        clients.set_methods(shop, methods, by="ada")


@pytest.mark.parametrize(
    "name", ["dns:shop.example", "dn:CN=shop,O=Example", "uri:spiffe://x/y", "ip:::1", "email:a@b"]
)
def test_tls_client_auth_needs_the_name_that_certificates_must_have(shop: Credential, name: str) -> None:
    with pytest.raises(InvalidCredential, match="must name"):
        clients.set_methods(shop, ["tls_client_auth"], by="ada")
    clients.set_methods(shop, ["tls_client_auth"], certificate_name=name, by="ada")
    assert shop.certificate_name == name
    clients.set_methods(shop, list(Method), by="ada")
    assert shop.certificate_name == name, "it stays where none is given"


@pytest.mark.parametrize(
    "name",
    [
        "shop.example",
        "dns:",
        "dns:*.example",
        "dns:a b",
        "dn:",
        "dn:shop",
        "dn:XX=1",
        "ip:x",
        "uri:",
        "x:y",
        "dns:ü.example",
        "dns:" + "a" * 252,
    ],
)
def test_a_name_that_no_certificate_can_be_asked_for_is_refused(shop: Credential, name: str) -> None:
    with pytest.raises(InvalidCredential):
        clients.set_methods(shop, ["tls_client_auth"], certificate_name=name, by="ada")


def test_the_last_secret_stays_as_long_as_the_client_may_use_one(shop: Credential) -> None:
    secret = shop.secrets.get()
    with pytest.raises(LastSecret):
        clients.retire_secret(secret, by="ada")
    clients.set_methods(shop, ["private_key_jwt"], by="ada")
    clients.retire_secret(secret, by="ada")
    assert not shop.secrets.filter(slot__isnull=False).exists()
    # And a new one is there when it is wanted again.
    clients.set_methods(shop, ["client_secret_basic"], by="ada")
    assert clients.rotate_secret(shop, by="ada").startswith("lk_cs_")
