"""The floor of what was handed out."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class TokensConfig(AppConfig):
    """Tokens, policies, signing keys, the request log."""

    name = "tokens"
    verbose_name = gettext_lazy("Tokens")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the floors below what is refused, ended (D12) and sealed here."""
        from credentials import sealed
        from proxies import jobs
        from proxies.adminkit import register_impact, register_refusal
        from tokens import foreign
        from tokens.errors import TokenError
        from tokens.impact import impact_lines
        from tokens.jobs import JOBS
        from tokens.models import LegacyVerifier, SigningKey, Webhook
        from tokens.reminders import webhooks
        from tokens.signing import seal_context

        register_refusal(TokenError)
        register_impact(impact_lines)
        register_impact(webhooks.impact_lines)
        jobs.register(*JOBS)
        sealed.register(LegacyVerifier, "sealed_key", lambda verifier: foreign.seal_context(verifier.name))
        sealed.register(SigningKey, "sealed_private_key", lambda key: seal_context(key.kid))
        for column in ("sealed_secret", "sealed_earlier_secret"):
            sealed.register(Webhook, column, webhooks.seal_context)
