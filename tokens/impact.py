"""What an act would end, counted before it is done (D12). Reads only; a handful of queries however many tokens live."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, Model, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from credentials.models import Credential, CredentialDeployment, CredentialKey, Grant, User
from proxies.adminkit import ImpactLine
from proxies.models import ApiProxy, Deployment, Environment, ProxyGroup
from tokens.models import IssuedToken, LegacyVerifier, SigningKey, TokenFamily, TokenFormat
from tokens.querysets import live_refresh_keys, live_tokens, valid_family

TOP_CALLERS = 5
RECENTLY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Impact:
    """Live access tokens by kind, families that can be refreshed, and who would notice."""

    opaque: int
    jwt: int
    refreshable: int
    never_expiring: int
    clients: int
    used_in_last_hour: int
    top_callers: tuple[tuple[str, int], ...]

    @property
    def nothing(self) -> bool:
        """True where nobody would notice."""
        return not (self.opaque or self.jwt or self.refreshable)


def impact(
    *,
    proxy: ApiProxy | None = None,
    group: ProxyGroup | None = None,
    credential: Credential | None = None,
    user: User | None = None,
    environment: Environment | None = None,
    jwt_only: bool = False,
    at: datetime | None = None,
) -> Impact:
    """What lives now of all that is named together; `jwt_only` leaves opaque tokens out (S0.35)."""
    wanted = {"proxy": proxy, "group": group, "credential": credential, "user": user, "environment": environment}
    chosen = Q(**{name: value for name, value in wanted.items() if value is not None})
    if jwt_only:
        chosen &= Q(token_format=TokenFormat.JWT)
    return _count(chosen, at or timezone.now())


def impact_of_families(families: Collection[int], at: datetime | None = None) -> Impact:
    """What lives now of these families: what a bulk revocation would end."""
    return _count(Q(pk__in=families), at or timezone.now())


def impact_where(chosen: Q, at: datetime | None = None) -> Impact:
    """What lives now of the families that are chosen."""
    return _count(chosen, at or timezone.now())


def _live_tokens(families: QuerySet[TokenFamily], now: datetime) -> QuerySet[IssuedToken]:
    return live_tokens(now).filter(family__in=families)


def _count(chosen: Q, now: datetime) -> Impact:
    families = TokenFamily.objects.filter(chosen, valid_family(now))
    tokens = _live_tokens(families, now)
    of_kind = tokens.aggregate(
        opaque=Count("pk", filter=Q(token_format=TokenFormat.OPAQUE)),
        jwt=Count("pk", filter=Q(token_format=TokenFormat.JWT)),
        never=Count("pk", filter=Q(expires_at=None)),
        recent=Count("pk", filter=Q(last_used_at__gt=now - RECENTLY)),
    )
    keys = Exists(live_refresh_keys(now).filter(family=OuterRef("pk")))
    living = families.annotate(can_refresh=keys).filter(
        Q(can_refresh=True) | Exists(_live_tokens(families, now).filter(family=OuterRef("pk")))
    )
    of_family = living.aggregate(
        refreshable=Count("pk", filter=Q(can_refresh=True)),
        clients=Count("credential", distinct=True),
        users=Count("user", distinct=True),
    )
    callers = (
        tokens.values("family__credential__name", "family__credential__client_id", "family__user__username")
        .annotate(count=Count("pk"))
        .order_by("-count", "family__credential__client_id", "family__user__username")[:TOP_CALLERS]
    )
    return Impact(
        opaque=of_kind["opaque"],
        jwt=of_kind["jwt"],
        refreshable=of_family["refreshable"],
        never_expiring=of_kind["never"],
        clients=of_family["clients"] + of_family["users"],
        used_in_last_hour=of_kind["recent"],
        top_callers=tuple((_caller(row), row["count"]) for row in callers),
    )


def _caller(row: Mapping[str, Any]) -> str:
    if row["family__user__username"]:
        return str(row["family__user__username"])
    return f"{row['family__credential__name']} ({row['family__credential__client_id']})"


# --- for screens and commands, by the registry of proxies.adminkit


def lines(found: Impact, place: str = "") -> list[ImpactLine]:
    """An impact as a table; nothing where nothing would end."""
    if found.nothing:
        return []
    callers = ", ".join(f"{name}: {count}" for name, count in found.top_callers)
    told = [
        ImpactLine(_there(_("Live OAuth2 (opaque) tokens"), place), found.opaque),
        ImpactLine(_there(_("Live JWTs"), place), found.jwt),
        ImpactLine(_there(_("Never-expiring tokens among them"), place), found.never_expiring),
        ImpactLine(_there(_("Families that can still be refreshed"), place), found.refreshable),
        ImpactLine(_there(_("Clients and users that hold them"), place), found.clients, callers),
        ImpactLine(_there(_("Tokens used in the last hour"), place), found.used_in_last_hour),
    ]
    return [line for line in told if line.count]


def _there(label: str, place: str) -> str:
    return _("{what} in {place}").format(what=label, place=place) if place else label


def impact_lines(subject: Model, act: str) -> list[ImpactLine]:
    """What an act on a subject of any floor would end or, for acts that can be undone, refuse while it is so."""
    if isinstance(subject, SigningKey):
        ends = act == "change"
        return lines(impact(environment=subject.environment, jwt_only=True), str(subject.environment)) if ends else []
    if isinstance(subject, LegacyVerifier):
        # What was refreshed since has our own form and goes on.
        return lines(_count(Q(legacy_verifier=subject, sequence=0), timezone.now()), str(subject.environment))
    if isinstance(subject, Deployment):
        found = impact(proxy=subject.proxy, group=subject.group, environment=subject.environment)
        return lines(found, str(subject.environment))
    if isinstance(subject, CredentialDeployment):
        found = impact(credential=subject.credential, environment=subject.environment)
        return lines(found, str(subject.environment))
    return [line for found, place in _of_holder(subject, act) for line in lines(found, place)]


def _of_holder(subject: Model, act: str) -> Iterator[tuple[Impact, str]]:
    """Where the environment is chosen on the page itself, each is told apart."""
    if act == "undeploy" and isinstance(subject, ApiProxy | ProxyGroup | Credential):
        # What is no more deployed ended when it was undeployed.
        deployed = subject.deployments.filter(undeployed_at=None).select_related("environment")
        for environment in [each.environment for each in deployed.order_by("environment__name")]:
            if isinstance(subject, ApiProxy):
                yield impact(proxy=subject, environment=environment), str(environment)
            elif isinstance(subject, ProxyGroup):
                yield impact(group=subject, environment=environment), str(environment)
            else:
                yield impact(credential=subject, environment=environment), str(environment)
    elif isinstance(subject, ApiProxy):
        yield impact(proxy=subject), ""
    elif isinstance(subject, ProxyGroup):
        yield impact(group=subject), ""
    elif isinstance(subject, Credential):
        yield impact(credential=subject), ""
    elif isinstance(subject, CredentialKey):
        yield impact(credential=subject.credential), ""
    elif isinstance(subject, Environment) and act == "end-everything":
        yield impact(environment=subject), ""
    elif isinstance(subject, User):
        yield impact(user=subject), ""
    elif isinstance(subject, Grant):
        yield impact(proxy=subject.proxy, group=subject.group, credential=subject.credential, user=subject.user), ""
