"""The scheduled jobs of this floor."""

import dataclasses
from datetime import datetime

from proxies.jobs import COUNTED_UP_TO, Counts, Job, Keep
from tokens import lifecycle, signing
from tokens.statements import clean


def _clean_tokens(keep: Keep) -> Counts:
    return dataclasses.asdict(lifecycle.clean(progress=lambda _seen: keep()))


def _retire_signing_keys(keep: Keep) -> Counts:  # noqa: ARG001 - a handful of keys
    return {"retired": signing.retire_due()}


def _expired(now: datetime) -> int:
    return clean.expired(now, up_to=COUNTED_UP_TO)


JOBS = (
    Job(
        "clean_tokens",
        "Clean expired tokens",
        "Removes expired tokens that no retry, replay or revocation needs any more. The request log is not touched.",
        _clean_tokens,
        _expired,
    ),
    Job(
        "retire_signing_keys",
        "Retire signing keys",
        "Retires rotated keys whose last token has expired.",
        _retire_signing_keys,
    ),
)
