"""A client that proves itself by a signed assertion (RFC 7523, R17), by the doors."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from credentials import client_keys, clients
from credentials.models import CredentialKey, UsedAssertion
from credentials.public_keys import ALGORITHMS
from tests.databases import OwnDatabase
from tests.tokens import proofs
from tests.tokens.doors.asking import INTROSPECT, REVOKE, TOKEN, check_error, last_row, rows, verify
from tests.world import Answered, World, build, call
from tokens import lifecycle


class Shop:
    """The key of `orders`, which may use private_key_jwt alone."""

    def __init__(self, world: World, algorithm: str = "ES256") -> None:
        self.credential = world.credentials["orders"]
        self.client_id = self.credential.client_id
        self.algorithm = algorithm
        self.key = proofs.private_key(algorithm)
        clients.set_methods(self.credential, ["private_key_jwt"], by="test")
        (self.record,) = client_keys.add_keys(self.credential, proofs.public_pem(self.key), by="test")

    def assertion(self, **changed: Any) -> str:
        return proofs.assertion(self.client_id, self.key, algorithm=self.algorithm, **changed)

    def ask(self, path: str = TOKEN, *, signed: str | None = None, **form: str) -> Answered:
        base = {"grant_type": "client_credentials"} if path.endswith("/token") else {}
        return call(path, {**base, **proofs.form(signed or self.assertion()), **form})


@pytest.fixture
def shop(world: World) -> Shop:
    return Shop(world)


def refused(answered: Answered, sentence: str = "") -> None:
    """401 as any failed client authentication, and one row that tells a little more (R12)."""
    check_error(answered, 401, "invalid_client", "client_auth_failed")
    assert "WWW-Authenticate" not in answered.headers
    assert sentence in answered.json["error_description"]


# ---------------------------------------------------------------------------------------------- what it is good for


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_s3_3_i20_a_signed_assertion_gets_a_token_that_opens_the_api(world: World, algorithm: str) -> None:
    shop = Shop(world, algorithm)

    answered = shop.ask()

    assert answered.status == 200, answered.body
    assert verify(answered.json["access_token"]).status == 200
    assert last_row().client_id == shop.client_id


def test_s3_3_it_refreshes_introspects_and_revokes_in_the_same_way(shop: Shop) -> None:
    granted = shop.ask().json

    refreshed = shop.ask(grant_type="refresh_token", refresh_token=granted["refresh_token"])
    access = refreshed.json["access_token"]
    told = shop.ask(INTROSPECT, token=access)
    revoked = shop.ask(REVOKE, token=access)

    assert (refreshed.status, told.json["active"], revoked.status) == (200, True, 200)
    assert "cnf" not in told.json
    assert verify(access).status == 401
    assert UsedAssertion.objects.count() == 4


def test_s3_5_header_and_claims_are_utf_8_json_in_base64url(shop: Shop) -> None:
    """Raw bytes in place of a library: what RFC 7519 section 3 writes, with letters that are not ASCII."""
    body = {**proofs.claims(shop.client_id), "note": "Grüße aus Zürich"}
    raw = json.dumps(body, ensure_ascii=False).encode("utf-8")
    good = proofs.signed_as({"alg": "ES256"}, raw, shop.key)

    assert shop.ask(signed=good).status == 200
    latin = json.dumps({**body, "jti": "2"}, ensure_ascii=False).encode("latin-1")
    refused(shop.ask(signed=proofs.signed_as({"alg": "ES256"}, latin, shop.key)))
    head, claims, signature = shop.assertion().split(".")
    padded = base64.urlsafe_b64encode(base64.urlsafe_b64decode(claims + "==")).decode() + "="
    refused(shop.ask(signed=f"{head}.{padded}.{signature}"))


@pytest.mark.parametrize("audience", [proofs.ISSUER, proofs.TOKEN_URL])
def test_r17_aud_is_the_issuer_or_the_token_endpoint_at_every_endpoint(shop: Shop, audience: str) -> None:
    access = shop.ask(signed=shop.assertion(aud=audience)).json["access_token"]
    assert shop.ask(INTROSPECT, signed=shop.assertion(aud=audience), token=access).json["active"]
    assert shop.ask(REVOKE, signed=shop.assertion(aud=audience), token=access).status == 200


def test_r17_each_environment_is_an_audience_of_its_own(shop: Shop) -> None:
    live = f"{proofs.ISSUER}/env/live"
    for audience in (live, f"{live}/oauth2/token"):
        signed = shop.assertion(aud=audience)
        refused(shop.ask(signed=signed), "aud of the assertion")
        assert shop.ask("/env/live/oauth2/token", signed=signed).status == 200
    refused(shop.ask("/env/live/oauth2/token"), "aud of the assertion")
    # The default environment by its slug is the same issuer.
    assert shop.ask("/env/test/oauth2/token").status == 200


# ---------------------------------------------------------------------------------------------- R17, claim by claim


def at(seconds: float) -> float:
    return time.time() + seconds


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another issuer": ({"iss": "other"}, "iss and sub"),
    "no issuer": ({"iss": None}, "iss and sub"),
    "the server as issuer": ({"iss": proofs.ISSUER}, "iss and sub"),
    "no audience": ({"aud": None}, "aud of the assertion"),
    "an audience in a list": ({"aud": [proofs.ISSUER]}, "aud of the assertion"),
    "two audiences": ({"aud": [proofs.ISSUER, "https://evil.example"]}, "aud of the assertion"),
    "another audience": ({"aud": "https://evil.example"}, "aud of the assertion"),
    "an issuer with a slash": ({"aud": proofs.ISSUER + "/"}, "aud of the assertion"),
    "the revocation endpoint": ({"aud": f"{proofs.ISSUER}/oauth2/revoke"}, "aud of the assertion"),
    "no exp": ({"exp": None}, "needs exp"),
    "an exp that is text": ({"exp": "4102444800"}, "needs exp"),
    "an exp that is true": ({"exp": True}, "needs exp"),
    "an exp just past": ({"exp": -1}, "expired"),
    "an exp eleven minutes ahead": ({"exp": 660}, "ten minutes"),
    "an exp without end": ({"exp": 10**400}, "ten minutes"),
    "an iat a minute ahead": ({"iat": 60}, "in the future"),
    "an nbf a minute ahead": ({"nbf": 60}, "in the future"),
    "an iat that is text": ({"iat": "now"}, "in the future"),
    "no jti": ({"jti": None}, "jti"),
    "an empty jti": ({"jti": ""}, "jti"),
    "a jti that is a number": ({"jti": 7}, "jti"),
    "a jti that is a list": ({"jti": ["7"]}, "jti"),
    "an over-long jti": ({"jti": "j" * 256}, "jti"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_r17_an_assertion_with_a_wrong_claim_is_refused(shop: Shop, wrong: str) -> None:
    changed, sentence = WRONG[wrong]
    relative = {
        name: at(value) if name in ("exp", "iat", "nbf") and type(value) is int and abs(value) < 10_000 else value
        for name, value in changed.items()
    }
    body = proofs.claims(shop.client_id, **relative)
    before = rows()

    answered = shop.ask(signed=proofs.signed_as({"alg": "ES256", "typ": "JWT"}, body, shop.key))

    refused(answered, sentence)
    assert rows() == before + 1
    assert (last_row().reason, last_row().client_id) == ("assertion_refused", shop.client_id)
    assert not UsedAssertion.objects.exists()


@pytest.mark.parametrize(
    "near",
    [{"exp": 590}, {"iat": 25}, {"nbf": 25}, {"iat": -86_400}, {"exp": 59.5}, {"jti": "ü" * 255}],
    ids=str,
)
def test_r17_inside_the_limits_it_is_good(shop: Shop, near: dict[str, Any]) -> None:
    changed = {name: at(value) if name != "jti" else value for name, value in near.items()}
    assert shop.ask(signed=shop.assertion(**changed)).status == 200


def test_r17_sub_names_the_client_and_nobody_elses_key_will_do(world: World, shop: Shop) -> None:
    other = world.credentials["billing"]
    client_keys.add_keys(other, proofs.public_pem(proofs.private_key("ES256", 1)), by="test")
    clients.set_methods(other, ["private_key_jwt"], by="test")
    # Signed by the shop in the name of billing; and by billing with the shop as issuer.
    forged = proofs.assertion(other.client_id, shop.key)
    mixed = proofs.assertion(shop.client_id, proofs.private_key("ES256", 1), sub=other.client_id)

    for signed in (forged, mixed):
        refused(shop.ask(signed=signed))
    refused(shop.ask(signed=shop.assertion(sub="nobody")))
    refused(shop.ask(signed=shop.assertion(sub=None)))
    refused(shop.ask(signed=shop.assertion(sub=7)))


def test_r17_a_client_id_beside_it_must_be_the_same(shop: Shop) -> None:
    assert shop.ask(client_id=shop.client_id).status == 200
    check_error(shop.ask(client_id="other"), 400, "invalid_request", None)


# ---------------------------------------------------------------------------------------------- once


def test_b14_a_jti_proves_its_client_once(shop: Shop) -> None:
    signed = shop.assertion()
    assert shop.ask(signed=signed).status == 200

    for _ in range(2):
        refused(shop.ask(signed=signed), "used before")
    # Nor at another endpoint, nor with other words around it.
    refused(shop.ask(INTROSPECT, signed=signed, token="x"), "used before")
    refused(shop.ask(signed=shop.assertion(jti=jwt.decode(signed, options={"verify_signature": False})["jti"])))


def test_b14_a_jti_is_used_up_where_the_request_is_refused_for_another_reason(shop: Shop) -> None:
    signed = shop.assertion()
    check_error(shop.ask(signed=signed, scope="admin"), 400, "invalid_scope", None)
    refused(shop.ask(signed=signed), "used before")
    signed = shop.assertion()
    assert shop.ask(INTROSPECT, signed=signed, token="nothing").json == {"active": False}
    refused(shop.ask(REVOKE, signed=signed, token="x"), "used before")


def test_b14_two_clients_may_have_the_same_jti(world: World, shop: Shop) -> None:
    other = world.credentials["billing"]
    clients.set_methods(other, ["private_key_jwt"], by="test")
    client_keys.add_keys(other, proofs.public_pem(shop.key), by="test")

    for client_id in (shop.client_id, other.client_id):
        signed = proofs.assertion(client_id, shop.key, jti="the same")
        assert shop.ask(signed=signed).status == 200


def test_b14_nothing_is_used_up_by_who_does_not_prove_itself(shop: Shop) -> None:
    forged = proofs.assertion(shop.client_id, proofs.private_key("ES256", 9), jti="mine")
    refused(shop.ask(signed=forged))
    assert shop.ask(signed=shop.assertion(jti="mine")).status == 200


def ask_once(_index: int, path: str, form: dict[str, str]) -> int:
    return call(path, form).status


@pytest.mark.parametrize("path", [TOKEN, INTROSPECT, REVOKE])
def test_b14_of_twelve_callers_at_a_time_with_one_assertion_one_is_believed(
    own_database: OwnDatabase, path: str
) -> None:
    shop = Shop(build())
    form = {"grant_type": "client_credentials", "token": "x", **proofs.form(shop.assertion())}

    outcomes = own_database.run_in_threads(12, ask_once, path, form)

    assert sorted(outcome.get() for outcome in outcomes) == [200] + [401] * 11
    assert UsedAssertion.objects.count() == 1


def test_i11_used_assertions_are_cleaned_when_they_are_past(shop: Shop, world: World) -> None:
    shop.ask()
    expires_at = UsedAssertion.objects.get().expires_at
    assert expires_at < datetime.now(UTC) + timedelta(minutes=2)

    # A clock that is set back by less than an hour finds them still there (I19).
    assert lifecycle.clean(at=expires_at + timedelta(minutes=59)).assertions == 0
    assert lifecycle.clean(at=expires_at + timedelta(hours=1), dry_run=True).assertions == 0
    assert UsedAssertion.objects.count() == 1
    UsedAssertion.objects.bulk_create(
        UsedAssertion(credential=shop.credential, jti_hash=f"{number:064}", expires_at=expires_at)
        for number in range(1_200)
    )
    assert lifecycle.clean(at=expires_at + timedelta(hours=1)).assertions == 1_201
    assert not UsedAssertion.objects.exists()


# ---------------------------------------------------------------------------------------------- methods and keys


def test_r12_the_right_assertion_in_a_way_that_is_not_the_clients_is_refused(world: World, shop: Shop) -> None:
    clients.set_methods(shop.credential, ["client_secret_basic"], by="test")
    refused(shop.ask(), "may not authenticate in this way")
    assert last_row().reason == "auth_method_not_allowed"


def test_r12_the_right_secret_of_a_client_of_private_key_jwt_is_refused(world: World, shop: Shop) -> None:
    own = world.key_of(world.orders)
    for path in (TOKEN, INTROSPECT, REVOKE):
        form = {"grant_type": "client_credentials", "token": "x"}
        check_error(call(path, form, client=own), 401, "invalid_client", "client_auth_failed")
        posted = {**form, "client_id": own.client_id, "client_secret": own.secret}
        check_error(call(path, posted), 401, "invalid_client", "client_auth_failed")


def test_r12_an_assertion_beside_another_way_is_two_ways(world: World, shop: Shop) -> None:
    own = world.key_of(world.orders)
    form = {"grant_type": "client_credentials", **proofs.form(shop.assertion())}
    check_error(call(TOKEN, form, client=own), 400, "invalid_request", None)
    check_error(call(TOKEN, {**form, "client_secret": own.secret}), 400, "invalid_request", None)
    for missing in ("client_assertion", "client_assertion_type"):
        check_error(call(TOKEN, {k: v for k, v in form.items() if k != missing}), 400, "invalid_request", None)
    saml = {**form, "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}
    refused(call(TOKEN, saml))


def test_s3_10_an_address_that_is_not_listed_is_refused_and_uses_nothing_up(shop: Shop) -> None:
    clients.change_credential(shop.credential, by="test", allowed_addresses="198.51.100.0/24")
    signed = shop.assertion()
    check_error(shop.ask(signed=signed), 401, "invalid_client", "address_not_allowed")
    clients.change_credential(shop.credential, by="test", allowed_addresses="192.0.2.0/24")
    assert shop.ask(signed=signed).status == 200


def test_an_archived_or_removed_key_proves_nobody(shop: Shop) -> None:
    client_keys.remove_key(shop.record, by="test")
    refused(shop.ask())


def test_each_of_several_keys_works_by_its_kid_or_without_one_and_a_foreign_kid_does_not(shop: Shop) -> None:
    second = proofs.private_key("RS256")
    client_keys.add_keys(shop.credential, proofs.public_pem(second), kid="2026-11", by="test")

    def ask(key: Any, algorithm: str, **head: Any) -> int:
        return shop.ask(signed=proofs.assertion(shop.client_id, key, algorithm=algorithm, head=head)).status

    assert ask(second, "PS512", kid="2026-11") == 200
    assert ask(second, "RS256") == 200
    assert ask(shop.key, "ES256", kid=shop.record.kid) == 200
    assert ask(shop.key, "ES256", kid="2026-11") == 401
    assert ask(shop.key, "ES256", kid="nobody's") == 401
    assert ask(second, "RS256", kid=shop.record.kid) == 401


def test_r2_a_key_signs_with_the_algorithms_of_its_list_only(world: World, shop: Shop) -> None:
    key = proofs.private_key("RS256")
    client_keys.add_keys(shop.credential, proofs.public_pem(key), algorithms=("PS256",), by="test")
    for algorithm, status in (("PS256", 200), ("RS256", 401), ("PS384", 401)):
        signed = proofs.assertion(shop.client_id, key, algorithm=algorithm)
        assert shop.ask(signed=signed).status == status, algorithm


def test_s3_2_a_certificate_is_a_key_as_long_as_it_is_valid(world: World, shop: Shop) -> None:
    """As Azure AD clients do it: the key of a certificate signs, and the header names the thumbprint, which is not
    asked for."""
    good = proofs.certificate()
    past = proofs.certificate(until=datetime.now(UTC) - timedelta(minutes=1))
    future = proofs.certificate(from_=datetime.now(UTC) + timedelta(minutes=1))
    for each in (good, past, future):
        client_keys.add_keys(shop.credential, each.pem, by="test")

    def ask(of: proofs.Certified) -> int:
        head = {"x5t": "unchecked", "x5c": ["MIIB"]}
        return shop.ask(signed=proofs.assertion(shop.client_id, of.key, head=head)).status

    assert (ask(good), ask(past), ask(future)) == (200, 401, 401)


def test_last_use_of_a_key_is_kept(shop: Shop) -> None:
    from tokens import sightings

    shop.ask()
    assert CredentialKey.objects.get().last_used_at is None, "nothing on the request's path"
    sightings.flush()
    assert CredentialKey.objects.get().last_used_at is not None


def test_r5_an_assertion_opens_nothing_and_an_access_token_proves_no_client(world: World, shop: Shop) -> None:
    world.policy(world.orders, format="jwt", never_expires=True)
    answered = verify(shop.assertion())
    assert (answered.status, answered.json["error"]) == (401, "invalid_token")
    access = shop.ask().json["access_token"]
    refused(shop.ask(signed=access))
    refused(
        shop.ask(signed=proofs.signed_as({"alg": "ES256", "typ": "at+jwt"}, proofs.claims(shop.client_id), shop.key))
    )
    for typ in ("JWT", "jwt", "client-authentication+jwt", "application/client-authentication+jwt"):
        body = proofs.claims(shop.client_id)
        assert shop.ask(signed=proofs.signed_as({"alg": "ES256", "typ": typ}, body, shop.key)).status == 200, typ


def test_no_assertion_is_in_log_or_answer(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    signed = shop.assertion()
    for answered in (shop.ask(signed=signed), shop.ask(signed=signed)):
        assert signed not in answered.body.decode()
    assert signed not in caplog.text
    assert signed not in str([[str(value) for value in vars(row).values()] for row in [last_row()]])
