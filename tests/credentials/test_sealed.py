"""Sealing again with a new key, and a wrong key at start."""

import os

import pytest

from credentials import checks, rotation, sealed, secrets
from credentials.errors import SealBroken
from credentials.models import ConnectionToken
from tests.credentials.connections import opened

pytestmark = pytest.mark.django_db
NEW = ("new", os.urandom(32))


def key_ids() -> set[str]:
    return {secrets.sealed_with(bytes(token.sealed)) for token in ConnectionToken.objects.all()}


def test_everything_is_sealed_again_in_batches_and_a_second_run_finds_nothing(settings):
    made = [opened(name=f"{n}") for n in range(5)]
    settings.KEY_ENCRYPTION_KEYS = [NEW, *settings.KEY_ENCRYPTION_KEYS]

    steps = [step for step in sealed.reseal(batch_size=2) if step.column == "credentials_connectiontoken.sealed"]

    assert [(step.done, step.total) for step in steps] == [(0, 5), (2, 5), (4, 5), (5, 5)]
    assert key_ids() == {"new"}
    settings.KEY_ENCRYPTION_KEYS = [NEW]
    assert rotation.reveal(ConnectionToken.objects.get(pk=made[0].token.pk), by="ada") == made[0].raw
    assert [step.total for step in sealed.reseal() if step.column == "credentials_connectiontoken.sealed"] == [0]
    assert sealed.keys_in_use()["new"] == 5


def test_a_missing_key_changes_nothing(settings):
    opened()
    before = key_ids()
    settings.KEY_ENCRYPTION_KEYS = [NEW]

    with pytest.raises(SealBroken):
        list(sealed.reseal())

    assert key_ids() == before


@pytest.mark.parametrize("same_id", [True, False])
def test_a_wrong_key_is_an_error_of_the_system_check_with_a_clear_sentence(settings, same_id):
    opened()
    assert checks.sealed_values_open() == []
    wrong = os.urandom(32)
    settings.KEY_ENCRYPTION_KEYS = [(settings.KEY_ENCRYPTION_KEYS[0][0] if same_id else "other", wrong)]

    errors = checks.sealed_values_open()

    assert [error.id for error in errors] == ["credentials.E001"]
    assert "cannot be opened" in errors[0].msg
    assert "Nothing was changed" in str(errors[0].hint)


def test_the_check_opens_one_value_of_each_key_and_not_all(settings, django_assert_max_num_queries):
    for n in range(30):
        opened(name=f"{n}")
    with django_assert_max_num_queries(2 * len(sealed.columns())):
        assert checks.sealed_values_open() == []
