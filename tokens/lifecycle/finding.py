"""Find: whose token is that? For people who hold a value and want its record."""

from django.utils import timezone

from credentials import compact_jwt
from tokens.lifecycle import session_tokens
from tokens.lifecycle.shown import look_at
from tokens.models import IssuedToken, RefreshKey


def find(raw: str) -> IssuedToken | RefreshKey | None:
    """The record of a token of any kind, living or ended, or None. The value itself is neither kept nor logged."""
    raw = raw.strip()
    shown = look_at(raw, now=timezone.now())
    if shown.access_digests:
        found = IssuedToken.objects.select_related("family").filter(digest__in=shown.access_digests).first()
        # An imported opaque token does not say which of the two it is.
        if found is not None or not shown.refresh_digests:
            return found
    if shown.jti:
        return IssuedToken.objects.select_related("family").filter(jti=shown.jti).first()
    hashes = list(shown.refresh_digests)
    if not hashes and compact_jwt.looks_like_jwt(raw):
        hashes = session_tokens.key_hashes(raw)
    return RefreshKey.objects.select_related("family").filter(token_hash__in=hashes).first() if hashes else None
