"""What a refresh key gets: access tokens, a successor, the end (S1, S2, D2, D27, D31, D38)."""

import pytest

from credentials import users
from credentials.models import User
from proxies import deployment
from tests.tokens.people import (
    FIREFOX,
    HALF_HOUR,
    WEEK,
    access,
    login,
    logout,
    mint,
    opens,
    person,
    renew,
)
from tests.world import REQUEST, later
from tokens import errors, lifecycle, signing
from tokens.lifecycle import Request
from tokens.models import RefreshKey, TokenFamily

# ------------------------------------------------------------------------------------------------------- access tokens


def test_s1_5_and_s2_5_after_the_access_token_expired_the_refresh_token_obtains_a_new_one(world):
    person()
    session = login()
    assert not opens(session.access, HALF_HOUR)

    again = access(session.refresh, HALF_HOUR)

    assert opens(again.access, HALF_HOUR)
    assert again.access_expires_at == later(2 * HALF_HOUR)
    assert again.refresh == ""


def test_s1_9_and_s2_1_a_refresh_token_serves_again_and_again_without_a_password(world):
    person()
    session = login()

    made = {access(session.refresh, n * HALF_HOUR).access for n in range(10)}

    assert len(made) == 10
    assert TokenFamily.objects.get().sequence == 0


def test_s1_15_and_s1_16_when_it_expires_only_a_new_login_helps(world, settings):
    settings.REFRESH_KEYS_REFRESHABLE = False
    person()
    session = login()
    assert access(session.refresh, WEEK - 1).access

    for act in (access, renew):
        with pytest.raises(errors.RefreshTokenExpired):
            act(session.refresh, WEEK)
    assert access(login(at=WEEK).refresh, WEEK).access


def test_s2_6_an_invalid_refresh_token_makes_no_access_token(world):
    person()
    session = login()
    head, claims, _ = session.refresh.split(".")
    other = login().refresh.rpartition(".")[2]

    for forged in (f"{head}.{claims}.{other}", "a.b.c", "", session.refresh[:-4] + "AAAA"):
        with pytest.raises(errors.TokenNotFound):
            access(forged)
    assert [row.outcome for row in world.log()[2:]] == ["refused"] * 4


def test_s2_17_last_used_moves_forward_only(world):
    person()
    session = login()

    access(session.refresh, 60)
    access(session.refresh, 30)

    assert RefreshKey.objects.get().last_used_at == later(60)


def test_s2_21_the_device_is_updated_on_use(world):
    person()
    session = login()

    access(session.refresh, 60, request=Request(address="198.51.100.4", user_agent="curl/8.5"))

    told = RefreshKey.objects.get().device_info or {}
    assert (told["address"], told["user_agent"]) == ("198.51.100.4", "curl/8.5")
    assert FIREFOX not in str(told)


# -------------------------------------------------------------------------------------------------------------- renewal


def test_s1_13_and_s1_14_a_refreshable_token_is_exchanged_before_it_expires(world):
    person()
    session = login()

    renewed = renew(session.refresh, WEEK - 1)

    assert renewed.refresh_expires_at == later(2 * WEEK - 1)
    assert access(renewed.refresh, WEEK + 60).access
    assert world.log()[-2].action == "renew"


def test_d27_and_s3_9_the_old_token_is_retired_and_comes_again_as_a_reuse(world):
    person()
    session = login()
    renewed = renew(session.refresh, 100)

    with pytest.raises(errors.RefreshTokenReused):
        renew(session.refresh, 111)

    with pytest.raises(errors.RefreshTokenRevoked):
        access(renewed.refresh, 112)
    assert TokenFamily.objects.get().revoked_because == "refresh_token_reused"
    assert world.log()[-2].reason == "refresh_token_reused"


def test_d2_a_retired_token_that_asks_for_access_after_the_window_is_a_reuse_too(world):
    person()
    session = login()
    renew(session.refresh, 100)

    assert access(session.refresh, 109).access
    with pytest.raises(errors.RefreshTokenReused):
        access(session.refresh, 111)
    with pytest.raises(errors.RefreshTokenRevoked):
        access(session.refresh, 112)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_d2_inside_the_window_the_same_successor_comes_again(world, algorithm):
    signing.rotate(world.test, by="test", algorithm=algorithm)
    person()
    session = login()
    first = renew(session.refresh, 100)

    again = renew(session.refresh, 109)

    assert again.refresh.rpartition(".")[0] == first.refresh.rpartition(".")[0]
    assert algorithm == "ES256" or again.refresh == first.refresh
    assert (again.jti, again.refresh_expires_at) == (first.jti, first.refresh_expires_at)
    assert TokenFamily.objects.get().sequence == 1
    assert access(again.refresh, 110).access


def test_d2_the_same_successor_comes_again_after_the_signing_key_was_rotated(world):
    person()
    session = login()
    first = renew(session.refresh, 100)
    signing.rotate(world.test, by="test")

    assert renew(session.refresh, 105).refresh == first.refresh


def test_d2_a_strict_window_has_no_retry(world, settings):
    settings.REFRESH_RETRY_WINDOW_SECONDS = 0
    person()
    session = login()
    renew(session.refresh, 100)

    with pytest.raises(errors.RefreshTokenReused):
        renew(session.refresh, 100)


def test_d38_what_is_not_refreshable_is_not_renewed_and_lives_on(world, settings):
    settings.REFRESH_KEYS_REFRESHABLE = False
    person()
    session = login()
    settings.REFRESH_KEYS_REFRESHABLE = True

    with pytest.raises(errors.NotRefreshable):
        renew(session.refresh, 60)

    assert access(session.refresh, 61).access
    assert world.log()[-2].reason == "not_refreshable"


def test_d38_too_early_is_said_and_changes_nothing(world, settings):
    settings.RENEWAL_LAST_PERCENT = 10
    person()
    session = login()

    with pytest.raises(errors.TooEarly):
        renew(session.refresh, 0.9 * WEEK - 1)
    assert renew(session.refresh, 0.9 * WEEK).refresh


def test_d38_the_successor_keeps_flag_device_and_lifetime(world):
    person()
    session = login(device_id="phone", lifetime=1000)

    renew(session.refresh, 500)

    old, new = RefreshKey.objects.order_by("id")
    assert (new.refreshable, new.device_id, new.lifetime_secs) == (old.refreshable, "phone", 1000)
    assert new.parent_id == old.pk
    assert old.last_used_at == later(500)


# ------------------------------------------------------------------------------------------------- what ends a session


def test_d27_and_s2_8_logout_revokes_the_session_with_its_access_token(world):
    person()
    session, other = login(), login()

    assert logout(session.refresh, 5) == 1

    assert not opens(session.access, 6)
    with pytest.raises(errors.RefreshTokenRevoked):
        access(session.refresh, 6)
    assert opens(other.access, 6)
    assert logout(session.refresh, 7) == 0
    assert TokenFamily.objects.order_by("id")[0].revoked_at == later(5)


def test_d27_logout_everywhere_ends_every_login_but_no_minted_key(world):
    ada, _ = person(), person("bob")
    first, second, minted, bobs = login(), login(), mint(ada), login("bob")

    assert logout(first.refresh, everywhere=True) == 2

    assert not opens(second.access)
    assert opens(bobs.access)
    assert access(minted.refresh).access


def test_d27_an_expired_refresh_token_can_still_log_out(world):
    person()
    session = login(lifetime=60)

    assert logout(session.refresh, 61) == 1


def test_d27_one_s_own_sessions_end_by_jti_and_nobody_else_s(world):
    ada, bob = person(), person("bob")
    session = login()

    with pytest.raises(errors.SessionNotFound):
        lifecycle.end_session(bob, session.jti, request=REQUEST)
    assert opens(session.access)
    lifecycle.end_session(ada, session.jti, request=REQUEST)

    assert not opens(session.access)
    assert [row.outcome for row in world.log()[-2:]] == ["refused", "granted"]


def test_d27_sign_out_my_other_devices(world):
    ada = person()
    mine, other, third = login(), login(), login()

    assert lifecycle.end_others(ada, but=mine.family_id, request=REQUEST) == 2

    assert opens(mine.access)
    assert not opens(other.access)
    assert not opens(third.access)


@pytest.mark.parametrize("act", ["deactivate", "set_password"])
def test_d31_and_r33_deactivation_and_a_new_password_end_everything_at_once_and_for_good(world, act):
    ada = person()
    session, minted = login(), mint(ada)
    fresh = access(minted.refresh)

    if act == "deactivate":
        users.deactivate(ada, by="test")
        assert not opens(session.access)
        users.reactivate(ada, by="test")
    else:
        users.set_password(ada, "another horse battery", by="test")

    for raw in (session.access, fresh.access):
        assert not opens(raw)
    for raw in (session.refresh, minted.refresh):
        for use in (access, renew):
            with pytest.raises(errors.UserChanged):
                use(raw)
    assert world.log()[-1].reason == "user_changed"


def test_d31_rehashing_at_login_raises_nothing(world, settings):
    person()
    session = login()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", *settings.PASSWORD_HASHERS]
    before = User.objects.get().password

    login()

    assert User.objects.get().password != before
    assert opens(session.access)


def test_s2_7_a_revoked_key_obtains_nothing_and_its_access_token_lives_to_its_end(world):
    person()
    session = login()
    key = RefreshKey.objects.get()

    assert lifecycle.revoke_key(key, by="root", because="lost", request=REQUEST, at=later(5))
    assert not lifecycle.revoke_key(key, by="eve", because="again", request=REQUEST, at=later(6))

    for use in (access, renew):
        with pytest.raises(errors.RefreshTokenRevoked):
            use(session.refresh, 7)
    assert opens(session.access, 7)
    key.refresh_from_db()
    assert (key.revoked_at, key.revoked_by, key.revoked_because) == (later(5), "root", "lost")


def test_d13_a_changed_key_of_the_default_environment_logs_everybody_out(world):
    person()
    session = login()

    signing.change(world.test, by="test")

    assert not opens(session.access)
    with pytest.raises(errors.SigningKeyChanged):
        access(session.refresh)


def test_d13_a_rotated_key_cuts_no_login_off_and_stays_as_long_as_a_refresh_key_needs_it(world):
    person()
    session = login()
    signing.rotate(world.test, by="test", at=later(0))

    assert opens(session.access)
    assert signing.retire_due(at=later(WEEK - 1)) == 0
    assert access(session.refresh, WEEK - 1).access
    assert signing.retire_due(at=later(WEEK + HALF_HOUR)) == 1


def test_s0_29_undeploying_the_proxy_ends_a_login_s_tokens_for_it(world):
    person("ada", world.orders)
    session = login(audience="orders")

    deployment.undeploy(world.orders, world.test, by="test")
    deployment.deploy(world.orders, world.test, by="test")

    assert not world.good(session.access)
    with pytest.raises(errors.HolderUndeployed):
        access(session.refresh)


def test_d17_access_tokens_of_a_living_session_are_cleaned_and_the_session_stays(world):
    person()
    session = login()
    for n in range(1, 5):
        access(session.refresh, n * HALF_HOUR)

    cleaned = lifecycle.clean(at=later(WEEK - 1))

    assert (cleaned.tokens, cleaned.refresh_keys, cleaned.families) == (5, 0, 0)
    assert access(session.refresh, WEEK - 1).access
    assert lifecycle.clean(at=later(2 * WEEK)).families == 1
