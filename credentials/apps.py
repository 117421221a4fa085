"""The floor of who may come."""

from django.apps import AppConfig


class CredentialsConfig(AppConfig):
    """Credentials, users, connections."""

    name = "credentials"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let screens show this floor's refusals as messages."""
        from credentials.errors import CredentialError
        from proxies.adminkit import register_refusal

        register_refusal(CredentialError)
