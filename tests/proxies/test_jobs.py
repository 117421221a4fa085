"""Scheduled jobs: one runner at a time, whatever the broker does; killed ones heal by time (B17, I11)."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from config.celery import app
from proxies import jobs, tasks
from proxies.errors import UnknownJob
from proxies.jobs import Counts, Job, Keep, Lease, LeaseLost
from proxies.models import ChangeRecord, JobRun, ScheduledJob
from tests.databases import OwnDatabase
from tests.world import later

EVERY = 300


def nothing(keep: Keep) -> Counts:
    return {"swept": 3}


@pytest.fixture
def sweep(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    """Puts a job in the place of all others."""

    def registered(work: Any = nothing, name: str = "sweep") -> Job:
        job = Job(name, "Sweep", "Sweeps.", work)
        monkeypatch.setattr(jobs, "_jobs", {name: job})
        settings.JOB_EVERY_SECONDS = {name: EVERY}
        return job

    return registered


def run(at: float) -> JobRun:
    found = jobs.run("sweep", at=later(at))
    assert found is not None, "it is not due, or another has it"
    return found


def take(job: Job, at: float) -> Lease:
    lease = jobs.take(job, at=later(at))
    assert lease is not None, "it is not due, or another has it"
    return lease


def row() -> ScheduledJob:
    return ScheduledJob.objects.get(name="sweep")


@pytest.mark.django_db
def test_a_job_runs_when_it_was_never_run_and_again_when_its_time_has_come(sweep):
    sweep()
    assert jobs.due(at=later(0)) == ["sweep"]
    done = run(0)
    assert (done.outcome, done.counts, done.trouble) == ("done", {"swept": 3}, "")
    assert done.node
    assert done.duration_ms is not None
    assert jobs.due(at=later(EVERY - 1)) == []
    assert jobs.run("sweep", at=later(EVERY - 1)) is None
    assert jobs.due(at=later(EVERY)) == ["sweep"]
    assert run(EVERY).outcome == "done"
    assert JobRun.objects.count() == 2


@pytest.mark.django_db
def test_b17_while_one_holds_the_lease_no_other_runs_the_job(sweep):
    job = sweep()
    take(job, 0)
    jobs.request("sweep", by="ada", at=later(1))
    assert jobs.take(job, at=later(1)) is None
    assert jobs.run("sweep", at=later(1)) is None
    assert jobs.due(at=later(1)) == []


@pytest.mark.django_db
def test_b17_a_killed_run_loses_its_lease_by_time_and_is_shown_as_interrupted(sweep):
    job = sweep()
    killed = take(job, 0)
    until = jobs.LEASE.total_seconds()
    assert jobs.run("sweep", at=later(until - 1)) is None
    assert run(until).outcome == "done"
    assert JobRun.objects.get(pk=killed.run_id).outcome == "interrupted"


@pytest.mark.django_db
def test_b17_who_lost_the_lease_stops_and_writes_nothing(sweep, monkeypatch):
    monkeypatch.setattr(jobs, "RENEW_AFTER_SECONDS", 0.0)
    reached = []

    def slow(keep: Keep) -> Counts:
        keep()
        reached.append("kept")
        ScheduledJob.objects.update(holder="another")
        keep()
        reached.append("too far")
        return {}

    sweep(slow)
    taken_over = run(0)
    assert reached == ["kept"]
    assert taken_over.outcome == "running"  # the one who took it says what became of it
    assert row().holder == "another"
    assert row().last_run_at is None


@pytest.mark.django_db
def test_a_lease_is_renewed_while_the_work_goes_on(sweep, monkeypatch):
    monkeypatch.setattr(jobs, "RENEW_AFTER_SECONDS", 0.0)
    ends = []

    def slow(keep: Keep) -> Counts:
        ends.append(row().held_until)
        ScheduledJob.objects.update(held_until=later(1))
        keep()
        ends.append(row().held_until)
        return {}

    sweep(slow)
    run(0)
    assert ends[0] == later(0) + jobs.LEASE
    assert ends[1] is not None
    assert ends[1] > later(1)
    assert (row().holder, row().held_until) == ("", None)


@pytest.mark.django_db
def test_a_finish_after_the_lease_was_lost_changes_nothing(sweep):
    job = sweep()
    first = take(job, 0)
    second = take(job, 1000)
    with pytest.raises(LeaseLost):
        first.finish(jobs.Outcome.DONE, {"swept": 1})
    assert row().holder == second.holder
    second.finish(jobs.Outcome.DONE, {"swept": 2})
    assert JobRun.objects.get(outcome="done").counts == {"swept": 2}


@pytest.mark.django_db
def test_a_failed_run_says_what_kind_and_where_without_the_message_and_is_tried_again_soon(sweep, caplog):
    def broken(keep: Keep) -> Counts:
        raise ValueError("Key (token_hash)=(s3cret) exists")

    sweep(broken)
    failed = run(0)
    assert failed.outcome == "failed"
    assert failed.trouble.startswith("ValueError in broken, test_jobs.py:")
    assert "s3cret" not in failed.trouble + caplog.text
    assert "job sweep failed" in caplog.text
    again = jobs.RETRY_AFTER.total_seconds()
    assert jobs.due(at=later(again - 1)) == []
    assert jobs.due(at=later(again + 1)) == ["sweep"]


@pytest.mark.django_db
def test_a_paused_job_runs_no_more_by_time_but_when_it_is_asked_for(sweep):
    sweep()
    jobs.pause("sweep", by="ada", at=later(0))
    jobs.pause("sweep", by="bob", at=later(1))
    assert (row().paused_by, row().paused_at) == ("ada", later(0))
    assert jobs.run("sweep", at=later(10)) is None
    jobs.request("sweep", by="ada", at=later(11))
    assert jobs.due(at=later(12)) == ["sweep"]
    assert run(12).outcome == "done"
    assert jobs.run("sweep", at=later(EVERY * 9)) is None
    jobs.resume("sweep", by="bob", at=later(EVERY * 9))
    jobs.resume("sweep", by="bob", at=later(EVERY * 9))
    assert run(EVERY * 9).outcome == "done"
    acts = list(ChangeRecord.objects.order_by("pk").values_list("verb", "actor"))
    assert acts == [("pause", "ada"), ("run now", "ada"), ("resume", "bob")]


@pytest.mark.django_db
def test_a_wish_that_comes_during_a_run_is_for_the_next_run(sweep):
    job = sweep()
    lease = take(job, 0)
    jobs.request("sweep", by="ada", at=later(5))
    lease.finish(jobs.Outcome.DONE, {})
    assert jobs.due(at=later(6)) == ["sweep"]
    run(6)
    assert jobs.due(at=later(7)) == []
    assert row().requested_by == ""


@pytest.mark.django_db
def test_a_wish_for_an_unknown_job_is_refused():
    for act in (jobs.request, jobs.pause, jobs.resume):
        with pytest.raises(UnknownJob, match="clean_tokens"):
            act("nonsense", by="ada")
    with pytest.raises(UnknownJob):
        jobs.run("nonsense")


@pytest.mark.django_db
def test_the_overview_tells_state_last_and_next_run(sweep):
    job = sweep()

    def told(at: float) -> tuple[str, str | None, Any]:
        (found,) = jobs.overview(at=later(at))
        return found.state, found.last and found.last.outcome, found.next_at

    assert told(0) == ("scheduled", None, later(0))
    run(0)
    assert told(1) == ("scheduled", "done", later(EVERY))
    assert told(EVERY + 50) == ("scheduled", "done", later(EVERY + 50))
    jobs.pause("sweep", by="ada", at=later(2))
    assert told(2) == ("paused", "done", None)
    jobs.request("sweep", by="ada", at=later(3))
    lease = take(job, 3)
    assert told(3)[:2] == ("running", "done")
    lease.finish(jobs.Outcome.FAILED, {}, "X in y, z.py:1", again=True)
    jobs.resume("sweep", by="ada", at=later(4))
    state, outcome, following = told(4)
    assert (state, outcome) == ("scheduled", "failed")
    assert later(60) < following < later(70)


@pytest.mark.django_db
def test_old_runs_go_and_each_job_keeps_its_last(sweep, settings):
    settings.JOB_HISTORY_DAYS = 7
    sweep()
    for day in (0, 1, 2):
        run(day * 86_400)
    JobRun.objects.create(job="other", started_at=later(0))
    assert jobs.forget_old_runs(at=later(8.5 * 86_400)) == 2
    assert jobs.forget_old_runs(at=later(900 * 86_400)) == 0
    assert JobRun.objects.count() == 2


@pytest.mark.django_db
def test_b17_a_tick_sends_what_is_due_and_a_message_that_comes_twice_does_nothing_more(sweep, monkeypatch):
    monkeypatch.setitem(app.conf, "task_always_eager", True)
    sweep()
    assert tasks.tick() == ["sweep"]
    assert JobRun.objects.get().outcome == "done"
    tasks.run_job("sweep")
    assert JobRun.objects.count() == 1
    assert tasks.tick() == []


@pytest.mark.django_db
def test_every_job_has_an_interval_and_a_row_and_the_tick_is_in_beat_s_table(settings):
    app.loader.import_default_modules()
    names = {job.name for job in jobs.registered()}
    assert names == set(settings.JOB_EVERY_SECONDS)
    assert {"clean_tokens", "expire_licences", "rotate_signing_keys"} <= names
    assert set(jobs.due()) == names
    assert set(ScheduledJob.objects.values_list("name", flat=True)) == names
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["task"] in app.tasks
        assert 0 < entry["options"]["expires"] <= entry["schedule"]


def _take(index: int) -> bool:
    return jobs.take(jobs.job_named("clean_tokens")) is not None


def test_b17_of_many_workers_one_gets_the_lease(own_database: OwnDatabase):
    jobs.enlist()
    taken = [each.get() for each in own_database.run_in_threads(8, _take)]
    assert sum(taken) == 1
    ScheduledJob.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    taken = [each.get() for each in own_database.run_in_threads(8, _take)]
    assert sum(taken) == 1
    assert JobRun.objects.filter(finished_at=None).count() == 1
