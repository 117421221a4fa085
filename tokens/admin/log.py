"""The permanent request log: to read only."""

from django.contrib import admin

from proxies.adminkit import PortalAdmin
from tokens.models import TokenRequestLog


@admin.register(TokenRequestLog)
class TokenRequestLogAdmin(PortalAdmin):
    """Every token request, granted or refused."""

    section, place, icon = "Log", 10, "log"
    empty_hint = "Every request for a token leaves a row here, for ever. None has come yet."
    list_display = (
        "at",
        "action",
        "outcome",
        "reason",
        "environment",
        "client_name",
        "username",
        "proxy",
        "group",
        "token_format",
        "scopes",
        "refresh_sequence",
        "status",
        "duration_ms",
        "address",
    )
    list_filter = ("action", "outcome", "environment", "token_format", "reason")
    search_fields = ("=client_id", "=jti", "=fingerprint", "=proxy", "=username")
    search_help_text = "Exact client id, jti, fingerprint, proxy or user name."
    date_hierarchy = None
    ordering = ("-id",)
