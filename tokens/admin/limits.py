"""What the rate limiter counted, per caller and window (D24)."""

from django.contrib import admin

from proxies.adminkit import PortalAdmin
from tokens.models import RateLimitWindow


@admin.register(RateLimitWindow)
class RateLimitWindowAdmin(PortalAdmin):
    """Requests and refusals; kept for an hour."""

    list_display = ("starts_at", "bucket", "caller", "requests", "refused")
    list_filter = ("bucket",)
    search_fields = ("=caller",)
    ordering = ("-starts_at",)
