"""What the rate limiter counted, per caller and window (D24)."""

from django.contrib import admin
from django.utils.translation import gettext_lazy

from proxies.adminkit import PortalAdmin, TextFilter
from tokens.models import RateLimitWindow


class BucketFilter(TextFilter):
    """What is counted."""

    title, parameter_name = gettext_lazy("bucket"), "bucket"
    placeholder = "token"


@admin.register(RateLimitWindow)
class RateLimitWindowAdmin(PortalAdmin):
    """Requests and refusals; kept for an hour."""

    section, place, icon = "Log", 30, "limit"
    empty_hint = gettext_lazy("Nobody has asked for a token in the past hour.")
    list_display = ("starts_at", "bucket", "caller", "requests", "refused")
    list_filter = (BucketFilter,)
    find_exact = ("caller",)
    search_help_text = gettext_lazy("Exact address, client id or fingerprint")
    ordering = ("-starts_at",)
