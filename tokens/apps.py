"""The floor of what was handed out."""

from django.apps import AppConfig


class TokensConfig(AppConfig):
    """Tokens, policies, signing keys, the request log."""

    name = "tokens"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let screens and commands show this floor's refusals as messages, and what their acts would end (D12)."""
        from proxies.adminkit import register_impact, register_refusal
        from tokens.errors import TokenError
        from tokens.impact import impact_lines

        register_refusal(TokenError)
        register_impact(impact_lines)
