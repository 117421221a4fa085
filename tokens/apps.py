"""The floor of what was handed out."""

from django.apps import AppConfig


class TokensConfig(AppConfig):
    """Tokens, policies, signing keys, the request log."""

    name = "tokens"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let screens show this floor's refusals as messages."""
        from proxies.adminkit import register_refusal
        from tokens.errors import TokenError

        register_refusal(TokenError)
