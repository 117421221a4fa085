"""The floor of who may come."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class CredentialsConfig(AppConfig):
    """Credentials, users, connections."""

    name = "credentials"
    verbose_name = gettext_lazy("Credentials")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let screens show this floor's refusals as messages, and name what this floor keeps sealed."""
        from django.core import checks

        from credentials import checks as own_checks
        from credentials import impact, rotation, sealed, second_factors
        from credentials.errors import CredentialError
        from credentials.jobs import JOBS
        from credentials.models import ConnectionToken, SecondFactor
        from proxies import jobs
        from proxies.adminkit import register_impact, register_refusal

        register_refusal(CredentialError)
        register_impact(impact.of_connection)
        register_impact(impact.of_person)
        sealed.register(ConnectionToken, "sealed", rotation.seal_context)
        sealed.register(SecondFactor, "sealed_key", second_factors.seal_context)
        jobs.register(*JOBS)
        checks.register(own_checks.sealed_values_open)
