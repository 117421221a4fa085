"""Personal access tokens: shown once, hashed, with chosen scopes; ended by revocation, time or a new password."""

from datetime import timedelta

import pytest

from credentials import personal_tokens, rules, secrets, users
from credentials.errors import InvalidPersonalToken, TooManyPersonalTokens
from credentials.models import PersonalAccessToken, User
from credentials.personal_tokens import Made, Use
from credentials.rules import PersonalTokenState
from proxies.models import ChangeRecord
from tests.world import START, later
from tokens import sightings

pytestmark = pytest.mark.django_db
DAY = 24 * 3600


@pytest.fixture
def ada() -> User:
    return users.create_user(username="ada", password="correct horse", by="test", at=START)


def made(owner: User, *scopes: str, **more) -> Made:
    wanted = {"name": "report", "by": "ada", "at": START, **more}
    return personal_tokens.make(owner, scopes=scopes or ("read",), **wanted)


def test_s3_12_a_token_has_the_chosen_scopes_and_a_lifetime(ada):
    token = made(ada, "log:read", "read", "read", lifetime=DAY).token

    assert token.scopes == "read log:read"
    assert token.expires_at == later(DAY)
    record = ChangeRecord.objects.get(verb="make")
    assert (record.actor, record.subject_name, record.after) == (
        "ada",
        "report",
        {"owner": "ada", "scopes": "read log:read"},
    )


def test_d19_the_value_is_recognised_by_its_form_and_stored_as_a_keyed_hash_only(ada):
    raw = made(ada).raw

    assert secrets.kind_of(raw) == "lk_pt_"
    row = PersonalAccessToken.objects.values().get()
    assert raw not in str(row)
    assert row["digest"] == secrets.digest(raw)
    assert raw not in str(list(ChangeRecord.objects.values()))


@pytest.mark.parametrize("scopes", [["admin"], ["read", "READ"], [""], []])
def test_s3_12_there_are_no_other_scopes(ada, scopes):
    with pytest.raises(InvalidPersonalToken):
        personal_tokens.make(ada, name="x", scopes=scopes, by="ada")
    assert not PersonalAccessToken.objects.exists()


@pytest.mark.parametrize("lifetime", [0, -1, 366 * DAY + 1, 2**40])
def test_s3_12_a_token_lives_a_year_at_most(ada, lifetime):
    with pytest.raises(InvalidPersonalToken):
        made(ada, lifetime=lifetime)


@pytest.mark.parametrize("name", ["", "a\x00", "x" * 101, " x", "a\nb"])
def test_b50_a_name_is_one_line_that_can_be_kept(ada, name):
    with pytest.raises(InvalidPersonalToken):
        made(ada, name=name)


def test_the_default_lifetime_never_exceeds_the_maximum(ada, settings):
    settings.PERSONAL_TOKEN_MAXIMUM_LIFETIME_SECONDS = 60
    assert made(ada).token.expires_at == later(60)


def test_i25_a_person_has_a_bounded_number_of_live_tokens(ada, monkeypatch):
    monkeypatch.setattr(personal_tokens, "MOST_PER_PERSON", 2)
    first = made(ada, lifetime=60)
    made(ada)

    with pytest.raises(TooManyPersonalTokens):
        made(ada)
    personal_tokens.revoke(first.token, by="ada", at=START)
    made(ada, lifetime=60)
    made(ada, at=later(61))


def test_it_works_until_its_last_second_and_costs_one_select(ada, django_assert_num_queries):
    found = made(ada, lifetime=60)

    with django_assert_num_queries(1):
        shown = personal_tokens.shown(found.raw, at=later(59.9))
        assert shown is not None
        assert shown.owner == ada
    assert personal_tokens.shown(found.raw, at=later(60)) is None


def test_d20_a_malformed_one_costs_no_query(ada, django_assert_num_queries):
    raw = made(ada).raw
    with django_assert_num_queries(0):
        for wrong in (
            "",
            "lk_pt_",
            raw[:-1] + "x",
            raw.replace("lk_pt_", "lk_at_"),
            secrets.make("lk_ct_"),
            "x" * 9999,
        ):
            assert personal_tokens.shown(wrong) is None


def test_d19_a_token_hashed_under_an_older_key_still_works(ada, settings):
    raw = made(ada).raw
    settings.TOKEN_HASH_KEYS = [b"n" * 32, *settings.TOKEN_HASH_KEYS]
    assert personal_tokens.shown(raw, at=START) is not None
    settings.TOKEN_HASH_KEYS = [b"n" * 32]
    assert personal_tokens.shown(raw, at=START) is None


def test_d30_revoking_counts_at_once_and_twice_keeps_the_first_time(ada):
    found = made(ada)

    assert personal_tokens.revoke(found.token, by="ada", because="leaked", at=later(1))
    assert not personal_tokens.revoke(found.token, by="eve", because="again", at=later(2))

    assert personal_tokens.shown(found.raw, at=later(1)) is None
    token = PersonalAccessToken.objects.get()
    assert (token.revoked_at, token.revoked_by, token.revoked_because) == (later(1), "ada", "leaked")
    assert list(ChangeRecord.objects.filter(verb="revoke").values_list("actor", "note")) == [("ada", "leaked")]


@pytest.mark.parametrize("act", ["password", "deactivate", "back again"])
def test_d31_a_new_password_or_a_deactivation_ends_them_for_good(ada, act):
    found = made(ada)

    if act == "password":
        users.set_password(ada, "another horse", by="test")
    else:
        users.deactivate(ada, by="test")
        if act == "back again":
            users.reactivate(ada, by="test")

    assert personal_tokens.shown(found.raw, at=START) is None
    found.token.refresh_from_db()
    assert personal_tokens.state(found.token, START) is PersonalTokenState.ENDED


def test_d31_a_deactivated_person_gets_none(ada):
    users.deactivate(ada, by="test")
    with pytest.raises(InvalidPersonalToken):
        made(ada)


@pytest.mark.parametrize(
    ("revoked", "generation", "active", "seconds", "expected"),
    [
        (False, 1, True, 0, "live"),
        (False, 1, True, 59, "live"),
        (False, 1, True, 60, "expired"),
        (False, 2, True, 0, "ended"),
        (False, 1, False, 0, "ended"),
        (True, 1, True, 0, "revoked"),
        (True, 2, False, 60, "revoked"),
        (False, 2, True, 60, "ended"),
    ],
)
def test_the_state_at_a_glance(revoked, generation, active, seconds, expected):
    found = rules.personal_token_state(
        revoked_at=START if revoked else None,
        expires_at=later(60),
        generation=1,
        owner_generation=generation,
        owner_is_active=active,
        now=later(seconds),
    )
    assert found == expected


def test_d25_last_use_moves_forward_only_and_once_a_minute(ada):
    token = made(ada).token

    def use(seconds: float, address: str) -> int:
        return personal_tokens.record_use({token.pk: Use(later(seconds), address)})

    assert [use(0, "192.0.2.1"), use(59, "192.0.2.2"), use(61, "192.0.2.3"), use(5, ""), use(200, "")] == [
        1,
        0,
        1,
        0,
        1,
    ]
    token.refresh_from_db()
    assert (token.last_used_at, token.last_used_address) == (later(200), None)


def test_d25_what_was_seen_is_written_in_bulk(ada):
    token = made(ada).token
    sightings.personal_token_seen(token.pk, address="192.0.2.9")
    assert PersonalAccessToken.objects.get().last_used_at is None

    sightings.flush()

    token.refresh_from_db()
    assert token.last_used_at is not None
    assert token.last_used_at - token.created_at > timedelta(0)
    assert token.last_used_address == "192.0.2.9"
