"""Columns and filters that the lists of tokens, families and refresh keys share."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from proxies.adminkit import TextFilter, copyable, state_badge
from proxies.adminkit.lists import through
from proxies.models import Environment
from tokens.models import TokenFamily
from tokens.standing import Standing

UNUSED_AFTER = timedelta(days=90)


def standing_badge(found: Standing | None) -> SafeString:
    """How a row stands, and why on hover."""
    if found is None:
        return state_badge("unknown")
    shown = state_badge(found.state)
    return format_html('<span title="{}">{}</span>', found.why, shown) if found.why else shown


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

    title = "client id"
    parameter_name = "client"
    placeholder = "storefront"

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return through(queryset, "family", TokenFamily.objects.filter(credential__client_id=value))


class EnvironmentFilter(admin.SimpleListFilter):
    """What was got in one environment."""

    title = parameter_name = "environment"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(each.slug, each.name) for each in Environment.objects.all()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return through(queryset, "family", TokenFamily.objects.filter(environment__slug=value)) if value else queryset


class ChosenFilter(admin.SimpleListFilter):
    """Some named conditions, none of which is asked of the table to be offered."""

    conditions: dict[str, str] = {}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(self.conditions.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return self.narrowed(queryset, value) if value in self.conditions else queryset

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Rows of one condition."""
        raise NotImplementedError


class StatusFilter(ChosenFilter):
    """By what the row itself says. What ended with a key or a deployment is told in the column, row by row."""

    title = "status"
    parameter_name = "status"
    conditions = {"live": "Live", "expired": "Expired", "revoked": "Revoked", "never": "Never expires"}

    @property
    def ordering(self) -> tuple[str, ...]:
        """Along the index of what is asked for."""
        return {"expired": ("-expires_at",), "revoked": ("-revoked_at",)}.get(self.value() or "", ())

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        now = timezone.now()
        return queryset.filter(
            {
                "live": Q(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None),
                "expired": Q(expires_at__lte=now),
                "revoked": Q(revoked_at__isnull=False),
                "never": Q(expires_at=None, revoked_at=None),
            }[value]
        )


class UseFilter(ChosenFilter):
    """Whether anybody uses it; of those that were not used only what lives is of interest."""

    title = "use"
    parameter_name = "use"
    conditions = {"never": "Never used", "long": "Unused for 90 days", "hour": "Used in the last hour"}

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        now = timezone.now()
        made = "created_at" if hasattr(queryset.model, "created_at") else "issued_at"
        long_ago = now - UNUSED_AFTER
        if value != "hour":
            queryset = queryset.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)
        return queryset.filter(
            {
                "never": Q(last_used_at=None),
                "long": Q(last_used_at__lte=long_ago) | Q(**{"last_used_at": None, f"{made}__lte": long_ago}),
                "hour": Q(last_used_at__gt=now - timedelta(hours=1)),
            }[value]
        )


class CountFilter(ChosenFilter):
    """How much of the refresh count is left."""

    title = "refreshes left"
    parameter_name = "left"
    conditions = {"one": "One", "none": "None"}

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(refresh_count=F("sequence") + (1 if value == "one" else 0))


class RevokedFilter(ChosenFilter):
    """Whether it was revoked by somebody."""

    title = "revoked"
    parameter_name = "revoked"
    conditions = {"no": "No", "yes": "Yes"}

    @property
    def ordering(self) -> tuple[str, ...]:
        """The last first."""
        return ("-revoked_at",) if self.value() == "yes" else ()

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(revoked_at__isnull=value == "no")


class HeldByFilter(ChosenFilter):
    """Whose it is. Those of people are few, and their index knows them."""

    title = "held by"
    parameter_name = "kind"
    conditions = {"client": "Clients", "login": "People, by login", "minted": "People, by a refresh key"}

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(user__isnull=True) if value == "client" else queryset.filter(kind=value, user__gt=0)
