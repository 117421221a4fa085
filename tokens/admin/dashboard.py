"""The first page: what lives, what was asked, what needs somebody.

Each number leads to the list it counts, and is shown to nobody who may not see that list (I22).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from proxies.adminkit import register_front_page
from proxies.adminkit.charts import Chart, Column, stacked
from proxies.models import ApiProxy
from proxies.sentences import of_kept, translated
from tokens import figures

SERIES = (gettext_lazy("issued"), gettext_lazy("refreshed"), gettext_lazy("refused"))
LATE = timedelta(minutes=3)
TOKENS, REFRESH, LOG = "tokens.issuedtoken", "tokens.refreshkey", "tokens.tokenrequestlog"


class Card(NamedTuple):
    """One big number."""

    title: str
    number: int
    detail: str
    url: str
    tone: str = ""


class Notice(NamedTuple):
    """Something that somebody should look at."""

    text: str
    number: int
    url: str
    tone: str


def front_page(request: HttpRequest) -> dict[str, Any]:
    """Context of templates/admin/dashboard.html."""
    now = timezone.now()
    kept = figures.for_page(at=now)
    page = {"front_template": "admin/dashboard.html", "nothing_yet": not ApiProxy.objects.exists()}
    if kept is None or kept.taken_at is None:
        return page | {"figures": None}
    found, may = kept.figures, _May(request)
    return page | {
        "figures": kept,
        "late": now - kept.taken_at > LATE,
        "cards": list(_cards(found, may)),
        "environments": _environments(found, may),
        "charts": _charts(found, may),
        "summed_to": _moment(found["summed_to"]),
        "notices": list(_notices(found, may)),
        "keys": _keys(found) if may.see("tokens.signingkey") else [],
        "jobs": _jobs(found) if may.see("proxies.scheduledjob") else [],
    }


class _May:
    """What this person may see."""

    def __init__(self, request: HttpRequest) -> None:
        self.user = request.user

    def see(self, model: str) -> bool:
        app, _, name = model.partition(".")
        return self.user.has_perm(f"{app}.view_{name}")

    def link(self, model: str, query: str = "") -> str:
        """The address of a list, or nothing."""
        if not self.see(model):
            return ""
        try:
            return f"{reverse('admin:{}_{}_changelist'.format(*model.split('.')))}{query}"
        except NoReverseMatch:  # it has no screen
            return ""


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _sum(rows: list[dict[str, Any]], name: str, **where: str) -> int:
    return sum(row[name] for row in rows if all(row[key] == value for key, value in where.items()))


def _cards(found: dict[str, Any], may: _May) -> Iterator[Card]:
    tokens = found["tokens"]
    if may.see(TOKENS):
        kinds = _("{opaque} opaque, {jwt} JWT").format(
            opaque=f"{_sum(tokens, 'live', kind='opaque'):,}", jwt=f"{_sum(tokens, 'live', kind='jwt'):,}"
        )
        yield Card(_("Live access tokens"), _sum(tokens, "live"), kinds, may.link(TOKENS, "?status=live"))
    if may.see(REFRESH):
        live = found["refresh"]["live"]
        yield Card(_("Live refresh tokens"), live, _("of clients and people"), may.link(REFRESH, "?status=live"))
    if may.see("tokens.requestrollup"):
        hours = found["hours"]
        granted, refused = sum(row[1] + row[2] for row in hours), sum(row[3] for row in hours)
        asked, since = granted + refused, hours[0][0][:16]
        part = _("{share} of all").format(share=f"{refused / asked:.1%}") if asked else _("nothing was asked")
        url = may.link(LOG, f"?outcome__exact=granted&at__from={since}")
        yield Card(
            _("Granted in 24 hours"),
            granted,
            _("{count} of them refreshes").format(count=f"{sum(row[2] for row in hours):,}"),
            url,
        )
        url = may.link(LOG, f"?outcome__exact=refused&at__from={since}")
        yield Card(_("Refused in 24 hours"), refused, part, url, "bad" if refused else "")
    if may.see(TOKENS):
        soon, never = _sum(tokens, "soon"), _sum(tokens, "never")
        yield Card(_("Expire within 24 hours"), soon, _("access tokens"), may.link(TOKENS, "?status=soon"))
        tone = "warn" if never else ""
        yield Card(_("Never expire"), never, _("access tokens"), may.link(TOKENS, "?status=never"), tone)


def _environments(found: dict[str, Any], may: _May) -> list[dict[str, Any]]:
    """Live access tokens by environment and kind, each with its share of the largest."""
    if not may.see(TOKENS):
        return []
    rows = found["tokens"]
    slugs = sorted({row["environment"] for row in rows})
    most = max((_sum(rows, "live", environment=slug) for slug in slugs), default=0) or 1
    shown = []
    for slug in slugs:
        kinds = [
            {
                "name": name,
                "count": (count := _sum(rows, "live", environment=slug, kind=kind)),
                "share": round(100 * count / most, 1),
                "url": may.link(TOKENS, f"?status=live&environment={slug}&token_format__exact={kind}"),
            }
            for kind, name in (("opaque", _("Opaque")), ("jwt", _("JWT")))
        ]
        shown.append({"slug": slug, "live": _sum(rows, "live", environment=slug), "kinds": kinds})
    return shown


def _charts(found: dict[str, Any], may: _May) -> list[Chart]:
    if not may.see("tokens.requestrollup"):
        return []
    log, series = may.link(LOG), [str(name) for name in SERIES]
    hours = [_column(row, log, timedelta(hours=1), every=3) for row in found["hours"]]
    days = [_column(row, log, timedelta(days=1), every=5) for row in found["days"]]
    return [
        stacked(_("Token requests by the hour, the last 24 hours (UTC)"), series, hours),
        stacked(_("Token requests by the day, the last 30 days (UTC)"), series, days),
    ]


def _column(row: list[Any], log: str, span: timedelta, every: int) -> Column:
    start = datetime.fromisoformat(row[0])
    by_hour = span < timedelta(days=1)
    url = f"{log}?at__from={start:%Y-%m-%dT%H:%M}&at__to={start + span:%Y-%m-%dT%H:%M}" if log else ""
    wanted = start.hour % every == 0 if by_hour else (start.day - 1) % every == 0 and start.day < 30
    day = date_format(start, "j M")
    label = f"{start:%H:%M}" if by_hour else day
    name = f"{day} {start:%H:%M}" if by_hour else day
    return Column(name, tuple(row[1:]), url, label if wanted else "")


def _notices(found: dict[str, Any], may: _May) -> Iterator[Notice]:
    counted = found["attention"]
    tokens = found["tokens"]
    offered = (
        (_("Connections in trouble: no instance reports"), counted["connections_in_trouble"],
         "credentials.connectionconfiguration", "?instances=problem", "bad"),
        (_("Connection tokens overdue for rotation"), counted["connections_overdue"],
         "credentials.connectionconfiguration", "?rotation=overdue", "bad"),
        (_("Connection tokens to rotate soon"), counted["connections_recommended"],
         "credentials.connectionconfiguration", "?rotation=recommended", "warn"),
        (_("Licences that end within 30 days"), counted["licences"],
         "credentials.connectionconfiguration", "?licence=month", "warn"),
        (_("Credentials that expire within 30 days"), counted["credentials_expiring"],
         "credentials.credential", "?expires=month", "warn"),
        (_("Client secrets that retire within 30 days"), counted["secrets_retiring"],
         "credentials.credential", "?secret=retiring", "info"),
        (_("Grants that expire within 30 days"), counted["grants_expiring"],
         "credentials.grant", "?expires=month", "warn"),
        (_("Refresh keys that expire within 7 days"), counted["refresh_keys_expiring"],
         "tokens.jwtrefreshkey", "?status=live&expires_at__from={today}&expires_at__to={week}", "warn"),
        (_("Personal access tokens that expire within 7 days"), counted["personal_tokens_expiring"],
         "credentials.personalaccesstoken", "", "info"),
        (_("Refresh tokens with one refresh left at most"), found["refresh"]["near_limit"],
         REFRESH, "?status=last", "info"),
        # A figure that an earlier release did not count is missing until the next count.
        (_("API proxies that nobody answers for"), counted.get("proxies_orphaned", 0),
         "proxies.apiproxy", "?orphans=yes&archived_at__isempty=1", "info"),
        (_("Proxy groups that nobody answers for"), counted.get("groups_orphaned", 0),
         "proxies.proxygroup", "?orphans=yes&archived_at__isempty=1", "info"),
        (_("Credentials that nobody answers for"), counted.get("credentials_orphaned", 0),
         "credentials.credential", "?orphans=yes&archived_at__isempty=1", "info"),
        (_("Connection configurations that nobody answers for"), counted.get("connections_orphaned", 0),
         "credentials.connectionconfiguration", "?orphans=yes&closed_at__isempty=1", "info"),
        (_("Live access tokens that were never used"), _sum(tokens, "unused"), TOKENS, "?use=never", "info"),
        (_("Live access tokens unused for 90 days"), _sum(tokens, "idle"), TOKENS, "?use=long", "warn"),
    )  # fmt: skip
    now = timezone.now()
    days = {"today": f"{now:%Y-%m-%d}", "week": f"{now + timedelta(days=7):%Y-%m-%d}"}
    for text, count, model, query, tone in offered:
        if count and may.see(model):
            yield Notice(text, count, may.link(model, query.format(**days)), tone)


def _keys(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            **key,
            "since": _moment(key["since"]),
            "next": translated(of_kept(key["next"])),
            "url": reverse("admin:tokens_signingkey_change", args=[key["id"]]),
        }
        for key in found["keys"]
    ]


def _jobs(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            **job,
            "name": translated(job["name"]),
            "last": _moment(job["last"]),
            "next": _moment(job["next"]),
            "failed": job["outcome"] not in (None, "done"),
            "url": reverse("admin:proxies_scheduledjob_change", args=[job["id"]]),
        }
        for job in found["jobs"]
    ]


register_front_page(front_page)
