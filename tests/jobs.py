"""Running a scheduled job as a tick does."""

from datetime import datetime

from proxies import jobs


def ran(name: str, at: datetime | None = None) -> dict[str, int]:
    """What a run of the job did that was asked for."""
    jobs.request(name, by="test", at=at)
    run = jobs.run(name, at=at)
    assert run is not None, "another has it"
    assert run.outcome == "done", run.trouble
    counts: dict[str, int] = run.counts
    return counts
