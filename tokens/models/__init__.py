"""What was handed out."""

from tokens.models.bulk_work import BulkSlice, BulkWork
from tokens.models.family import JwtRefreshKey, RefreshKey, TokenFamily
from tokens.models.figures import Figures
from tokens.models.issued_token import IssuedToken
from tokens.models.legacy_verifier import LegacyVerifier
from tokens.models.log_seal import LogMark, LogSeal
from tokens.models.policy import RefreshMode, TokenFormat, TokenPolicy
from tokens.models.rate_limit import RateLimitWindow
from tokens.models.reminder import Delivery, Reminder, Webhook
from tokens.models.request_log import TokenRequestLog
from tokens.models.rollup import RequestRollup
from tokens.models.signing_key import SigningKey

__all__ = [
    "BulkSlice",
    "BulkWork",
    "Delivery",
    "Figures",
    "IssuedToken",
    "JwtRefreshKey",
    "LegacyVerifier",
    "LogMark",
    "LogSeal",
    "RateLimitWindow",
    "RefreshKey",
    "RefreshMode",
    "Reminder",
    "RequestRollup",
    "SigningKey",
    "TokenFamily",
    "TokenFormat",
    "TokenPolicy",
    "TokenRequestLog",
    "Webhook",
]
