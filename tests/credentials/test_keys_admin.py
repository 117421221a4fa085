"""Methods, keys, secrets and addresses on the page of a credential."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client as Browser
from django.urls import reverse

from credentials import client_keys, clients
from credentials.models import Credential, CredentialKey, CredentialSecret, User
from proxies.adminkit import act_url
from tests import world as worlds
from tests.tokens import proofs
from tests.world import World
from tokens import sightings


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


@pytest.fixture
def shop(world: World) -> Credential:
    return world.credentials["orders"]


@pytest.fixture
def root(world: World) -> Browser:
    return browser_of(User.objects.create_superuser("root", password="x"))


def browser_of(user: User) -> Browser:
    browser = Browser()
    browser.force_login(user)
    return browser


def page_of(browser: Browser, credential: Credential, tab: str = "overview") -> str:
    url = reverse("admin:credentials_credential_change", args=[credential.pk])
    return browser.get(url, {"tab": tab}).content.decode()


def post(browser: Browser, subject: Any, act: str, **values: Any) -> Any:
    return browser.post(act_url(subject, act), values)


def test_d18_the_page_shows_both_secrets_when_they_retire_and_when_they_were_last_used(
    world: World, root: Browser, shop: Credential
) -> None:
    world.issue(world.key_of(world.orders))
    sightings.flush()
    assert post(root, shop, "rotate", retire_old_in_days="7").status_code == 200
    first, second = CredentialSecret.objects.filter(credential=shop).order_by("pk")

    shown = page_of(root, shop, "secrets")

    assert (first.slot, second.slot) == (1, 2)
    assert len(re.findall(r"<td>[12]</td>", shown)) == 2
    for at in (first.retire_at, first.last_used_at):
        assert at is not None
        assert f'title="{at:%Y-%m-%d %H:%M:%S} UTC"' in shown
    for secret in (first, second):
        assert secret.digest not in shown


def test_the_older_of_two_secrets_is_retired_by_hand(world: World, root: Browser, shop: Credential) -> None:
    assert act_url(shop, "retire-secret") not in page_of(root, shop)
    clients.rotate_secret(shop, by="ada")
    assert act_url(shop, "retire-secret") in page_of(root, shop)
    first, second = shop.secrets.order_by("pk")

    assert post(root, shop, "retire-secret").status_code == 302

    for secret in (first, second):
        secret.refresh_from_db()
    assert (first.slot, second.slot) == (None, 2)
    assert act_url(shop, "retire-secret") not in page_of(root, shop)


def test_the_list_of_addresses_is_shown_and_changed(root: Browser, shop: Credential) -> None:
    fields = {"name": shop.name, "allowed_addresses": "192.0.2.0/24 2001:db8::/32"}
    assert post(root, shop, "change", **fields).status_code == 302
    assert "192.0.2.0/24 2001:db8::/32" in page_of(root, shop)
    refused = post(root, shop, "change", **{**fields, "allowed_addresses": "everywhere"})
    assert "is no address or network" in refused.content.decode()


def test_methods_are_set_from_those_that_are_on_here(root: Browser, shop: Credential, settings: Any) -> None:
    form = root.get(act_url(shop, "methods")).content.decode()
    assert "private_key_jwt" in form
    assert "tls_client_auth" not in form, "no edge forwards certificates"
    assert "certificate_name" not in form
    assert act_url(shop, "add-authority") not in page_of(root, shop)

    assert post(root, shop, "methods", auth_methods=["private_key_jwt"]).status_code == 302
    shop.refresh_from_db()
    assert shop.auth_methods == "private_key_jwt"
    assert "private_key_jwt" in page_of(root, shop)
    assert post(root, shop, "methods", auth_methods=[]).status_code == 200
    assert post(root, shop, "methods", auth_methods=["none"]).status_code == 200

    settings.CLIENT_CERTIFICATE_HEADER = "X-Client-Certificate"
    assert act_url(shop, "add-authority") in page_of(root, shop)
    refused = post(root, shop, "methods", auth_methods=["tls_client_auth"], certificate_name="shop.example")
    assert "The name of a certificate is" in refused.content.decode()
    good = {"auth_methods": ["tls_client_auth"], "certificate_name": "dns:shop.example"}
    assert post(root, shop, "methods", **good).status_code == 302
    shop.refresh_from_db()
    assert (shop.auth_methods, shop.certificate_name) == ("tls_client_auth", "dns:shop.example")
    # What is switched off meanwhile is not on the form, and stays.
    settings.CLIENT_CERTIFICATE_HEADER = ""
    assert post(root, shop, "methods", auth_methods=["private_key_jwt"]).status_code == 302
    shop.refresh_from_db()
    assert shop.auth_methods == "private_key_jwt tls_client_auth"


def test_a_key_is_added_shown_and_removed(root: Browser, shop: Credential) -> None:
    pem = proofs.public_pem(proofs.private_key("RS256"))
    added = post(root, shop, "add-key", upload=pem, kid="2026-11", algorithms="RS256, PS256")
    assert added.status_code == 302
    key = CredentialKey.objects.get()
    assert (key.kid, key.algorithms) == ("2026-11", "RS256 PS256")
    shown = page_of(root, shop, "secrets")
    assert "2026-11" in shown
    assert reverse("admin:credentials_credentialkey_change", args=[key.pk]) in shown

    assert post(root, key, "remove", note="old").status_code == 302
    key.refresh_from_db()
    assert key.removed_at is not None
    # Nothing is left to remove.
    listing = root.get(reverse("admin:credentials_credentialkey_change", args=[key.pk])).content.decode()
    assert act_url(key, "remove") not in listing


def test_a_private_key_is_refused_and_not_shown_again(root: Browser, shop: Credential) -> None:
    private = proofs.private_pem(proofs.private_key())
    refused = post(root, shop, "add-key", upload=private)
    page = refused.content.decode()
    assert "stays with the client" in page
    assert not any(line in page for line in private.splitlines()), "not even to whom has pasted it"
    assert not CredentialKey.objects.exists()


def test_an_authority_is_added(root: Browser, shop: Credential, settings: Any) -> None:
    settings.CLIENT_CERTIFICATE_HEADER = "X-Client-Certificate"
    pem = proofs.certificate("Example CA", authority=True).pem
    assert post(root, shop, "add-authority", upload=pem).status_code == 302
    assert CredentialKey.objects.get().kind == "authority"
    assert "CN=Example CA" in page_of(root, shop, "secrets")


def test_d18_removing_as_a_change_shows_what_ends_and_wants_the_name(
    world: World, root: Browser, shop: Credential
) -> None:
    world.policy(world.orders, access=3_600)
    from tests.tokens.doors.asking import ask_token, verify

    access = ask_token(world.key_of(world.orders)).json["access_token"]
    (key,) = client_keys.add_keys(shop, proofs.public_pem(proofs.private_key()), by="ada")

    asked = root.get(act_url(key, "remove-and-end")).content.decode()
    assert "Live OAuth2 (opaque) tokens" in asked
    assert "Milder: remove it alone" in asked
    post(root, key, "remove-and-end", typed_name="wrong", note="")
    assert verify(access).status == 200
    assert post(root, key, "remove-and-end", typed_name=str(key), note="leaked").status_code == 302
    assert verify(access).json["error_code"] == "holder_key_changed"


def test_i22_keys_need_their_own_permissions(world: World, shop: Credential) -> None:
    (key,) = client_keys.add_keys(shop, proofs.public_pem(proofs.private_key()), by="ada")
    clerk = User.objects.create_user("clerk", password="x", is_staff=True)
    clerk.user_permissions.set(
        Permission.objects.filter(codename__in=["view_credential", "change_credentialsecret", "view_credentialkey"])
    )
    browser = browser_of(clerk)
    assert browser.get(act_url(shop, "methods")).status_code == 200
    assert browser.get(act_url(shop, "add-key")).status_code == 403
    for act in ("remove", "remove-and-end"):
        assert browser.get(act_url(key, act)).status_code == 403
        assert browser.post(act_url(key, act), {"typed_name": str(key), "note": ""}).status_code == 403
    key.refresh_from_db()
    assert key.removed_at is None
