"""What the rate limiter counted, per address and minute (D24)."""

from django.contrib import admin

from proxies.adminkit import PortalAdmin
from tokens.models import RateLimitWindow


@admin.register(RateLimitWindow)
class RateLimitWindowAdmin(PortalAdmin):
    """Requests and refusals per address and minute; kept for an hour."""

    list_display = ("address", "minute", "requests", "refused")
    search_fields = ("=address",)
    ordering = ("-minute",)
