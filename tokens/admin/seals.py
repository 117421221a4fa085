"""Seals over the request log: to read only (I10)."""

from django.contrib import admin

from proxies.adminkit import PortalAdmin
from tokens.models import LogSeal


@admin.register(LogSeal)
class LogSealAdmin(PortalAdmin):
    """Which rows are sealed. `manage.py check_log` computes all of it again."""

    list_display = ("number", "sealed_at", "first_id", "last_id", "rows", "hash")
    ordering = ("-number",)
