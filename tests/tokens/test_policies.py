"""Token policies: defaults, what is refused, suspension. What an edit means for families is told at their lifecycle."""

from typing import Any

import pytest

from credentials import clients
from proxies import catalogue
from proxies.models import ApiProxy, ChangeRecord
from tests.databases import OwnDatabase
from tests.world import START, later
from tokens import policies
from tokens.errors import InvalidPolicy
from tokens.models import TokenPolicy


def proxy_of() -> ApiProxy:
    return catalogue.add_proxy(name="Orders", slug="orders", by="test", at=START)


def test_s1_4_s1_8_what_is_not_said_comes_from_the_settings(db: None, settings: Any) -> None:
    settings.ACCESS_TOKEN_LIFETIME_SECONDS = 111
    settings.REFRESH_TOKEN_LIFETIME_SECONDS = 222
    settings.REFRESH_RETRY_WINDOW_SECONDS = 3
    made = policies.set_policy(proxy_of(), by="ada")
    assert (made.access_token_lifetime_secs, made.refresh_token_lifetime_secs, made.retry_window_secs) == (111, 222, 3)
    assert (made.token_format, made.never_expires, made.refresh_mode) == ("opaque", False, "rotating")
    assert (made.refresh_allowed, made.refresh_count, made.family_lifetime_secs) == (True, None, None)


def test_s0_1_proxy_group_and_credential_have_one_policy_each_for_all_methods(db: None) -> None:
    proxy = proxy_of()
    group = catalogue.add_group(name="Commerce", slug="commerce", by="test")
    own = clients.open_credential(name="shop", by="test").credential
    for owner in (proxy, group, own):
        first = policies.set_policy(owner, by="ada", refresh_count=1)
        again = policies.set_policy(owner, by="ada", refresh_count=2)
        assert (again.pk, again.refresh_count, again.owner) == (first.pk, 2, owner)
    assert TokenPolicy.objects.count() == 3


def test_d26_the_key_of_a_proxy_has_no_policy_beside_the_proxys(db: None) -> None:
    key = clients.open_credential(name="key", proxy=proxy_of(), by="test").credential
    with pytest.raises(InvalidPolicy):
        policies.set_policy(key, by="ada")


def test_an_edit_is_recorded_with_the_terms_of_before_and_after(db: None) -> None:
    proxy = proxy_of()
    policies.set_policy(proxy, by="ada", refresh_count=1, at=START)
    policies.set_policy(proxy, by="bob", refresh_count=2, token_format="jwt", at=later(5))
    record = ChangeRecord.objects.filter(verb="set policy").order_by("id")[1]
    assert (record.actor, record.at) == ("bob", later(5))
    assert record.before is not None
    assert record.after is not None
    assert (record.before["refresh_count"], record.after["refresh_count"]) == (1, 2)
    assert (record.before["token_format"], record.after["token_format"]) == ("opaque", "jwt")


def test_d15_a_never_expiring_policy_has_no_lifetime_and_no_refresh(db: None) -> None:
    made = policies.set_policy(proxy_of(), by="ada", never_expires=True, access_token_lifetime_secs=60)
    assert (made.never_expires, made.access_token_lifetime_secs, made.refresh_allowed) == (True, None, False)


def test_d15_one_setting_forbids_never_expiring_jwts_and_nothing_else(db: None, settings: Any) -> None:
    settings.ALLOW_NEVER_EXPIRING_JWT = False
    proxy = proxy_of()
    with pytest.raises(InvalidPolicy):
        policies.set_policy(proxy, by="ada", never_expires=True, token_format="jwt")
    assert not TokenPolicy.objects.exists()
    policies.set_policy(proxy, by="ada", never_expires=True)
    settings.ALLOW_NEVER_EXPIRING_JWT = True
    assert policies.set_policy(proxy, by="ada", never_expires=True, token_format="jwt").never_expires


def test_d8_a_refresh_lifetime_below_the_access_lifetime_is_accepted(db: None) -> None:
    made = policies.set_policy(proxy_of(), by="ada", access_token_lifetime_secs=60, refresh_token_lifetime_secs=30)
    assert made.refresh_token_lifetime_secs == 30


@pytest.mark.parametrize(
    "terms",
    [
        {"access_token_lifetime_secs": 0},
        {"access_token_lifetime_secs": -1},
        {"access_token_lifetime_secs": None},
        {"access_token_lifetime_secs": 1.5},
        {"access_token_lifetime_secs": "60"},
        {"access_token_lifetime_secs": True},
        {"access_token_lifetime_secs": policies.LONGEST_LIFETIME + 1},
        {"refresh_token_lifetime_secs": 0},
        {"refresh_token_lifetime_secs": None},
        {"refresh_allowed": False, "refresh_token_lifetime_secs": -1},
        {"refresh_count": 0},
        {"refresh_count": 2**40},
        {"family_lifetime_secs": 0},
        {"retry_window_secs": -1},
        {"retry_window_secs": None},
        {"retry_window_secs": 10**9},
        {"token_format": "saml"},
        {"refresh_mode": "sometimes"},
        {"never_expires": "no"},
        {"suspended_at": None},
    ],
    ids=str,
)
def test_terms_that_cannot_be_kept_are_refused(db: None, terms: dict[str, Any]) -> None:
    with pytest.raises(InvalidPolicy):
        policies.set_policy(proxy_of(), by="ada", **terms)
    assert not TokenPolicy.objects.exists()


def test_d5_suspending_and_resuming_keep_the_terms_and_are_recorded_once(db: None) -> None:
    policy = policies.set_policy(proxy_of(), by="ada", refresh_count=7)
    policies.suspend(policy, by="ada", at=later(1))
    policies.suspend(policy, by="bob", at=later(2))
    assert (policy.suspended_at, policy.refresh_count) == (later(1), 7)
    policies.resume(policy, by="ada")
    policies.resume(policy, by="ada")
    assert policy.suspended_at is None
    verbs = list(
        ChangeRecord.objects.filter(verb__in=("suspend", "resume")).values_list("verb", "actor").order_by("id")
    )
    assert verbs == [("suspend", "ada"), ("resume", "ada")]


def test_an_edit_of_a_suspended_policy_leaves_it_suspended(db: None) -> None:
    proxy = proxy_of()
    policies.suspend(policies.set_policy(proxy, by="ada"), by="ada", at=later(1))
    assert policies.set_policy(proxy, by="ada", refresh_count=2).suspended_at == later(1)


def test_parallel_edits_leave_one_policy(own_database: OwnDatabase) -> None:
    proxy = proxy_of()
    outcomes = own_database.run_in_threads(
        8, lambda index: policies.set_policy(proxy, by="ada", refresh_count=index + 1)
    )
    assert [outcome.error for outcome in outcomes] == [None] * 8
    assert TokenPolicy.objects.count() == 1
