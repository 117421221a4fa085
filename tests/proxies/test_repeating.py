"""Requests that may be sent twice: done once, answered alike, and a secret is not kept."""

from datetime import timedelta

import pytest

from proxies import repeating
from proxies.errors import AnswerNotKept, InvalidName, KeyUsedBefore
from proxies.models import KeptAnswer
from proxies.repeating import Claim, Kept
from tests.world import START

pytestmark = pytest.mark.django_db


def claim(key: str = "k1", request: bytes = b"POST /x", *, person_id: int = 1, at=START) -> Claim | Kept:
    return repeating.claim(person_id=person_id, key=key, request=request, at=at)


def first(**more) -> Claim:
    found = claim(**more)
    assert isinstance(found, Claim)
    return found


def test_i23_the_second_one_gets_what_the_first_was_answered():
    repeating.keep(first(), status=201, body='{"id": 7}')
    assert claim() == Kept(201, '{"id": 7}')
    assert claim(at=START + timedelta(hours=23)) == Kept(201, '{"id": 7}')


def test_another_request_under_the_same_key_is_refused():
    repeating.keep(first(), status=200, body="{}")
    with pytest.raises(KeyUsedBefore):
        claim(request=b"POST /y")


def test_keys_of_two_people_do_not_meet():
    repeating.keep(first(), status=200, body="{}")
    assert isinstance(claim(person_id=2), Claim)


def test_i5_an_answer_with_a_secret_is_not_kept_and_a_repetition_says_so():
    repeating.keep(first(), status=201, body=None)
    with pytest.raises(AnswerNotKept, match=r"201.*shown once"):
        claim()


def test_what_was_refused_may_come_again():
    repeating.forget(first())
    assert isinstance(claim(request=b"POST /better"), Claim)


def test_a_day_later_it_is_a_new_request():
    repeating.keep(first(), status=200, body="{}")
    assert isinstance(claim(at=START + timedelta(hours=24)), Claim)


@pytest.mark.parametrize("key", ["", " ", "a b", "a\x00", "ä", "x" * 256, "a\n"])
def test_b50_a_key_is_visible_ascii(key):
    with pytest.raises(InvalidName):
        claim(key=key)


def test_i5_neither_key_nor_request_is_kept_in_clear():
    first(key="key-7", request=b"password=hunter2")
    assert "key-7" not in str(KeptAnswer.objects.values())
    assert "hunter2" not in str(KeptAnswer.objects.values())


def test_what_has_expired_is_removed_in_steps(monkeypatch):
    monkeypatch.setattr(repeating, "_AT_ONCE", 2)
    for number in range(5):
        first(key=f"k{number}")
    first(key="young", at=START + timedelta(hours=1))
    steps = []

    gone = repeating.forget_old(at=START + timedelta(hours=24), keep=lambda: steps.append(1))

    assert (gone, len(steps), KeptAnswer.objects.count()) == (5, 3, 1)
