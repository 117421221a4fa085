"""Revoke many: every family that a filter chooses, in one request with one log row (S2.7, D24)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from credentials.models import Credential, User
from proxies.models import ApiProxy, Environment, ProxyGroup
from tokens import errors
from tokens.lifecycle.audit import Entry, Request, audited
from tokens.models import TokenFamily
from tokens.statements import revoke as statements

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Selection:
    """Families by what is named together; nothing named chooses nothing, so that nobody ends everything by mistake."""

    credential: Credential | None = None
    user: User | None = None
    proxy: ApiProxy | None = None
    group: ProxyGroup | None = None
    environment: Environment | None = None
    kind: str | None = None
    token_format: str | None = None
    never_expires: bool | None = None
    issued_since: datetime | None = None
    issued_until: datetime | None = None

    def chosen(self) -> Q:
        """The families as a condition."""
        named = {
            "credential": self.credential,
            "user": self.user,
            "proxy": self.proxy,
            "group": self.group,
            "environment": self.environment,
            "kind": self.kind,
            "token_format": self.token_format,
            "access_token_lifetime_secs__isnull": self.never_expires,
            "issued_at__gte": self.issued_since,
            "issued_at__lt": self.issued_until,
        }
        wanted = {name: value for name, value in named.items() if value is not None}
        return Q(**wanted) if wanted else Q(pk__in=[])


def count_matching(wanted: Selection, *, at: datetime | None = None) -> int:
    """How many families `revoke_matching` would end now."""
    return TokenFamily.objects.filter(_unended(wanted, at or timezone.now())).count()


def _unended(wanted: Selection, now: datetime) -> Q:
    return wanted.chosen() & Q(revoked_at=None, issued_at__lte=now)


def revoke_matching(
    wanted: Selection, *, at_most: int, by: str, because: str, request: Request, at: datetime | None = None
) -> int:
    """End every family that is chosen, with its access tokens and refresh handle; how many. Whole or not at all.

    Logged, in one row. Raises MoreThanConfirmed where there are more than whoever asks has seen.
    """
    now = at or timezone.now()
    with audited("revoke", request, now) as entry:
        _describe(entry, wanted)
        found = count_matching(wanted, at=now)
        if found > at_most:
            entry.status = 409
            raise errors.MoreThanConfirmed(found)
        ended = sum(
            statements.revoke_families(family_ids=ids, now=now, by=by, because=because) for ids in _ids(wanted, now)
        )
        entry.reason = f"revoked_{ended}_families"
    return ended


def _ids(wanted: Selection, now: datetime) -> Iterator[list[int]]:
    """In the order of the key, so that two at once never wait for each other."""
    last = 0
    while True:
        rows = TokenFamily.objects.filter(_unended(wanted, now), pk__gt=last).order_by("pk")
        ids = list(rows.values_list("pk", flat=True)[:_AT_ONCE])
        if not ids:
            return
        yield ids
        last = ids[-1]


def _describe(entry: Entry, wanted: Selection) -> None:
    entry.client_id = wanted.credential.client_id if wanted.credential else ""
    entry.client_name = str(wanted.credential or "")
    entry.username = wanted.user.get_username() if wanted.user else ""
    entry.proxy = wanted.proxy.slug if wanted.proxy else ""
    entry.group = wanted.group.slug if wanted.group else ""
    entry.environment = wanted.environment.slug if wanted.environment else ""
    entry.token_format = wanted.token_format or ""
