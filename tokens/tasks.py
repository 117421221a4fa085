"""Scheduled work of this floor: sweeps without arguments, which may be lost or run twice."""

import dataclasses

from celery import shared_task

from tokens import lifecycle, signing


@shared_task
def clean_expired_tokens() -> dict[str, int]:
    """Remove expired tokens that nothing needs any more (S0.4, D17)."""
    return dataclasses.asdict(lifecycle.clean())


@shared_task
def retire_signing_keys() -> int:
    """Retire rotated keys whose last token has expired (D13)."""
    return signing.retire_due()
