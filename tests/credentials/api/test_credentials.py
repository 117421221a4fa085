"""REST of credentials: secrets shown once, rotation beside change, deployment, and what ends what."""

from typing import Any

import pytest
from django.utils import timezone

from credentials import client_keys
from credentials.models import Credential, CredentialKey, CredentialSecret
from proxies.models import ChangeRecord
from tests.api import issued, opens, problem
from tokens.lifecycle import Client

pytestmark = pytest.mark.django_db
BASE = "/api/v1/credentials/"
ANY = {"If-Match": "*"}


def one(credential: Credential, tail: str = "") -> str:
    return f"{BASE}{credential.pk}/{tail}"


def shop(world, *targets) -> Client:
    return world.credential("shop", *(targets or (world.orders,)))


def test_d19_a_credential_is_added_and_its_secret_shown_once(security, world):
    answer = security.post(BASE, {"name": "Shop", "owner_name": "Shop team", "expires_on": "2099-12-31"})

    assert answer.status_code == 201
    found = answer.json()
    assert found["secret"].startswith("lk_cs_")
    assert (found["proxy"], found["group"], len(found["secrets"])) == (None, None, 1)
    again = security.get(f"{BASE}{found['id']}/")
    assert found["secret"] not in again.content.decode()
    assert "digest" not in again.content.decode()
    assert ChangeRecord.objects.filter(verb="open", actor="sam").count() == 1


def test_d26_the_key_of_a_proxy_is_made_by_naming_the_proxy_and_there_is_one(security, world):
    answer = security.post(BASE, {"name": "Key", "proxy": "orders"})
    assert problem(answer) == (409, "holder_has_key")
    assert problem(security.post(BASE, {"name": "Key", "proxy": "orders", "group": "commerce"}))[0] == 400


@pytest.mark.parametrize(
    "more",
    [
        {"client_id": "a b"},
        {"secret": "lk_cs_x"},
        {"key_generation": 7},
        {"deactivated_at": None},
        {"proxy": 1},
        {"proxy": "nothing"},
        {"expires_on": "31.12.2099"},
        {"expires_on": "10000-01-01"},
        {"allowed_addresses": "300.1.1.1"},
        {"auth_methods": ["none"]},
        {"name": ""},
        {"name": {"a": 1}},
    ],
)
def test_mass_assignment_and_odd_values_are_400(security, more):
    answer = security.post(BASE, {"name": "Shop", **more})
    assert problem(answer)[0] == 400
    assert not Credential.objects.exists()


def test_an_edit_is_made_to_a_version(security, world):
    credential = world.credentials["orders"]
    tag = security.get(one(credential)).headers["ETag"]
    changed = security.patch(one(credential), {"allowed_addresses": "192.0.2.0/24"}, headers={"If-Match": tag})
    assert changed.json()["allowed_addresses"] == "192.0.2.0/24"
    assert security.patch(one(credential), {"name": "x"}, headers={"If-Match": tag}).status_code == 412
    for field in ("client_id", "proxy", "key_generation"):
        assert field in security.patch(one(credential), {field: "x"}, headers=ANY).json()["errors"]


def test_d18_rotating_ends_nothing_and_the_old_secret_is_retired_by_hand(security, world):
    client = shop(world)
    credential = world.credentials["shop"]
    token = issued(client)

    rotated = security.post(one(credential, "rotate-secret/"), {})

    assert (rotated.status_code, len(rotated.json()["secrets"])) == (201, 2)
    assert opens(token)
    assert opens(issued(Client(client.client_id, rotated.json()["secret"])))
    assert problem(security.post(one(credential, "rotate-secret/"), {})) == (409, "no_free_secret_slot")
    old = CredentialSecret.objects.filter(credential=credential).earliest("id")
    retired = security.post(one(credential, f"secrets/{old.pk}/retire/"), {})
    assert [bool(each["retired_at"]) for each in retired.json()["secrets"]].count(True) == 1
    newest = CredentialSecret.objects.filter(credential=credential).latest("id")
    assert problem(security.post(one(credential, f"secrets/{newest.pk}/retire/"), {})) == (409, "last_secret")


def test_d18_the_old_secret_retires_at_the_given_moment(security, world):
    credential = world.credentials["orders"]
    security.post(one(credential, "rotate-secret/"), {"retire_old_at": "2099-01-01T00:00:00+02:00"})
    assert CredentialSecret.objects.filter(retire_at__isnull=False).count() == 1
    for odd in ("soon", "9999-12-31T23:59:59-14:00", 7):
        assert problem(security.post(one(credential, "rotate-secret/"), {"retire_old_at": odd}))[0] == 400


def test_b53_a_secret_of_another_credential_is_404(security, world):
    other = CredentialSecret.objects.get(credential=world.credentials["billing"])
    answer = security.post(one(world.credentials["orders"], f"secrets/{other.pk}/retire/"), {})
    assert problem(answer)[0] == 404


def test_s0_33_changing_the_key_tells_what_ends_asks_and_ends_it(security, world):
    client = shop(world)
    credential = world.credentials["shop"]
    token = issued(client)
    url = one(credential, "change-key/")

    told = security.post(f"{url}?dry_run=1", {})
    asked = security.post(url, {})

    assert [line["count"] for line in told.json()["impact"]] == [1, 1, 1]
    assert (problem(asked), asked.json()["confirm"]) == ((428, "confirmation_missing"), "shop")
    assert opens(token)

    changed = security.post(url, {"confirm": "shop", "client_id": "shop-2027"})

    assert (changed.json()["client_id"], changed.json()["key_generation"]) == ("shop-2027", 2)
    assert not opens(token)
    assert opens(issued(Client("shop-2027", changed.json()["secret"])))


def test_s0_32_undeploying_and_d14_deactivating(security, world):
    client = shop(world)
    credential = world.credentials["shop"]
    token = issued(client)

    assert security.post(one(credential, "deactivate/"), {}).status_code == 428
    assert security.post(one(credential, "deactivate/"), {"confirm": "shop"}).json()["deactivated_at"]
    assert not opens(token)
    assert security.post(one(credential, "reactivate/"), {}).json()["deactivated_at"] is None
    assert opens(token)

    place = {"environment": "test", "note": "moved"}
    told = security.post(one(credential, "undeploy/?dry_run=1"), place)
    assert told.json()["impact"][0] == {"label": "Live OAuth2 (opaque) tokens in Test", "count": 1, "detail": ""}
    assert security.post(one(credential, "undeploy/"), place).status_code == 428
    assert security.post(one(credential, "undeploy/"), {**place, "confirm": "shop"}).status_code == 200
    assert security.post(one(credential, "deploy/"), place).json()["generation"] == 2
    assert not opens(token)
    assert problem(security.post(one(credential, "undeploy/"), {"environment": "live", "confirm": "shop"})) == (
        409,
        "credential_not_deployed",
    )


def test_d43_archived_is_for_good_and_the_key_of_a_holder_is_not(security, world):
    shop(world)
    done = security.post(one(world.credentials["shop"], "archive/"), {"confirm": "shop"})
    assert done.json()["archived_at"]
    assert problem(security.post(one(world.credentials["shop"], "rotate-secret/"), {})) == (409, "credential_archived")
    bound = security.post(one(world.credentials["orders"], "archive/"), {"confirm": "key of Orders"})
    assert problem(bound) == (409, "credential_is_bound")


def test_the_list_is_narrowed_and_costs_the_same_however_long(security, world, django_assert_num_queries):
    assert [each["proxy"] for each in security.get(BASE, {"proxy": "orders"}).json()["results"]] == ["orders"]
    assert security.get(BASE, {"client_id": "nobody"}).json()["results"] == []
    with django_assert_num_queries(5):  # session, person, two for permissions, page
        assert len(security.get(BASE).json()["results"]) == 3
    for query in ("expires_before=1e999999", "client_id=%00", "archived=2", "secret=x"):
        assert problem(security.get(f"{BASE}?{query}"))[0] == 400, query


# --- ways of authentication, public keys


def key_pem() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def add(security: Any, world: Any, **more: Any) -> Any:
    body = {"credential": world.clients["orders"].client_id, "upload": key_pem(), "kid": "k1", **more}
    return security.post("/api/v1/client-keys/", body)


def test_the_ways_of_authentication_are_set(security, world):
    credential = world.credentials["orders"]
    done = security.post(one(credential, "set-methods/"), {"auth_methods": ["private_key_jwt"]})
    assert done.json()["auth_methods"] == ["private_key_jwt"]
    for odd in ({"auth_methods": []}, {"auth_methods": ["none"]}, {"auth_methods": ["tls_client_auth"]}, {}):
        assert problem(security.post(one(credential, "set-methods/"), odd))[0] == 400, odd


def test_d18_a_public_key_is_added_and_removed_with_or_without_ending_tokens(security, world):
    token = issued(world.key_of(world.orders))
    made = add(security, world)
    assert made.status_code == 201
    key = made.json()["keys"][0]
    assert (key["kid"], key["algorithms"], key["kind"]) == ("k1", ["ES256"], "key")
    assert problem(add(security, world)) == (400, "unusable_key")

    url = f"/api/v1/client-keys/{key['id']}/"
    assert security.post(f"{url}remove/", {"note": "old"}).json()["removed_at"]
    assert opens(token)

    leaked = add(security, world, kid="k2").json()["keys"][0]
    url = f"/api/v1/client-keys/{leaked['id']}/remove-and-end/"
    told = security.post(f"{url}?dry_run=1", {}).json()
    assert told["impact"][0]["count"] == 1
    assert security.post(url, {}).status_code == 428
    assert security.post(url, {"confirm": told["confirm"]}).json()["removed_at"]
    assert not opens(token)


def test_an_odd_upload_is_400_and_keeps_nothing(security, world):
    for more in [
        {"upload": "no key"},
        {"upload": "-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n-----END PRIVATE KEY-----\n"},
        {"upload": '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}'},
        {"upload": ""},
        {"kid": "a b"},
        {"algorithms": ["none"]},
        {"algorithms": ["RS256"]},
        {"credential": "nobody"},
        {"authority": True},
        {"public_key": "x"},
    ]:
        assert problem(add(security, world, **more))[0] == 400
        assert not CredentialKey.objects.exists()


def test_keys_are_listed_by_client_and_by_their_end(security, world):
    client_keys.add_keys(world.credentials["orders"], key_pem(), by="sam", at=timezone.now())
    url = "/api/v1/client-keys/"
    assert len(security.get(url, {"credential": world.clients["orders"].client_id}).json()["results"]) == 1
    assert security.get(url, {"ends_before": "2099-01-01T00:00:00Z"}).json()["results"] == []
    assert security.get(url, {"removed": "true"}).json()["results"] == []
