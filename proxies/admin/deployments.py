"""What is deployed where."""

from django.contrib import admin

from proxies.adminkit import PortalAdmin
from proxies.models import Deployment


@admin.register(Deployment)
class DeploymentAdmin(PortalAdmin):
    """What is deployed where."""

    section, place, icon = "APIs", 40, "deployment"
    empty_hint = "Nothing is deployed. Open an API proxy or a group and press Deploy."
    list_display = ("holder", "environment", "deployed_at", "undeployed_at", "generation")
    list_filter = ("environment", ("undeployed_at", admin.EmptyFieldListFilter))
    list_select_related = ("proxy", "group", "environment")
    search_fields = ("proxy__name", "group__name")
