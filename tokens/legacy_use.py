"""Who still holds tokens of another system: what came with a verifier, what of it has its old form. Reads only."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q

from tokens.impact import impact_where
from tokens.models import IssuedToken, LegacyVerifier, TokenFamily

# The doctor speaks up this long before an end, and goes on this long after it.
NEAR = timedelta(days=14)
RECENT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Carried:
    """Families that came with a verifier, and those of them that have been refreshed into our own form since."""

    families: int = 0
    refreshed: int = 0


def carried(verifiers: Iterable[LegacyVerifier]) -> dict[int, Carried]:
    """By the id of each verifier, in one query."""
    chosen = TokenFamily.objects.filter(legacy_verifier__in=[each.pk for each in verifiers])
    counted = chosen.order_by().values("legacy_verifier").annotate(all=Count("pk"), new=Count("pk", Q(sequence__gt=0)))
    return {row["legacy_verifier"]: Carried(row["all"], row["new"]) for row in counted}


def holders_left(verifier: LegacyVerifier, *, at: datetime) -> int:
    """Clients and people who hold something of the old form that has not expired or been ended."""
    return impact_where(Q(legacy_verifier=verifier, sequence=0), at=at).clients


def last_used_at(verifier: LegacyVerifier) -> datetime | None:
    """When one of its access tokens opened something for the last time."""
    of_old_form = IssuedToken.objects.filter(family__legacy_verifier=verifier, sequence=0)
    found: datetime | None = of_old_form.aggregate(last=Max("last_used_at"))["last"]
    return found


def state(verifier: LegacyVerifier, *, at: datetime) -> str:
    """`in use` or `ended`."""
    return "in use" if at < verifier.ends_at else "ended"
