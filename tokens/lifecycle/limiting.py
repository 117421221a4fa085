"""Limit: how often one address may ask for tokens. Never at verify (D24)."""

from datetime import datetime

from django.conf import settings
from django.utils import timezone

from tokens.errors import RateLimited
from tokens.statements import limit as statements


def limit(address: str, *, at: datetime | None = None) -> None:
    """Count a token request; raises RateLimited past this minute's limit. What is turned away leaves no log row."""
    allowed: int = settings.TOKEN_RATE_LIMIT_PER_MINUTE
    if not allowed:
        return
    now = at or timezone.now()
    seconds = int(now.timestamp())
    if statements.count(address=address[:45], minute=seconds // 60, limit=allowed) > allowed:
        raise RateLimited(retry_after=60 - seconds % 60)
