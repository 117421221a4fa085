"""Races of renewals and logins, with real threads and real commits."""

from credentials import users
from tests import world as worlds
from tests.databases import OwnDatabase
from tests.tokens.lifecycle.test_races import codes, one_successor_each
from tests.tokens.people import access, login, logout, opens, person, renew
from tests.world import START
from tokens import errors, lifecycle, signing
from tokens.models import RefreshKey, TokenFamily, TokenRequestLog

CALLERS = 30


def built() -> str:
    """A person's refresh key, signed quickly."""
    world = worlds.build()
    signing.rotate(world.test, by="test", algorithm="ES256", at=START)
    person()
    return login(device_id="phone").refresh


def renew_once(_index: int, raw: str) -> str:
    return renew(raw, 1).refresh.rpartition(".")[0]


def renew_or_log_out(index: int, raw: str) -> str:
    if index == 0:
        return str(logout(raw, 1))
    return renew(raw, 1).refresh


def log_in_once(_index: int) -> int:
    return login(device_id="phone").family_id


def test_i2_d2_parallel_renewals_of_one_key_make_one_successor_and_equal_answers(own_database: OwnDatabase) -> None:
    raw = built()

    outcomes = own_database.run_in_threads(CALLERS, renew_once, raw)

    assert codes(outcomes) == {"granted": CALLERS}
    assert len({outcome.get() for outcome in outcomes}) == 1
    assert (RefreshKey.objects.count(), TokenFamily.objects.get().sequence) == (2, 1)
    assert one_successor_each()
    assert TokenRequestLog.objects.filter(action="renew", reason="").count() == 1


def test_b04_a_renewal_racing_with_a_logout_leaves_nothing_that_works(own_database: OwnDatabase) -> None:
    for _ in range(5):
        raw = built() if not TokenFamily.objects.exists() else login().refresh

        outcomes = own_database.run_in_threads(8, renew_or_log_out, raw)

        assert set(codes(outcomes)) <= {"granted", "refresh_token_revoked"}
        made = [outcome.value for outcome in outcomes[1:] if outcome.error is None]
        for renewed in made:
            try:
                access(str(renewed), 2)
            except errors.RefreshTokenRevoked:
                continue
            raise AssertionError("a successor outlived the logout")


def test_d28_of_parallel_logins_on_one_device_one_session_is_left(own_database: OwnDatabase, settings) -> None:
    settings.ONE_SESSION_PER_DEVICE = True
    built()

    outcomes = own_database.run_in_threads(10, log_in_once)

    assert codes(outcomes) == {"granted": 10}
    assert TokenFamily.objects.filter(revoked_at=None).count() == 1


def deactivate_or_use(index: int, raw: str) -> str:
    from credentials.models import User

    if index == 0:
        users.deactivate(User.objects.get(username="ada"), by="test")
        return ""
    return access(raw, 1).access


def test_d31_an_access_token_got_while_the_person_is_deactivated_opens_nothing(own_database: OwnDatabase) -> None:
    raw = built()

    outcomes = own_database.run_in_threads(10, deactivate_or_use, raw)

    assert set(codes(outcomes)) <= {"granted", "user_changed"}
    assert not any(opens(str(outcome.value), 2) for outcome in outcomes[1:] if outcome.error is None)
    assert lifecycle.clean(at=START).seen == 0
