"""Access tokens, families and refresh keys: who holds what; and the buttons that end it."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from proxies.adminkit import Act, PortalAdmin, actor
from tokens import lifecycle
from tokens.callers import request_facts
from tokens.lifecycle import Request
from tokens.models import IssuedToken, RefreshKey, TokenFamily


class BecauseForm(forms.Form):
    """Why."""

    because = forms.CharField(label="Reason", max_length=200, required=False)


def asked(request: HttpRequest) -> Request:
    """Where an act of the admin came from, for the log."""
    return request_facts(request.META, actor=actor(request))


def _revoke_token(request: HttpRequest, subject: IssuedToken, values: dict[str, Any]) -> str:
    done = lifecycle.revoke_token(subject, by=actor(request), because=values["because"], request=asked(request))
    return f"{subject} is revoked." if done else f"{subject} was revoked before; the first time stays."


def _revoke_family(request: HttpRequest, subject: TokenFamily, values: dict[str, Any]) -> str:
    done = lifecycle.revoke_family(subject, by=actor(request), because=values["because"], request=asked(request))
    return f"{subject} is revoked with all its tokens." if done else f"{subject} was revoked before."


def _revoke_key(request: HttpRequest, subject: RefreshKey, values: dict[str, Any]) -> str:
    return _revoke_family(request, subject.family, values)


@admin.register(IssuedToken)
class IssuedTokenAdmin(PortalAdmin):
    """Access tokens."""

    section, place, icon = "Tokens", 10, "token"
    minor = ("token_format", "last_used_proxy")
    empty_hint = "Tokens appear here when clients ask for them at /oauth2/token."
    list_display = (
        "jti",
        "token_format",
        "holder",
        "audience",
        "environment",
        "issued_at",
        "expires_at",
        "revoked_at",
        "last_used_at",
        "last_used_proxy",
    )
    list_filter = ("token_format", "family__environment", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("family__credential", "family__user", "family__environment")
    search_fields = ("=jti", "=family__credential__client_id")
    search_help_text = "Exact jti or client id. Never a token: what is searched for ends up in logs."
    exclude = ("digest",)
    ordering = ("-id",)
    acts = (
        Act(
            "revoke",
            "Revoke",
            _revoke_token,
            "change_issuedtoken",
            BecauseForm,
            possible=lambda subject: subject.revoked_at is None,
        ),
    )

    @admin.display(description="Holder")
    def holder(self, token: IssuedToken) -> str:
        return str(token.family.credential or token.family.user)

    @admin.display(description="For")
    def audience(self, token: IssuedToken) -> str:
        return token.family.audience

    @admin.display(description="Environment")
    def environment(self, token: IssuedToken) -> str:
        return str(token.family.environment)


@admin.register(TokenFamily)
class TokenFamilyAdmin(PortalAdmin):
    """Token families."""

    section, place, icon = "Tokens", 20, "family"
    minor = ("user", "token_format", "sequence", "refresh_count", "exhausted_at")
    empty_hint = "A family is one issuance with all its refreshes. The first token a client gets begins one."
    list_display = (
        "id",
        "kind",
        "credential",
        "user",
        "audience",
        "environment",
        "token_format",
        "issued_at",
        "sequence",
        "refresh_count",
        "exhausted_at",
        "revoked_at",
    )
    list_filter = ("kind", "token_format", "environment", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("credential", "user", "environment")
    search_fields = ("=credential__client_id", "=user__username", "=audience")
    ordering = ("-id",)
    acts = (
        Act(
            "revoke",
            "Revoke family",
            _revoke_family,
            "change_tokenfamily",
            BecauseForm,
            help="Every access token of the family and its refresh token end at once.",
            possible=lambda subject: subject.revoked_at is None,
        ),
    )


@admin.register(RefreshKey)
class RefreshKeyAdmin(PortalAdmin):
    """Refresh tokens of clients, which are opaque; those of people have a screen of their own."""

    section, place, icon = "Tokens", 30, "refresh"
    minor = ("sequence", "created_at")
    empty_hint = "A refresh token comes with an access token where the policy allows it."
    list_display = ("jti", "audience", "sequence", "created_at", "expires_at", "revoked_at", "last_used_at")
    list_filter = ("family__kind", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("family",)
    search_fields = ("=jti", "=device_id")
    exclude = ("token_hash",)
    ordering = ("-id",)
    acts = (
        Act(
            "revoke",
            "Revoke family",
            _revoke_key,
            "change_refreshkey",
            BecauseForm,
            help="The refresh token and every token of its family end at once.",
            possible=lambda subject: subject.family.revoked_at is None,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[RefreshKey]:
        return super().get_queryset(request).filter(signing_key=None).select_related("family")

    @admin.display(description="Audience")
    def audience(self, key: RefreshKey) -> str:
        return key.family.audience
