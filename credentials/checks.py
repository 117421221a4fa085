"""What must be right before the portal starts."""

from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import Error as DatabaseError

from credentials import sealed


def sealed_values_open(**_kwargs: Any) -> list[CheckMessage]:
    """The keys at hand open what was sealed: a wrong key is found at start, not at the first person who asks (E001).

    A database that is away or not migrated yet is not this check's business.
    """
    try:
        broken = sealed.unreadable()
    except DatabaseError:
        return []
    return [
        Error(
            f"{sentence} The keys in KEY_ENCRYPTION_KEYS are not the ones it was sealed with.",
            hint="Put the key back that sealed it. Nothing was changed.",
            id="credentials.E001",
        )
        for sentence in broken
    ]
