"""Many rows are revoked in the background: each once, in slices, paused, resumed and taken up again (D12)."""

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from proxies.models import ChangeRecord
from tests import world as worlds
from tests.databases import PROJECT, OwnDatabase
from tests.jobs import ran
from tests.world import World, later
from tokens import bulk_work
from tokens.models import BulkWork, IssuedToken, RefreshKey, TokenFamily, TokenRequestLog

MANY = 7


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(bulk_work, "ROWS_PER_SLICE", 3)
    made = worlds.build()
    for second in range(MANY):
        made.issue(made.key_of(made.orders), at=second)
    return made


def started(what: str = "family", model: Any = TokenFamily) -> BulkWork:
    keys = model._default_manager.order_by("id").values_list("id", flat=True)
    return bulk_work.start(what, keys, by="ada", because="leak", chosen_by="environment=1", address="192.0.2.1")


def revocations() -> int:
    return TokenRequestLog.objects.filter(action="revoke").count()


def test_d12_the_rows_are_fixed_when_it_is_asked_for(world: World) -> None:
    work = started()
    late = world.issue(world.key_of(world.orders), at=30)
    assert (work.total, work.done, work.state) == (MANY, 0, "waiting")
    assert [len(each.rows) for each in work.slices.all()] == [3, 3, 1]
    bulk_work.work_off()
    assert world.good(late, at=31)


@pytest.mark.parametrize(
    ("what", "model"), [("family", TokenFamily), ("token", IssuedToken), ("key", RefreshKey)], ids=str
)
def test_d12_each_row_ends_with_its_one_row_in_the_log(world: World, what: str, model: Any) -> None:
    work = started(what, model)
    assert ran("bulk_work") == {"rows": MANY, "ended": MANY, "works_finished": 1}
    assert model._default_manager.filter(revoked_at=None).count() == 0
    assert set(model._default_manager.values_list("revoked_by", "revoked_because")) == {("ada", "leak")}
    assert revocations() == MANY
    assert {row.actor for row in world.log() if row.action == "revoke"} == {"ada"}
    work.refresh_from_db()
    assert (work.done, work.ended, work.state) == (MANY, MANY, "succeeded")
    assert [each.verb for each in ChangeRecord.objects.filter(subject_kind="bulkwork")] == ["finish", "start"]


def test_d12_it_is_paused_between_slices_and_resumed_where_it_stopped(world: World) -> None:
    work = started()
    bulk_work.work_off(slices=1)
    assert bulk_work.pause(work, by="bob")
    assert not bulk_work.pause(work, by="bob")
    assert bulk_work.work_off() == (0, 0, 0)
    assert (work.done, work.state, bulk_work.waiting(up_to=100)) == (3, "paused", 0)
    assert bulk_work.resume(work, by="bob")
    assert not bulk_work.resume(work, by="bob")
    assert bulk_work.waiting(up_to=100) == MANY - 3
    assert bulk_work.work_off() == (MANY - 3, MANY - 3, 1)
    assert revocations() == MANY
    assert not bulk_work.pause(work, by="bob")


def test_what_was_ended_before_is_left_alone_and_told_apart(world: World) -> None:
    work = started()
    family = TokenFamily.objects.order_by("id")[0]
    bulk_work.revoke(family, by="bob", because="first", request=worlds.REQUEST)
    bulk_work.work_off()
    work.refresh_from_db()
    family.refresh_from_db()
    assert (work.done, work.ended, family.revoked_by) == (MANY, MANY - 1, "bob")
    assert revocations() == MANY


def test_a_slice_that_was_left_half_done_is_finished_and_nothing_is_logged_twice(world: World) -> None:
    work = started()
    seen = []

    def killed() -> None:
        seen.append(1)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bulk_work.work_off(keep=killed)
    work.refresh_from_db()
    assert (work.done, TokenFamily.objects.exclude(revoked_at=None).count()) == (0, 2)
    bulk_work.work_off()
    work.refresh_from_db()
    assert (work.done, work.ended) == (MANY, MANY)
    assert revocations() == MANY


def test_rows_that_were_cleaned_away_meanwhile_do_not_stop_it(world: World) -> None:
    work = bulk_work.start("family", [10**9], by="ada")
    bulk_work.work_off()
    work.refresh_from_db()
    assert (work.total, work.done, work.ended, work.state) == (1, 1, 0, "succeeded")


def test_nothing_to_do_is_done_at_once(db: None) -> None:
    assert bulk_work.start("family", [], by="ada").state == "succeeded"


def test_the_oldest_work_comes_first(world: World) -> None:
    first, second = started(), started("token", IssuedToken)
    bulk_work.work_off(slices=1)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.done, second.done) == (3, 0)


WORKER = """
import django; django.setup()
from tokens import bulk_work
bulk_work.work_off()
"""


@pytest.mark.fault
def test_i23_killed_in_the_middle_it_is_resumed_and_each_revocation_is_logged_once(own_database: OwnDatabase) -> None:
    world = worlds.build()
    for second in range(60):
        world.issue(world.key_of(world.orders), at=second)
    keys = list(TokenFamily.objects.order_by("id").values_list("id", flat=True))
    work = bulk_work.start("family", keys, by="ada", at=later(100))
    environment = {**os.environ, **own_database.environment()}
    worker = subprocess.Popen([sys.executable, "-c", WORKER], cwd=PROJECT, env=environment)
    deadline = time.monotonic() + 60
    while TokenFamily.objects.exclude(revoked_at=None).count() < 5 and time.monotonic() < deadline:
        assert worker.poll() is None or TokenFamily.objects.exclude(revoked_at=None).count() >= 5
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    bulk_work.work_off()
    work.refresh_from_db()
    assert (work.done, work.state) == (60, "succeeded")
    assert TokenFamily.objects.filter(revoked_at=None).count() == 0
    revoked = TokenRequestLog.objects.filter(action="revoke", reason="family_revoked")
    assert list(revoked.order_by("family_id").values_list("family_id", flat=True)) == keys
