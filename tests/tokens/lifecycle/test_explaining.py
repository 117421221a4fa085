"""Why is it refused? The explanation agrees with the verdict, names who did it, and writes nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from credentials import clients, users
from proxies import catalogue, deployment
from tests.tokens.people import login, person, renew
from tests.world import REQUEST, World, later
from tokens import errors, lifecycle, policies, signing
from tokens.explanations import REQUESTS, WORDS
from tokens.lifecycle import Explanation
from tokens.models import IssuedToken, TokenFamily, TokenRequestLog
from tokens.rules import Reason, RefreshOutcome


def why(raw: str, proxy: str = "orders", at: float = 1, **more: Any) -> Explanation:
    return lifecycle.explain(raw=raw, proxy=proxy, at=later(at), **more)


def code(found: Explanation) -> str | None:
    return None if found.failed is None else str(found.failed.code)


def test_every_reason_has_its_words():
    assert {str(reason) for reason in Reason} <= set(WORDS)
    refusals = {str(outcome) for outcome in RefreshOutcome} - {"granted", "same_answer", "holder_invalid"}
    assert refusals <= set(WORDS)
    assert all(words.holds and words.remedy for words in WORDS.values())
    assert all(REQUESTS.values())


def test_a_good_token_fails_no_check(world, token_format):
    world.policy(world.orders, format=token_format)
    found = why(world.issue(world.key_of(world.orders)).access_token)

    assert found.failed is None
    assert len(found.steps) > 10
    assert all(step.passed for step in found.steps)


Harm = Callable[[World], Any]
HARMS: dict[str, tuple[Harm, str | None]] = {
    "token_revoked": (
        lambda world: (
            lifecycle.revoke_token(
                IssuedToken.objects.get(), by="eve", because="leaked", request=REQUEST, at=later(0)
            ).__bool__()
            and None
        ),
        None,
    ),
    "credential_inactive": (lambda world: clients.deactivate(world.credentials["shop"], by="eve"), "eve"),
    "holder_key_changed": (lambda world: clients.change_key(world.credentials["shop"], by="eve"), "eve"),
    "holder_undeployed": (lambda world: deployment.undeploy(world.orders, world.test, by="eve"), "eve"),
    "management_mismatch": (lambda world: catalogue.set_mode(world.orders, "own", by="eve"), "eve"),
    "not_granted": (lambda world: clients.withdraw(world.credentials["shop"].grants.get(), by="eve"), "eve"),
}


@pytest.mark.parametrize("reason", HARMS)
def test_each_harm_is_named_with_who_did_it_and_agrees_with_verify(world, reason):
    client = world.credential("shop", world.orders)
    raw = world.issue(client).access_token
    harm, actor = HARMS[reason]
    harm(world)

    found = why(raw)

    assert code(found) == reason == world.verify(raw, at=1).reason
    assert found.failed is not None
    assert found.failed.remedy
    if actor is not None:
        assert found.failed.cause is not None
        assert found.failed.cause.actor == actor
    else:
        assert "by eve" in found.failed.detail
        assert "leaked" in found.failed.detail


def test_s0_29_a_redeployment_is_said_to_revive_nothing(world):
    raw = world.issue(world.key_of(world.orders)).access_token
    deployment.undeploy(world.orders, world.test, by="eve")
    deployment.deploy(world.orders, world.test, by="ada")

    found = why(raw)

    assert code(found) == "holder_undeployed"
    assert "revives nothing" in str(found.failed and found.failed.detail)


def test_s0_31_a_changed_signing_key_is_named(world):
    world.policy(world.orders, format="jwt")
    raw = world.issue(world.key_of(world.orders)).access_token
    signing.change(world.test, by="eve")

    found = why(raw)

    assert code(found) == "signing_key_changed"
    assert found.failed is not None
    assert found.failed.cause is not None
    assert found.failed.cause.actor == "eve"


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_an_expired_token_says_when(world, token_format):
    world.policy(world.orders, format=token_format, access=60)
    found = why(world.issue(world.key_of(world.orders)).access_token, at=60)

    assert code(found) == "token_expired"
    assert "2026-01-01 12:01:00 UTC" in str(found.failed and found.failed.detail)


def test_s0_5_an_expired_jwt_whose_record_is_gone_is_still_explained(world):
    world.policy(world.orders, format="jwt", access=60, refresh=60)
    raw = world.issue(world.key_of(world.orders)).access_token
    lifecycle.clean(at=later(86400 * 365))
    assert not IssuedToken.objects.exists()

    assert code(why(raw, at=61)) == "token_expired"


def test_s0_10_a_replaced_token_says_which_generation_it_is(world):
    answer = world.issue(world.key_of(world.orders))
    world.refresh(world.key_of(world.orders), answer.refresh_token, at=1)

    assert code(why(answer.access_token, at=2)) == "token_replaced"


@pytest.mark.parametrize("proxy", ["billing", "no-such-proxy"])
def test_s0_21_another_proxy_is_the_wrong_one(world, proxy):
    assert code(why(world.issue(world.key_of(world.orders)).access_token, proxy)) == "wrong_proxy"


def test_s0_22_a_member_that_left_or_is_undeployed_is_named(world):
    raw = world.issue(world.key_of(world.commerce)).access_token
    deployment.undeploy(world.orders, world.test, by="eve")
    assert code(why(raw)) == "member_undeployed"

    catalogue.remove_member(world.commerce, world.orders, by="ada")

    found = why(raw)
    assert code(found) == "wrong_proxy"
    assert found.failed is not None
    assert found.failed.cause is not None
    assert found.failed.cause.actor == "ada"


def test_another_environment_is_the_wrong_one(world):
    raw = world.issue(world.key_of(world.orders)).access_token

    assert code(why(raw, environment="live")) == "wrong_environment"
    with pytest.raises(errors.UnknownEnvironment):
        why(raw, environment="nowhere")


def test_d39_a_missing_scope_is_named(world):
    catalogue.change_proxy(world.orders, by="eve", required_scopes="admin")
    found = why(world.issue(world.key_of(world.orders)).access_token)

    assert code(found) == "insufficient_scope"
    assert "needs admin" in str(found.failed and found.failed.detail)


def test_d31_a_person_s_token_names_who_deactivated_them(world):
    ada = person("ada", world.orders)
    session = login(audience="orders")
    users.deactivate(ada, by="eve")

    for raw in (session.access, session.refresh):
        found = why(raw)
        assert code(found) == "user_inactive"
        assert found.failed is not None
        assert found.failed.cause is not None
        assert found.failed.cause.actor == "eve"


REFRESH_HARMS: dict[str, Callable[[World, str], Any]] = {
    "refresh_token_revoked": lambda world, raw: lifecycle.revoke_family(
        TokenFamily.objects.get(), by="eve", because="", request=REQUEST, at=later(0)
    ),
    "refresh_not_allowed": lambda world, raw: policies.suspend(world.orders.policy, by="eve"),
    "refresh_token_reused": lambda world, raw: world.refresh(world.key_of(world.orders), raw, at=0),
    "holder_undeployed": lambda world, raw: deployment.undeploy(world.orders, world.test, by="eve"),
}


@pytest.mark.parametrize("reason", REFRESH_HARMS)
def test_d10_a_refresh_token_is_explained_in_the_order_of_its_checks(world, reason):
    raw = world.issue(world.key_of(world.orders)).refresh_token
    REFRESH_HARMS[reason](world, raw)

    assert code(why(raw, at=30)) == reason


def test_d3_a_spent_count_and_a_cleared_handle_are_told_apart(world):
    world.policy(world.orders, access=60, refresh=60, count=1)
    client = world.key_of(world.orders)
    raw = world.refresh(client, world.issue(client).refresh_token, at=1).refresh_token
    assert raw is not None
    assert code(why(raw, at=20)) == "refresh_count_exceeded"

    with pytest.raises(errors.RefreshCountExceeded):
        world.refresh(client, raw, at=20)

    assert code(why(raw, at=21)) == "cleared"


def test_a_renewed_key_of_a_person_is_a_used_one(world):
    person()
    session = login()
    renew(session.refresh, 1)

    assert code(why(session.refresh, at=30)) == "refresh_token_reused"


@pytest.mark.parametrize("raw", ["", "nothing", "a.b.c", "lk_at_xyz", "x" * 60_000, "a\x00b"])
def test_what_is_no_token_is_said_to_be_none(world, raw):
    found = lifecycle.explain(raw=raw) if raw else lifecycle.explain(jti="nothing")

    assert code(found) in ("bad_signature", "token_not_found")


def test_a_client_secret_is_of_the_wrong_kind(world):
    assert code(why(world.key_of(world.orders).secret)) == "wrong_token_kind"


@pytest.mark.parametrize("by", ["jti", "fingerprint", "log_id"])
def test_a_token_is_also_named_by_jti_fingerprint_and_row(world, by):
    world.issue(world.key_of(world.orders))
    token = IssuedToken.objects.get()
    names = {"jti": token.jti, "fingerprint": str(token.digest)[:16], "log_id": TokenRequestLog.objects.get().pk}

    found = lifecycle.explain(**{by: names[by]}, proxy="orders", at=later(1))

    assert found.record == token
    assert found.failed is None


def test_a_refused_request_is_explained_by_its_row(world):
    with pytest.raises(Exception, match="authentication failed"):
        world.issue(lifecycle.Client("orders", "wrong"))

    found = lifecycle.explain(log_id=TokenRequestLog.objects.get().pk)

    assert found.told == REQUESTS["client_auth_failed"]
    with pytest.raises(errors.TokenNotFound):
        lifecycle.explain(log_id=10**9)


def test_d24_explaining_leaves_no_row_and_moves_nothing(world, django_assert_max_num_queries):
    raw = world.issue(world.key_of(world.orders)).access_token
    before = (TokenRequestLog.objects.count(), IssuedToken.objects.values().get())

    with django_assert_max_num_queries(4):
        why(raw)

    assert (TokenRequestLog.objects.count(), IssuedToken.objects.values().get()) == before
