"""What the request log can be narrowed by (F0). None of them asks the log what there is to choose."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from credentials.errors import CredentialError
from proxies.adminkit import TextFilter
from proxies.models import ApiProxy, Environment, ProxyGroup
from tokens.errors import TokenError
from tokens.rules import Reason


def _codes() -> list[str]:
    """Every error code that a refusal can have."""
    found = {reason.value for reason in Reason}
    for base in (TokenError, CredentialError):
        pending: list[type[Any]] = [base]
        while pending:
            kind = pending.pop()
            pending += kind.__subclasses__()
            if code := getattr(kind, "code", ""):
                found.add(code)
    return sorted(found)


class KindFilter(TextFilter):
    """One that the hourly sums know as well (tokens/log_windows.py)."""

    def kinds(self) -> dict[str, str]:
        """Column -> value, where something is chosen."""
        value = (self.value() or "").strip()
        return {self.lookup: value} if value else {}


class EnvironmentFilter(KindFilter):
    """By slug; also of one that is no more."""

    title, parameter_name, lookup = gettext_lazy("environment"), "environment", "environment"
    placeholder = gettext_lazy("slug")

    def suggestions(self) -> Iterable[str]:
        return Environment.objects.values_list("slug", flat=True)


class ProxyFilter(KindFilter):
    """What the token was asked for."""

    title, parameter_name, lookup = gettext_lazy("API proxy"), "proxy", "proxy"
    placeholder = gettext_lazy("slug")

    def suggestions(self) -> Iterable[str]:
        return ApiProxy.objects.order_by("slug").values_list("slug", flat=True)[:200]


class GroupFilter(KindFilter):
    """The group the token was asked for."""

    title, parameter_name, lookup = gettext_lazy("API proxy group"), "group", "group"
    placeholder = gettext_lazy("slug")

    def suggestions(self) -> Iterable[str]:
        return ProxyGroup.objects.order_by("slug").values_list("slug", flat=True)[:200]


class ReasonFilter(KindFilter):
    """Why it was refused."""

    title, parameter_name, lookup = gettext_lazy("reason"), "reason", "reason"
    placeholder = "token_not_found"

    def suggestions(self) -> Iterable[str]:
        return _codes()


class ClientFilter(TextFilter):
    """The client that asked."""

    title, parameter_name, lookup = gettext_lazy("client id"), "client_id", "client_id"
    ordering_when_used = ("-at",)

    @property
    def ordering(self) -> tuple[str, ...]:
        """Along the index of clients."""
        return self.ordering_when_used if self.value() else ()


class PersonFilter(TextFilter):
    """The person who logged in, or who acted in the admin."""

    title, parameter_name = gettext_lazy("user name"), "person"

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(Q(username=value) | Q(actor=value))


class NumberFilter(TextFilter):
    """A bound for a number; what is no number is left out."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = (self.value() or "").strip()
        return self.narrowed(queryset, value) if value.isascii() and value.isdigit() and len(value) < 7 else queryset


class StatusAboveFilter(NumberFilter):
    """Status code greater than."""

    title, parameter_name, lookup = gettext_lazy("status greater than"), "status_above", "status__gt"
    placeholder = "399"


class StatusBelowFilter(NumberFilter):
    """Status code smaller than."""

    title, parameter_name, lookup = gettext_lazy("status smaller than"), "status_below", "status__lt"
    placeholder = "300"
