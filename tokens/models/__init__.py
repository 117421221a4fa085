"""What was handed out."""

from tokens.models.family import RefreshKey, TokenFamily
from tokens.models.issued_token import IssuedToken
from tokens.models.policy import RefreshMode, TokenFormat, TokenPolicy
from tokens.models.rate_limit import RateLimitWindow
from tokens.models.request_log import TokenRequestLog
from tokens.models.signing_key import SigningKey

__all__ = [
    "IssuedToken",
    "RateLimitWindow",
    "RefreshKey",
    "RefreshMode",
    "SigningKey",
    "TokenFamily",
    "TokenFormat",
    "TokenPolicy",
    "TokenRequestLog",
]
