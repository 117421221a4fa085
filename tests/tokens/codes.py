"""Codes of second factors, as an app makes them."""

import base64
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from django.utils import timezone
from django_otp.oath import totp

from credentials import second_factors
from credentials.models import User


def code(key: str, at: datetime | None = None, *, steps: int = 0) -> str:
    """What an app shows at this moment, or some steps later."""
    moment = (at or timezone.now()).timestamp() + 30 * steps
    return f"{totp(base64.b32decode(key.replace(' ', '')), t0=0, drift=_steps(moment)):06d}"


def _steps(moment: float) -> int:
    """django-otp's clock is the machine's; the difference to the moment that is asked for, in steps."""
    return int(moment) // 30 - int(timezone.now().timestamp()) // 30


def enrolled(person: User, at: datetime | None = None) -> tuple[str, list[str]]:
    """A person with a second factor: the app's key and the recovery codes. The code of two steps ago was used."""
    now = at or timezone.now()
    key = second_factors.begin(person, at=now).key
    return key, second_factors.confirm(person, code(key, now, steps=-1), by=str(person), at=now)


def key_of(address: str) -> str:
    """The key in an otpauth address."""
    return parse_qs(urlsplit(address).query)["secret"][0]
