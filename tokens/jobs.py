"""The scheduled jobs of this floor."""

import dataclasses
from datetime import datetime

from django.utils.translation import gettext_noop

from proxies.jobs import COUNTED_UP_TO, Counts, Job, Keep, Trouble, bounded
from proxies.sentences import Sentence
from tokens import bulk_work, figures, lifecycle, reminders, rollups, sealing, signing
from tokens.statements import clean

SEALS_CHECKED = 200


def _clean_tokens(keep: Keep) -> Counts:
    return dataclasses.asdict(lifecycle.clean(progress=lambda _seen: keep()))


def _rotate_signing_keys(keep: Keep) -> Counts:  # noqa: ARG001 - a handful of keys
    return dataclasses.asdict(signing.rotate_due())


def _seal_log(keep: Keep) -> Counts:
    return dataclasses.asdict(sealing.seal(keep=keep))


def _check_log(keep: Keep) -> Counts:
    done = sealing.check_next(SEALS_CHECKED, progress=lambda _done: keep())
    if done.broken:
        more = f" And {len(done.broken) - 1} more: manage.py check_log" if len(done.broken) > 1 else ""
        raise Trouble(f"{done.broken[0]}{more}")
    return {"seals": done.seals, "rows": done.rows}


def _roll_up_log(keep: Keep) -> Counts:
    return rollups.roll_up(keep=keep)._asdict()


def _bulk_work(keep: Keep) -> Counts:
    return bulk_work.work_off(keep=keep)._asdict()


def _take_figures(keep: Keep) -> Counts:  # noqa: ARG001 - a few statements
    return {"counted": int(figures.take())}


def _remind_owners(keep: Keep) -> Counts:
    return reminders.sweep(keep=keep)._asdict()


def _deliver_reminders(keep: Keep) -> Counts:
    return reminders.deliver(keep=keep)._asdict()


def _expired(now: datetime) -> int:
    return clean.expired(now, up_to=COUNTED_UP_TO)


JOBS = (
    Job(
        "clean_tokens",
        gettext_noop("Clean expired tokens"),
        gettext_noop(
            "Removes expired tokens that no retry, replay or revocation needs any more. The request log is not touched."
        ),
        _clean_tokens,
        _expired,
    ),
    Job(
        "bulk_work",
        gettext_noop("Revoke in bulk"),
        gettext_noop("Revokes what was chosen on a list by its filter, some thousand rows a run."),
        _bulk_work,
        lambda _now: bulk_work.waiting(up_to=COUNTED_UP_TO),
    ),
    Job(
        "rotate_signing_keys",
        gettext_noop("Rotate signing keys"),
        gettext_noop(
            "Where an environment says how often: publishes the next key well ahead, lets it sign when it is due. "
            "Everywhere: retires rotated keys whose last token has expired."
        ),
        _rotate_signing_keys,
    ),
    Job(
        "seal_log",
        gettext_noop("Seal the request log"),
        gettext_noop("Seals the rows that have settled, so that a row that is altered or taken out later shows."),
        _seal_log,
        lambda _now: sealing.waiting(up_to=COUNTED_UP_TO),
    ),
    Job(
        "check_log",
        gettext_noop("Check the seals of the request log"),
        Sentence(
            gettext_noop(
                "Checks the chain of seals, and in turn the rows of {seals} seals. Fails where anything was altered."
            ),
            seals=SEALS_CHECKED,
        ),
        _check_log,
    ),
    Job(
        "take_figures",
        gettext_noop("Count the figures of the dashboard"),
        gettext_noop("Counts live tokens and what needs attention, for the first page of the admin."),
        _take_figures,
    ),
    Job(
        "roll_up_log",
        gettext_noop("Count requests by the hour"),
        gettext_noop("Sums up the request log by the hour, for the charts."),
        _roll_up_log,
        lambda _now: rollups.waiting(up_to=COUNTED_UP_TO),
    ),
    Job(
        "remind_owners",
        gettext_noop("Find what owners are reminded of"),
        gettext_noop(
            "Looks for what expires within 30 days, 7 days or a day,"
            " and for connection tokens of half a year and a year."
        ),
        _remind_owners,
    ),
    Job(
        "deliver_reminders",
        gettext_noop("Deliver reminders"),
        gettext_noop(
            "Sends reminders to their owners by mail and to the webhooks;"
            " tries again what was not taken, for three days."
        ),
        _deliver_reminders,
        lambda now: bounded(reminders.waiting(now)),
    ),
)
