"""What the dashboard shows, counted. Reads only; a fixed number of statements, none of which reads the request log.

Live access tokens and refresh tokens are each read once along the index of their expiry, and every figure about them
comes of that one pass.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, F, Max, Q, Sum

from credentials.models import ConnectionConfiguration, Credential, CredentialSecret, Grant, PersonalAccessToken
from credentials.ownership import orphaned_credentials
from credentials.rules import Rotation
from proxies import jobs
from proxies.models import ApiProxy, ProxyGroup
from proxies.ownership import orphans
from proxies.sentences import kept
from tokens import key_outlook
from tokens.models import JwtRefreshKey, RequestRollup, SigningKey, TokenFamily
from tokens.querysets import LAST_REFRESH, SOON, live_refresh_keys, live_tokens, token_is_idle, token_is_unused
from tokens.rollups import HOUR

WEEK, MONTH = timedelta(days=7), timedelta(days=30)
HOURS, DAYS = 24, 30
# Action and outcome of the log -> what the charts call it.
_ISSUED, _REFRESHED = ("issue", "login", "mint"), ("refresh", "renew")
Row = dict[str, Any]


def everything(now: datetime) -> Row:
    """All figures, as JSON can hold them."""
    return {
        "tokens": tokens(now),
        "refresh": refresh_tokens(now),
        "attention": attention(now),
        **charts(now),
        "keys": signing_keys(now),
        "jobs": background(now),
    }


def tokens(now: datetime) -> list[Row]:
    """Live access tokens by environment and kind, and what is remarkable among them."""
    found = (
        live_tokens(now)
        .order_by()
        .values(environment=F("family__environment__slug"), kind=F("token_format"))
        .annotate(
            live=Count("pk"),
            soon=Count("pk", filter=Q(expires_at__lte=now + SOON)),
            never=Count("pk", filter=Q(expires_at=None)),
            unused=Count("pk", filter=token_is_unused(now)),
            idle=Count("pk", filter=token_is_idle(now)),
        )
        .order_by("environment", "kind")
    )
    return [dict(row) for row in found]


def refresh_tokens(now: datetime) -> Row:
    """Live refresh tokens, and those that are nearly used up."""
    found: Row = live_refresh_keys(now).aggregate(live=Count("pk"), near_limit=Count("pk", filter=LAST_REFRESH))
    return found


def attention(now: datetime) -> dict[str, int]:
    """What somebody should look at. Each is counted no further than a person cares."""
    today = now.date()
    month = today + MONTH
    connections = ConnectionConfiguration.objects
    counted = {
        "connections_overdue": connections.rotation_due(Rotation.OVERDUE, now),
        "connections_recommended": connections.rotation_due(Rotation.RECOMMENDED, now),
        "connections_in_trouble": connections.in_trouble(now),
        "licences": connections.still_open().filter(licence_ends_at__gt=now, licence_ends_at__lte=now + MONTH),
        "credentials_expiring": _by_day(Credential.objects.filter(archived_at=None), today, month),
        "grants_expiring": _by_day(Grant.objects.filter(withdrawn_at=None), today, month),
        "secrets_retiring": CredentialSecret.objects.filter(
            retired_at=None, retire_at__gt=now, retire_at__lte=now + MONTH
        ),
        "refresh_keys_expiring": JwtRefreshKey.objects.filter(
            family__kind=TokenFamily.Kind.MINTED, family__revoked_at=None, revoked_at=None,
            sequence=F("family__sequence"), expires_at__gt=now, expires_at__lte=now + WEEK,
        ),
        "personal_tokens_expiring": PersonalAccessToken.objects.filter(
            revoked_at=None, expires_at__gt=now, expires_at__lte=now + WEEK
        ),
        "proxies_orphaned": orphans(ApiProxy.objects.filter(archived_at=None)),
        "groups_orphaned": orphans(ProxyGroup.objects.filter(archived_at=None)),
        "credentials_orphaned": orphaned_credentials(Credential.objects.filter(archived_at=None)),
        "connections_orphaned": orphans(connections.still_open()),
    }  # fmt: skip
    return {name: jobs.bounded(rows.order_by()) for name, rows in counted.items()}


def _by_day(rows: Any, first: date, last: date) -> Any:
    return rows.filter(expires_on__gt=first, expires_on__lte=last)


def charts(now: datetime) -> Row:
    """Issued, refreshed and refused: each of the last 24 hours, each of the last 30 days, and how far the sums go."""
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    since = this_hour.replace(hour=0) - (DAYS - 1) * timedelta(days=1)
    sums: dict[datetime, list[int]] = {}
    rows = (
        RequestRollup.objects.filter(hour__gte=since)
        .order_by()
        .values_list("hour", "action", "outcome")
        .annotate(count=Sum("requests"))
    )
    for hour, action, outcome, count in rows:
        at = _series(action, outcome)
        if at is not None:
            sums.setdefault(hour, [0, 0, 0])[at] += count
    days: dict[datetime, list[int]] = {}
    for hour, counts in sums.items():
        _add(days.setdefault(hour.replace(hour=0), [0, 0, 0]), counts)
    whole_days = [since + back * timedelta(days=1) for back in range(DAYS)]
    hours = [this_hour - back * HOUR for back in range(HOURS - 1, -1, -1)]
    newest = RequestRollup.objects.aggregate(newest=Max("hour"))["newest"]
    return {
        "hours": [[hour.isoformat(), *sums.get(hour, (0, 0, 0))] for hour in hours],
        "days": [[day.isoformat(), *days.get(day, (0, 0, 0))] for day in whole_days],
        "summed_to": newest.isoformat() if newest else None,
    }


def _series(action: str, outcome: str) -> int | None:
    if outcome == "refused":
        return 2
    return 0 if action in _ISSUED else 1 if action in _REFRESHED else None


def _add(into: list[int], counts: Iterable[int]) -> None:
    for at, count in enumerate(counts):
        into[at] += count


def signing_keys(now: datetime) -> list[Row]:
    """The key that signs in each environment, how old it is, and what comes next for it."""
    keys = SigningKey.objects.filter(
        signing_since__isnull=False, verify_only_since=None, retired_at=None, ended_at=None
    ).select_related("environment")
    return [
        {
            "id": key.pk,
            "environment": key.environment.slug,
            "kid": key.kid,
            "algorithm": key.algorithm,
            "since": key.signing_since.isoformat() if key.signing_since else None,
            "days": (now - (key.signing_since or key.created_at)).days,
            "next": kept(key_outlook.outlook(key, at=now).next_step),
        }
        for key in keys
    ]


def background(now: datetime) -> list[Row]:
    """Every job: last run and how it went, next run, backlog."""
    return [
        {
            "id": view.row.pk,
            "name": view.job.label,
            "state": view.state,
            "last": view.last.started_at.isoformat() if view.last else None,
            "outcome": view.last.outcome if view.last else None,
            "next": view.next_at.isoformat() if view.next_at else None,
            "backlog": view.backlog(now),
        }
        for view in jobs.overview(at=now)
    ]
