"""The floor of what exists."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class ProxiesConfig(AppConfig):
    """Environments, proxies, groups, their deployments; the history; scheduled jobs."""

    name = "proxies"
    verbose_name = gettext_lazy("Proxies")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register this floor's own jobs."""
        from proxies import jobs, repeating

        jobs.register(jobs.FORGET_OLD_RUNS, repeating.FORGET_OLD)
