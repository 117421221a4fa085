"""Seals over the request log: to read only (I10)."""

from django.contrib import admin
from django.utils.translation import gettext_lazy

from proxies.adminkit import PortalAdmin
from tokens.models import LogSeal


@admin.register(LogSeal)
class LogSealAdmin(PortalAdmin):
    """Which rows are sealed. `manage.py check_log` computes all of it again."""

    section, place, icon = "Log", 40, "signing"
    minor = ("first_id", "last_id")
    empty_hint = gettext_lazy("A job seals the request log every hour. Until it has run there is nothing to see here.")
    list_display = ("number", "sealed_at", "first_id", "last_id", "rows", "hash")
    ordering = ("-number",)
