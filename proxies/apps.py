"""The floor of what exists."""

from django.apps import AppConfig


class ProxiesConfig(AppConfig):
    """Environments, proxies, groups, their deployments; the history; scheduled jobs."""

    name = "proxies"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register this floor's own jobs."""
        from proxies import jobs, repeating

        jobs.register(jobs.FORGET_OLD_RUNS, repeating.FORGET_OLD)
