"""Scheduled work, as Celery sees it: a tick that looks what is due, and one task that runs a job by its name.

Both may be lost or run twice: what is due and who may run it is decided by the database (proxies/jobs.py).
"""

from celery import shared_task

from proxies import jobs


@shared_task
def tick() -> list[str]:
    """Send a message for each job that is due. It is dropped when it is not taken soon: the next tick sends another."""
    names = jobs.due()
    for name in names:
        run_job.apply_async((name,), expires=60)
    return names


@shared_task
def run_job(name: str) -> None:
    """Run one job, unless it is not due any more or another has it."""
    jobs.run(name)
