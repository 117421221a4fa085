"""The second step of a login: what a person shows beside the password, at every door alike."""

from datetime import datetime

from django.utils import timezone

from credentials import second_factors
from credentials.errors import SecondFactorMissing, SecondFactorRequired
from credentials.models import User
from tokens.lifecycle import limiting


def second_step(person: User, code: str, *, at: datetime | None = None) -> None:
    """Nothing where the password is enough, or where the code is right: it counts once.

    Raises SecondFactorRequired without a code, SecondFactorMissing where there is none and must be one,
    SecondFactorRefused for a wrong one, and RateLimited after too many of those.
    """
    now = at or timezone.now()
    if person.second_factor_since is None:
        if second_factors.is_missing(person):
            raise SecondFactorMissing
        return
    if not code:
        raise SecondFactorRequired
    counted = limiting.limit(limiting.by_second_factor(person.get_username()), at=now)
    second_factors.prove(person, code, at=now)
    counted.give_back()
