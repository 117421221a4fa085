"""People: what ends everything they hold (D31)."""

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import Group

from credentials import users
from credentials.errors import InvalidCredential
from credentials.models import User
from proxies.models import ChangeRecord
from tests.databases import OwnDatabase


def made(name: str = "ada") -> User:
    return users.create_user(username=name, password="a long password", by="root")


def generation(user: User) -> int:
    return User.objects.get(pk=user.pk).generation


def test_a_person_is_created_with_generation_one_and_recorded_without_the_password(db: None) -> None:
    user = made()
    assert user.check_password("a long password")
    assert generation(user) == 1
    record = ChangeRecord.objects.get()
    assert (record.verb, record.actor, record.subject_name) == ("create", "root", "ada")
    assert "password" not in f"{record.before}{record.after}{record.note}"


@pytest.mark.parametrize("name", ["ada", "", "a b", "n" * 151, "nul\x00"])
def test_a_name_that_is_taken_or_cannot_be_kept_is_refused(db: None, name: str) -> None:
    made()
    with pytest.raises(InvalidCredential):
        made(name)
    assert User.objects.count() == 1


def test_without_a_password_nobody_can_log_in(db: None) -> None:
    assert not users.create_user(username="robot", password=None, by="root").has_usable_password()


def test_d31_a_new_password_raises_the_generation_once(db: None) -> None:
    user = made()
    users.set_password(user, "another password", by="root")
    assert generation(user) == user.generation == 2
    assert User.objects.get(pk=user.pk).check_password("another password")


def test_d31_the_way_django_itself_sets_passwords_raises_it_too(db: None) -> None:
    user = made()
    user.set_password("another password")
    user.save()
    assert generation(user) == 2


def test_d31_rehashing_at_login_raises_nothing(db: None) -> None:
    user = made()
    stored = "pbkdf2_sha256$1$salt$"
    user.password = stored + "never"
    user.save(update_fields=("password",))
    assert not user.check_password("wrong")
    user.set_password("another password")
    user.save()
    before = generation(user)
    weak = User.objects.get(pk=user.pk)
    weak.password = weak_hash("another password")
    weak.save(update_fields=("password",))
    assert weak.check_password("another password")
    assert User.objects.get(pk=user.pk).password != weak_hash("another password"), "it was hashed anew"
    assert generation(user) == before


def weak_hash(raw: str) -> str:
    """As an older release would have stored it."""
    return PBKDF2PasswordHasher().encode(raw, "saltsaltsaltsaltsaltsalt", iterations=1)


def test_d31_deactivating_raises_the_generation_and_coming_back_does_not_lower_it(db: None) -> None:
    user = made()
    users.deactivate(user, by="root", note="left")
    users.deactivate(user, by="root")
    assert (user.is_active, generation(user)) == (False, 2)
    users.reactivate(user, by="root")
    users.reactivate(user, by="root")
    assert (user.is_active, generation(user)) == (True, 2)
    verbs = list(ChangeRecord.objects.order_by("id").values_list("verb", flat=True))
    assert verbs == ["create", "deactivate", "reactivate"]


def test_what_a_person_may_do_is_replaced_and_recorded(db: None) -> None:
    user = made()
    operators = Group.objects.create(name="operators")
    users.set_access(user, is_staff=True, groups=[operators], user_permissions=[], by="root")
    assert user.is_staff
    assert list(user.groups.all()) == [operators]
    assert ChangeRecord.objects.get(verb="set access").after == {
        "is_staff": True,
        "groups": "operators",
        "permissions": "",
    }
    assert generation(user) == 1


def test_parallel_deactivations_raise_the_generation_once(own_database: OwnDatabase) -> None:
    user = made()
    outcomes = own_database.run_in_threads(8, lambda index: users.deactivate(User.objects.get(pk=user.pk), by="root"))
    assert [outcome.error for outcome in outcomes] == [None] * 8
    assert generation(user) == 2
