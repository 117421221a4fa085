"""Log in and mint (S1, S2, D27, D28, D30, D31)."""

import json

import pytest

from credentials import clients, compact_jwt, users
from credentials.errors import InvalidCredentials
from proxies import deployment
from tests.tokens.people import HALF_HOUR, WEEK, access, login, mint, opens, person
from tests.world import later
from tokens import errors, jose
from tokens.models import IssuedToken, RefreshKey, TokenFamily


def test_s1_1_and_s2_2_and_d27_a_login_yields_a_pair(world):
    person()

    session = login()

    assert compact_jwt.header(session.access).type == jose.ACCESS_TYPE
    assert compact_jwt.header(session.refresh).type == jose.REFRESH_TYPE
    assert opens(session.access)
    row = world.log()[-1]
    assert (row.action, row.outcome, row.username, row.audience) == ("login", "granted", "ada", world_audience())


def world_audience() -> str:
    from django.conf import settings

    return str(settings.PORTAL_AUDIENCE)


def test_s1_4_and_s1_8_and_s2_3_and_s2_4_thirty_minutes_and_seven_days_by_default(world):
    person()

    session = login()

    assert session.access_expires_at == later(HALF_HOUR)
    assert session.refresh_expires_at == later(WEEK)


def test_s1_4_and_s1_8_both_lifetimes_are_settings(world, settings):
    settings.ACCESS_TOKEN_LIFETIME_SECONDS, settings.REFRESH_TOKEN_LIFETIME_SECONDS = 3600, 30 * 86400
    person()

    session = login()

    assert (session.access_expires_at, session.refresh_expires_at) == (later(3600), later(30 * 86400))


def test_s2_13_the_lifetime_may_be_asked_for_up_to_a_maximum(world, settings):
    settings.REFRESH_TOKEN_MAXIMUM_LIFETIME_SECONDS = 2 * WEEK
    person()

    assert login(lifetime=60).refresh_expires_at == later(60)
    assert login(lifetime=60).access_expires_at == later(60)
    with pytest.raises(errors.InvalidRequest):
        login(lifetime=2 * WEEK + 1)


def test_d38_wrong_password_unknown_name_and_deactivated_user_are_refused_alike_and_logged(world):
    person()
    users.deactivate(person("eve"), by="test")

    for username, password in (("ada", "wrong"), ("nobody", "wrong"), ("eve", "correct horse battery")):
        with pytest.raises(InvalidCredentials) as refused:
            login(username, password=password)
        assert str(refused.value) == str(InvalidCredentials())
        row = world.log()[-1]
        assert (row.action, row.outcome, row.reason, row.status, row.username) == (
            "login",
            "refused",
            "invalid_credentials",
            401,
            username,
        )
    assert not TokenFamily.objects.exists()


def test_d31_a_password_changed_while_the_old_one_was_checked_lets_nobody_in(world, monkeypatch):
    ada = person()
    seen_before = type(ada).objects.get(pk=ada.pk)
    users.set_password(ada, "another horse battery", by="test")
    monkeypatch.setattr("credentials.identify.person", lambda username, password: seen_before)

    with pytest.raises(InvalidCredentials):
        login()


def test_s2_12_the_access_token_may_be_for_a_proxy_that_is_granted(world):
    person("ada", world.orders)

    for name in (world.orders.slug, world.orders.audience):
        session = login(audience=name)
        verdict = world.verify(session.access)
        assert (verdict.good, verdict.subject, verdict.client_id) == (True, "ada", "portal-login")
        assert verdict.scopes == "read write"
        assert not world.good(session.access, world.billing)
        assert not opens(session.access)


def test_s2_12_a_group_s_audience_opens_its_members(world):
    person("ada", world.commerce)

    session = login(audience="commerce")

    assert world.good(session.access, world.orders)
    assert world.good(session.access, world.billing)


@pytest.mark.parametrize("audience", ["orders", "https://orders.example/api", "nothing of ours"])
def test_d27_an_audience_that_no_grant_reaches_is_refused(world, audience):
    person()

    with pytest.raises(errors.InvalidTarget):
        login(audience=audience)
    assert world.log()[-1].reason == "invalid_target"


def test_d27_a_target_that_is_not_deployed_is_refused(world):
    person("ada", world.orders)
    deployment.undeploy(world.orders, world.test, by="test")

    with pytest.raises(errors.HolderUndeployed):
        login(audience="orders")


def test_d14_a_withdrawn_grant_ends_what_the_login_got(world):
    ada = person("ada", world.orders)
    session = login(audience="orders")
    clients.withdraw(ada.grants.get(), by="test")

    assert not world.good(session.access)
    with pytest.raises(errors.InvalidTarget):
        access(session.refresh)


def test_d28_and_s3_8_a_new_login_on_the_same_device_starts_a_new_family_with_a_new_refresh_token(world):
    person()

    first, second = login(device_id="phone"), login(device_id="phone")

    assert first.refresh != second.refresh
    assert TokenFamily.objects.count() == 2
    assert access(first.refresh).access
    assert access(second.refresh).access


def test_d28_one_session_per_device_ends_the_earlier_one_and_no_other(world, settings):
    settings.ONE_SESSION_PER_DEVICE = True
    person()
    person("bob")
    other_device, other_person, unnamed = login(device_id="desk"), login("bob", device_id="phone"), login()
    first = login(device_id="phone")

    second = login(device_id="phone")

    with pytest.raises(errors.RefreshTokenRevoked):
        access(first.refresh)
    assert not opens(first.access)
    for living in (other_device, other_person, unnamed, second):
        assert access(living.refresh).access


def test_s2_21_the_key_keeps_the_device(world):
    person()

    login(device_id="ada's phone")

    key = RefreshKey.objects.get()
    assert key.device_id == "ada's phone"
    told = key.device_info or {}
    assert (told["browser"], told["address"]) == ("Firefox 128", "192.0.2.7")


def test_s2_14_and_s2_15_and_s2_18_and_s2_19_and_s2_20_what_the_record_holds(world):
    person()

    session = login()

    key = RefreshKey.objects.get()
    assert (key.created_at, key.expires_at, key.revoked_at, key.last_used_at) == (later(0), later(WEEK), None, None)
    content = key.content or {}
    assert (content["email"], content["sub"]) == ("ada@example.org", "ada")
    assert content["jti"] == key.jti == session.jti
    assert len(key.token_hash) == 64
    assert session.refresh not in json.dumps(key.content) + key.token_hash


def test_i5_no_raw_value_of_a_session_is_stored(world):
    person()
    session = login()

    stored = [str(row) for model in (TokenFamily, RefreshKey, IssuedToken) for row in model.objects.values()]
    stored += [str(row.__dict__) for row in world.log()]

    for raw in (session.access, session.refresh):
        assert not any(raw in text or raw.rpartition(".")[2] in text for text in stored)


def test_d30_and_s2_11_a_minted_key_is_for_its_audience_and_lives_its_lifetime(world):
    ada = person()

    made = mint(ada, lifetime=86400)

    assert made.access == ""
    assert made.refresh_expires_at == later(86400)
    assert opens(access(made.refresh).access)
    row = world.log()[0]
    assert (row.action, row.outcome, row.username) == ("mint", "granted", "ada")


def test_d30_a_minted_key_may_be_for_any_text(world):
    made = mint(person(), audience="My tool @ my host")

    session = access(made.refresh)

    assert TokenFamily.objects.get().audience == "My tool @ my host"
    assert not opens(session.access)
    assert not world.good(session.access)


@pytest.mark.parametrize("audience", ["a\x00b", "a\nb", "x" * 256, "   "])
def test_d30_an_audience_that_cannot_be_shown_is_refused(world, audience):
    with pytest.raises(errors.InvalidRequest):
        mint(person(), audience=audience)


def test_d30_a_key_for_a_proxy_needs_a_grant_of_its_owner(world):
    with pytest.raises(errors.InvalidTarget):
        mint(person(), audience="orders")

    assert world.good(access(mint(person("bob", world.orders), audience="orders").refresh).access)


def test_d38_refreshable_is_copied_from_the_setting(world, settings):
    ada = person()
    mint(ada)
    settings.REFRESH_KEYS_REFRESHABLE = False
    mint(ada)

    assert list(RefreshKey.objects.order_by("id").values_list("refreshable", flat=True)) == [True, False]
