"""Access tokens, families and refresh keys: who holds what; and the buttons that end it."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from proxies.adminkit import Act, ExpiryFilter, PortalAdmin, Words, actor, badge, moment
from tokens import lifecycle, standing
from tokens.admin.asking import BecauseForm, asked
from tokens.admin.bulk_revocation import FAMILIES, KEYS, TOKENS_ALONE, RevokesMany, revoke_selected
from tokens.admin.columns import (
    ClientFilter,
    EnvironmentFilter,
    HeldByFilter,
    LeftFilter,
    RevokedFilter,
    StatusFilter,
    UseFilter,
    holder_link,
    named_value,
    standing_badge,
)
from tokens.models import IssuedToken, RefreshKey, TokenFamily


def _revoke_token(request: HttpRequest, subject: IssuedToken, values: dict[str, Any]) -> str:
    done = lifecycle.revoke_token(subject, by=actor(request), because=values["because"], request=asked(request))
    return (
        _("{subject} is revoked.").format(subject=subject)
        if done
        else _("{subject} was revoked before; the first time stays.").format(subject=subject)
    )


def _revoke_family(request: HttpRequest, subject: TokenFamily, values: dict[str, Any]) -> str:
    done = lifecycle.revoke_family(subject, by=actor(request), because=values["because"], request=asked(request))
    return (
        _("{subject} is revoked with all its tokens.").format(subject=subject)
        if done
        else _("{subject} was revoked before.").format(subject=subject)
    )


def _revoke_key(request: HttpRequest, subject: RefreshKey, values: dict[str, Any]) -> str:
    return _revoke_family(request, subject.family, values)


@admin.register(IssuedToken)
class IssuedTokenAdmin(RevokesMany, PortalAdmin):
    """Access tokens."""

    section, place, icon = "Tokens", 10, "token"
    minor = ("kind", "issued", "last_used")
    empty_hint = gettext_lazy("Tokens appear here when clients ask for them at /oauth2/token.")
    list_display = (
        "name",
        "status",
        "holder",
        "target",
        "environment",
        "kind",
        "issued",
        "expires",
        "last_used",
    )
    list_display_links = None
    list_filter = (
        StatusFilter,
        ("expires_at", ExpiryFilter),
        UseFilter,
        "token_format",
        EnvironmentFilter,
        ClientFilter,
    )
    sortable_by = ("expires",)
    list_select_related = (
        "family__credential", "family__user", "family__environment", "family__proxy", "family__group",
    )  # fmt: skip
    words = Words(prefix=("jti",), detail="family.audience")
    find_exact = ("jti", "family__credential__client_id", "family__user__username")
    find_prefix = ("jti",)
    search_help_text = gettext_lazy("Start of a JTI, client id or user name. Never a token")
    exclude = ("digest",)
    readonly_fields = ("status",)
    ordering = ("-id",)
    actions = (revoke_selected,)
    how_to_revoke = TOKENS_ALONE
    acts = (
        Act(
            "revoke",
            gettext_lazy("Revoke"),
            _revoke_token,
            "change_issuedtoken",
            BecauseForm,
            possible=lambda subject: subject.revoked_at is None,
        ),
    )

    def prepare_rows(self, rows: Sequence[Any]) -> None:
        found = standing.of_tokens([token.pk for token in rows])
        for token in rows:
            token.standing = found.get(token.pk)

    @admin.display(description=gettext_lazy("Token"))
    def name(self, token: IssuedToken) -> SafeString:
        return named_value(reverse("admin:tokens_issuedtoken_change", args=[token.pk]), token.jti)

    @admin.display(description=gettext_lazy("Status"))
    def status(self, token: Any) -> SafeString:
        return standing_badge(token.standing)

    @admin.display(description=gettext_lazy("Holder"))
    def holder(self, token: IssuedToken) -> SafeString:
        return holder_link(token.family)

    @admin.display(description=gettext_lazy("For"))
    def target(self, token: IssuedToken) -> str:
        return str(token.family.proxy or token.family.group or token.family.audience)

    @admin.display(description=gettext_lazy("Environment"))
    def environment(self, token: IssuedToken) -> str:
        return str(token.family.environment)

    @admin.display(description=gettext_lazy("Type"))
    def kind(self, token: IssuedToken) -> str:
        return "JWT" if token.token_format == "jwt" else "opaque"

    @admin.display(description=gettext_lazy("Issued"))
    def issued(self, token: IssuedToken) -> SafeString | str:
        return moment(token.issued_at)

    @admin.display(description=gettext_lazy("Expires"), ordering="expires_at")
    def expires(self, token: IssuedToken) -> SafeString | str:
        return moment(token.expires_at) if token.expires_at else badge("warn", "never")

    @admin.display(description=gettext_lazy("Last used"))
    def last_used(self, token: IssuedToken) -> SafeString | str:
        return moment(token.last_used_at, relative=True)


@admin.register(TokenFamily)
class TokenFamilyAdmin(RevokesMany, PortalAdmin):
    """Token families."""

    section, place, icon = "Tokens", 20, "family"
    minor = ("kind", "token_format", "issued_at")
    empty_hint = gettext_lazy(
        "A family is one issuance with all its refreshes. The first token a client gets begins one."
    )
    list_display = (
        "name",
        "status",
        "holder",
        "target",
        "environment",
        "kind",
        "token_format",
        "issued_at",
        "refreshed",
    )
    sortable_by = ("name",)
    list_filter = (HeldByFilter, "token_format", "environment", RevokedFilter)
    list_select_related = ("credential", "user", "environment", "proxy", "group")
    find_exact = ("credential__client_id", "user__username", "audience")
    search_help_text = gettext_lazy("Client id, user name or audience, exactly")
    readonly_fields = ("status",)
    ordering = ("-id",)
    actions = (revoke_selected,)
    how_to_revoke = FAMILIES
    acts = (
        Act(
            "revoke",
            gettext_lazy("Revoke family"),
            _revoke_family,
            "change_tokenfamily",
            BecauseForm,
            help=gettext_lazy("Every access token of the family and its refresh token end at once."),
            possible=lambda subject: subject.revoked_at is None,
        ),
    )

    def prepare_rows(self, rows: Sequence[Any]) -> None:
        found = standing.of_families([family.pk for family in rows])
        for family in rows:
            family.standing = found.get(family.pk)

    @admin.display(description=gettext_lazy("Family"), ordering="id")
    def name(self, family: TokenFamily) -> str:
        return str(family.pk)

    @admin.display(description=gettext_lazy("Status"))
    def status(self, family: Any) -> SafeString:
        return standing_badge(family.standing)

    @admin.display(description=gettext_lazy("Holder"))
    def holder(self, family: TokenFamily) -> SafeString:
        return holder_link(family)

    @admin.display(description=gettext_lazy("For"))
    def target(self, family: TokenFamily) -> str:
        return str(family.proxy or family.group or family.audience)

    @admin.display(description=gettext_lazy("Refreshed"))
    def refreshed(self, family: TokenFamily) -> str:
        if family.refresh_token_lifetime_secs is None:
            return _("not refreshable")
        if not family.refresh_count:
            return str(family.sequence)
        return _("{part} of {whole}").format(part=family.sequence, whole=family.refresh_count)


@admin.register(RefreshKey)
class RefreshKeyAdmin(RevokesMany, PortalAdmin):
    """Refresh tokens of clients, which are opaque; those of people have a screen of their own."""

    section, place, icon = "Tokens", 25, "refresh"
    minor = ("sequence", "created_at")
    empty_hint = gettext_lazy("Refresh tokens appear here when clients get them with an access token.")
    list_display = ("name", "status", "holder", "target", "sequence", "created_at", "expires_at", "last_used")
    list_display_links = None
    sortable_by = ("expires_at",)
    list_filter = (LeftFilter, ("expires_at", ExpiryFilter), ClientFilter)
    list_select_related = ("family__credential", "family__user", "family__proxy", "family__group")
    words = Words(prefix=("jti",), detail="family.audience")
    find_exact = ("jti", "family__credential__client_id")
    find_prefix = ("jti",)
    search_help_text = gettext_lazy("Start of a JTI, or client id. Never a token")
    exclude = ("token_hash",)
    readonly_fields = ("status",)
    ordering = ("-id",)
    actions = (revoke_selected,)
    how_to_revoke = KEYS
    acts = (
        Act(
            "revoke",
            gettext_lazy("Revoke family"),
            _revoke_key,
            "change_refreshkey",
            BecauseForm,
            help=gettext_lazy("The refresh token and every token of its family end at once."),
            possible=lambda subject: subject.family.revoked_at is None,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[RefreshKey]:
        return super().get_queryset(request).filter(signing_key=None)

    def prepare_rows(self, rows: Sequence[Any]) -> None:
        found = standing.of_refresh_keys(rows)
        for key in rows:
            key.standing = found.get(key.pk)

    @admin.display(description=gettext_lazy("Refresh token"))
    def name(self, key: RefreshKey) -> SafeString:
        return named_value(reverse("admin:tokens_refreshkey_change", args=[key.pk]), key.jti)

    @admin.display(description=gettext_lazy("Status"))
    def status(self, key: Any) -> SafeString:
        return standing_badge(key.standing)

    @admin.display(description=gettext_lazy("Holder"))
    def holder(self, key: RefreshKey) -> SafeString:
        return holder_link(key.family)

    @admin.display(description=gettext_lazy("For"))
    def target(self, key: RefreshKey) -> str:
        return str(key.family.proxy or key.family.group or key.family.audience)

    @admin.display(description=gettext_lazy("Last used"))
    def last_used(self, key: RefreshKey) -> SafeString | str:
        return moment(key.last_used_at, relative=True)
