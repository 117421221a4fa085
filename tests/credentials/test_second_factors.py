"""Second factors: who must have one, and that each code counts once (RFC 6238 section 5.2)."""

from datetime import timedelta

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.utils import timezone

from credentials import sealed, second_factors, secrets, users
from credentials.errors import SecondFactorRefused, SecondFactorState
from credentials.models import RecoveryCode, SecondFactor, User
from proxies.models import ChangeRecord
from tests.tokens.codes import code, enrolled, key_of

NOW = timezone.now().replace(microsecond=0)
pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return users.create_user(username="ada", password="correct horse battery", by="test", is_staff=True)


def accepted(person: User, typed: str, seconds: float = 0) -> bool:
    try:
        second_factors.prove(person, typed, at=NOW + timedelta(seconds=seconds))
    except SecondFactorRefused:
        return False
    return True


@pytest.mark.parametrize(
    ("staff", "superuser", "groups", "required", "asked"),
    [
        (True, False, [], [], False),
        (True, True, ["Security"], [], False),
        (True, False, [], ["staff"], True),
        (False, False, ["Security"], ["staff"], False),
        (True, False, ["Security"], ["Security", "Auditor"], True),
        (True, False, ["Viewer"], ["Security"], False),
        (False, False, ["Security"], ["Security"], False),
        (True, True, [], ["Security"], True),
        (False, True, [], ["Security"], True),
    ],
)
def test_of_whom_a_second_factor_is_asked(staff, superuser, groups, required, asked):
    found = second_factors.is_asked_of(is_staff=staff, is_superuser=superuser, groups=groups, required=required)
    assert found is asked


def test_a_key_counts_from_its_first_code_on_and_not_before(ada):
    begun = second_factors.begin(ada, at=NOW)
    assert key_of(begun.address) == begun.key
    assert begun.address.startswith("otpauth://totp/Latchkey%20127.0.0.1:ada?")
    ada.refresh_from_db()
    assert ada.second_factor_since is None
    with pytest.raises(SecondFactorRefused):
        second_factors.confirm(ada, "000000" if code(begun.key, NOW) != "000000" else "111111", by="ada", at=NOW)
    assert len(second_factors.confirm(ada, code(begun.key, NOW), by="ada", at=NOW)) == 10
    assert ada.second_factor_since == NOW
    with pytest.raises(SecondFactorState):
        second_factors.begin(ada, at=NOW)
    with pytest.raises(SecondFactorState):
        second_factors.confirm(ada, code(begun.key, NOW, steps=1), by="ada", at=NOW)


def test_a_new_key_replaces_one_that_waited(ada):
    old, new = second_factors.begin(ada, at=NOW), second_factors.begin(ada, at=NOW)
    with pytest.raises(SecondFactorRefused):
        second_factors.confirm(ada, code(old.key, NOW), by="ada", at=NOW)
    second_factors.confirm(ada, code(new.key, NOW), by="ada", at=NOW)


def test_each_code_counts_once_and_within_a_step_of_now(ada):
    key, _ = enrolled(ada, NOW)
    assert not accepted(ada, code(key, NOW, steps=-1)), "it set the factor up"
    assert not accepted(ada, code(key, NOW, steps=2)), "too early"
    assert accepted(ada, code(key, NOW))
    assert not accepted(ada, code(key, NOW)), "used"
    assert accepted(ada, f" {code(key, NOW, steps=1)[:3]} {code(key, NOW, steps=1)[3:]} ")
    assert not accepted(ada, code(key, NOW, steps=1), seconds=30), "used"
    assert accepted(ada, code(key, NOW, steps=3), seconds=120), "the clock of the app is behind"
    assert not accepted(ada, code(key, NOW, steps=4), seconds=180), "too late"


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "x" * 500, "\x00" * 6, "-1-2-3"])
def test_what_is_no_code_is_refused(ada, typed):
    enrolled(ada, NOW)
    assert not accepted(ada, typed)


def test_a_recovery_code_works_once_and_says_so_in_the_history(ada):
    _, codes = enrolled(ada, NOW)
    eve = users.create_user(username="eve", password=None, by="test")
    enrolled(eve, NOW)
    assert len(set(codes)) == 10
    assert not accepted(eve, codes[0])
    assert accepted(ada, codes[0].upper().replace("-", " "))
    assert not accepted(ada, codes[0])
    assert second_factors.codes_left(ada) == 9
    record = ChangeRecord.objects.filter(verb="use recovery code").get()
    assert (record.actor, record.after) == ("ada", {"recovery_codes_left": 9})


def test_new_recovery_codes_end_the_old_ones(ada):
    with pytest.raises(SecondFactorState):
        second_factors.renew_codes(ada, by="ada")
    _, old = enrolled(ada, NOW)
    new = second_factors.renew_codes(ada, by="ada", at=NOW)
    assert not accepted(ada, old[1])
    assert accepted(ada, new[1])


def test_a_removed_one_leaves_nothing_behind(ada):
    enrolled(ada, NOW)
    bound = ada.get_session_auth_hash()
    second_factors.remove(ada, by="root", note="lost the phone", at=NOW)
    assert (ada.second_factor_since, SecondFactor.objects.count(), RecoveryCode.objects.count()) == (None, 0, 0)
    assert ada.get_session_auth_hash() != bound
    assert ChangeRecord.objects.filter(verb="remove second factor", actor="root", note="lost the phone").exists()
    with pytest.raises(SecondFactorState):
        second_factors.remove(ada, by="root", at=NOW)


def test_i5_keys_are_sealed_codes_hashed_and_neither_is_in_the_history(ada):
    key, codes = enrolled(ada, NOW)
    factor = SecondFactor.objects.get()
    stored = bytes(factor.sealed_key)
    assert secrets.unseal(stored, context=second_factors.seal_context(factor)).hex() not in stored.hex()
    assert (SecondFactor, "sealed_key") in {(each.model, each.column) for each in sealed.columns()}
    told = f"{list(ChangeRecord.objects.values_list('note', 'before', 'after'))}{list(RecoveryCode.objects.values())}"
    assert key not in told
    assert not [each for each in codes if each in told or each.replace("-", "") in told]


def test_without_a_second_factor_no_code_is_right(ada):
    second_factors.begin(ada, at=NOW)
    with pytest.raises(ObjectDoesNotExist):
        users.create_user(username="eve", password=None, by="test").second_factor  # noqa: B018
    assert not accepted(ada, "a" * 16)
