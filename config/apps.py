"""Django's admin with our site as the default one."""

from django.contrib.admin.apps import AdminConfig


class PortalAdminConfig(AdminConfig):
    """Named in INSTALLED_APPS in place of django.contrib.admin."""

    default_site = "proxies.adminkit.site.PortalSite"
