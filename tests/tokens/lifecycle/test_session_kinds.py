"""What a person holds is good for one thing each: access tokens, refresh keys (D29, D37, S1)."""

import pytest

from credentials import compact_jwt
from tests.tokens.people import (
    access,
    login,
    logout,
    opens,
    person,
    renew,
)
from tokens import errors, signing

# --------------------------------------------------------------------------------------------------- kinds of tokens


def test_d29_and_s1_6_an_access_token_refreshes_and_renews_nothing(world):
    person()
    session = login()
    oauth = world.issue(world.key_of(world.orders))

    for raw in (session.access, oauth.access_token, oauth.refresh_token):
        for use in (access, renew, logout):
            with pytest.raises(errors.WrongTokenKind):
                use(raw)


def test_d29_and_s1_10_a_refresh_token_opens_nothing(world):
    person("ada", world.orders)
    for audience in ("", "orders"):
        session = login(audience=audience)
        assert not opens(session.refresh)
        assert world.verify(session.refresh).reason == "wrong_token_kind"


def test_d37_a_login_s_refresh_token_is_no_oauth_refresh_token(world):
    person()

    with pytest.raises(errors.WrongTokenKind):
        world.refresh(world.key_of(world.orders), login().refresh)


def test_s1_3_only_the_token_of_the_portal_s_api_opens_it(world, settings):
    person("ada", world.orders)
    world.policy(world.orders, format="jwt")

    assert opens(login().access)
    assert not opens(login(audience="orders").access)
    assert not opens(world.issue(world.key_of(world.orders)).access_token)


def test_i18_a_token_that_only_says_so_is_nobody_s(world):
    """A JWT under our key that no record stands behind opens nothing, whatever it claims."""
    from tokens import jose
    from tokens.lifecycle import minting

    person()
    session = login()
    key = signing.private_key(compact_jwt.header(session.access).kid)
    body = {"sub": "ada", "jti": "unknown", "exp": 4102444800}
    forged = minting.sign(body, key=key, type_=jose.ACCESS_TYPE, jti="unknown")

    assert not opens(forged.raw)


def test_s2_20_each_token_has_a_jti_of_its_own(world):
    person()
    sessions = [login() for _ in range(5)]

    jtis = {session.jti for session in sessions} | {row.jti for row in world.log()}

    assert len(jtis) == 10
