"""The history of changes: copied names, no secrets."""

import pytest

from proxies import catalogue, history
from proxies.models import ChangeRecord
from tests.world import START


def test_a_record_keeps_the_name_of_the_time_and_plain_values(db: None) -> None:
    proxy = catalogue.add_proxy(name="Orders", slug="orders", by="test", at=START)
    made = history.record("change", proxy, by="ada", at=START, before={"day": START.date()}, after={"count": 3})
    catalogue.change_proxy(proxy, by="ada", name="Purchases")
    made.refresh_from_db()
    assert (made.subject_kind, made.subject_id, made.subject_name) == ("apiproxy", proxy.pk, "Orders")
    assert (made.before, made.after) == ({"day": "2026-01-01"}, {"count": 3})


def test_the_system_has_no_name(db: None) -> None:
    proxy = catalogue.add_proxy(name="Orders", slug="orders", by="", at=START)
    assert ChangeRecord.objects.get(subject_id=proxy.pk).actor == ""


@pytest.mark.parametrize("name", ["secret", "new_password", "digest", "sealed_value", "private_key", "token_hash"])
def test_d19_a_value_that_looks_like_a_secret_is_refused(db: None, name: str) -> None:
    proxy = catalogue.add_proxy(name="Orders", slug="orders", by="test", at=START)
    with pytest.raises(ValueError, match="does not belong"):
        history.record("change", proxy, by="ada", at=START, after={name: "x"})


def test_a_remark_that_no_database_keeps_does_not_stop_the_act(db: None) -> None:
    proxy = catalogue.add_proxy(name="Orders", slug="orders", by="test", at=START)
    made = history.record("change", proxy, by="ada\x00", at=START, note="half \udcff")
    made.refresh_from_db()
    assert (made.actor, made.note) == ("ada", "half ?")


def test_what_is_too_long_is_cut_and_never_an_error(db: None) -> None:
    proxy = catalogue.add_proxy(name="Orders", slug="orders", by="test", at=START)
    made = history.record("change", proxy, by="a" * 999, at=START, note="n" * 999)
    made.refresh_from_db()
    assert (len(made.actor), len(made.note)) == (150, 500)
