"""Columns and filters that the lists of tokens, families and refresh keys share."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from proxies.adminkit import ChosenFilter, TextFilter, copyable, state_badge
from proxies.adminkit.lists import through
from proxies.models import Environment
from proxies.sentences import translated
from tokens.models import TokenFamily
from tokens.querysets import (
    LAST_REFRESH,
    NEW,
    SOON,
    refresh_key_lives,
    token_is_idle,
    token_is_unused,
    token_lives,
)
from tokens.standing import Standing


def standing_badge(found: Standing | None) -> SafeString:
    """How a row stands, and why on hover."""
    if found is None:
        return state_badge("unknown")
    shown = state_badge(found.state)
    return format_html('<span title="{}">{}</span>', translated(found.why), shown) if found.why else shown


def holder_link(family: TokenFamily) -> SafeString:
    """The client or person that holds it."""
    subject = family.credential or family.user
    assert subject is not None  # a constraint promises it
    opts = subject._meta
    url = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[subject.pk])
    return format_html('<a href="{}">{}</a>', url, subject)


def named_value(url: str, value: str) -> SafeString:
    """The link of a row by a value that is long and can be copied whole."""
    return format_html('<a class="row-link" href="{}">{}…</a>{}', url, value[:8], copyable(value, shown=0, bare=True))


class ClientFilter(TextFilter):
    """What one client got, by its exact client id."""

    title = gettext_lazy("client id")
    parameter_name = "client"
    placeholder = "storefront"

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return through(queryset, "family", TokenFamily.objects.filter(credential__client_id=value))


class EnvironmentFilter(admin.SimpleListFilter):
    """What was got in one environment."""

    title, parameter_name = gettext_lazy("environment"), "environment"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(each.slug, each.name) for each in Environment.objects.all()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return through(queryset, "family", TokenFamily.objects.filter(environment__slug=value)) if value else queryset


class StatusFilter(ChosenFilter):
    """How the token stands; the live ones are those that nothing has ended, as the dashboard counts them."""

    title = gettext_lazy("status")
    parameter_name = "status"
    conditions = {
        "live": gettext_lazy("Live"),
        "soon": gettext_lazy("Expires within 24 hours"),
        "never": gettext_lazy("Never expires"),
        "expired": gettext_lazy("Expired"),
        "revoked": gettext_lazy("Revoked"),
    }

    @property
    def ordering(self) -> tuple[str, ...]:
        """Along the index of what is asked for."""
        orders = {"expired": ("-expires_at",), "revoked": ("-revoked_at",), "soon": ("expires_at",)}
        return orders.get(self.value() or "", ())

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        now = timezone.now()
        if value in ("expired", "revoked"):
            ended = Q(expires_at__lte=now) if value == "expired" else Q(revoked_at__isnull=False)
            return queryset.filter(ended)
        queryset = queryset.filter(token_lives(now))
        if value == "soon":
            return queryset.filter(expires_at__gt=now, expires_at__lte=now + SOON)
        return queryset.filter(expires_at=None) if value == "never" else queryset


class UseFilter(ChosenFilter):
    """Whether anybody uses it; of those that were not used only what lives is of interest."""

    title = gettext_lazy("use")
    parameter_name = "use"
    conditions = {
        "never": gettext_lazy("Never used"),
        "long": gettext_lazy("Unused for 90 days"),
        "hour": gettext_lazy("Used in the last hour"),
    }

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        now = timezone.now()
        if value == "hour":
            return queryset.filter(last_used_at__gt=now - NEW)
        return queryset.filter(token_lives(now), token_is_unused(now) if value == "never" else token_is_idle(now))


class LeftFilter(ChosenFilter):
    """What can still be done with a refresh token."""

    title = gettext_lazy("status")
    parameter_name = "status"
    conditions = {"live": gettext_lazy("Live"), "last": gettext_lazy("One refresh left at most")}

    @property
    def ordering(self) -> tuple[str, ...]:
        """Along the index of expiry, so that what has expired is not read."""
        return ("expires_at",) if self.value() == "last" else ()

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        queryset = queryset.filter(refresh_key_lives(timezone.now()))
        return queryset.filter(LAST_REFRESH) if value == "last" else queryset


class RevokedFilter(ChosenFilter):
    """Whether it was revoked by somebody."""

    title = gettext_lazy("revoked")
    parameter_name = "revoked"
    conditions = {"no": gettext_lazy("No"), "yes": gettext_lazy("Yes")}

    @property
    def ordering(self) -> tuple[str, ...]:
        """The last first."""
        return ("-revoked_at",) if self.value() == "yes" else ()

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(revoked_at__isnull=value == "no")


class HeldByFilter(ChosenFilter):
    """Whose it is. Those of people are few, and their index knows them."""

    title = gettext_lazy("held by")
    parameter_name = "kind"
    conditions = {
        "client": gettext_lazy("Clients"),
        "login": gettext_lazy("People, by login"),
        "minted": gettext_lazy("People, by a refresh key"),
    }

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(user__isnull=True) if value == "client" else queryset.filter(kind=value, user__gt=0)
