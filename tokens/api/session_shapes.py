"""The shapes of session requests and answers. Shape only: present, type, length."""

from functools import cache
from typing import Any

from rest_framework import serializers

from tokens.lifecycle import Session

_TOKEN = 16_384


@cache
def kept(shape: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """The one serializer of this shape, for reading and writing values without a copy of all its fields each time."""
    return shape()


class LoginSerializer(serializers.Serializer[Any]):
    """Who logs in, and what the session shall be."""

    username = serializers.CharField(max_length=150, trim_whitespace=False)
    password = serializers.CharField(max_length=1_000, trim_whitespace=False)
    otp = serializers.CharField(
        max_length=40,
        required=False,
        default="",
        allow_blank=True,
        help_text="A code of the second factor, or a recovery code, of a person who has one.",
    )
    audience = serializers.CharField(
        max_length=255, required=False, default="", allow_blank=True, help_text="Empty: the portal's own API."
    )
    lifetime = serializers.IntegerField(
        required=False, default=None, min_value=1, max_value=2**31 - 1, help_text="Seconds the refresh token lives."
    )
    device_id = serializers.CharField(
        max_length=150, required=False, default="", allow_blank=True, help_text="A name the client gives its device."
    )


class RefreshSerializer(serializers.Serializer[Any]):
    """The refresh token, unless it is shown as Bearer."""

    refresh = serializers.CharField(max_length=_TOKEN, required=False, default="", allow_blank=True)


class LogoutSerializer(RefreshSerializer):
    """The refresh token of the session to end, or of one of the sessions."""

    all = serializers.BooleanField(required=False, default=False, help_text="End every login of this person.")


class PairSerializer(serializers.Serializer[Session]):
    """What a login answers."""

    access = serializers.CharField()
    refresh = serializers.CharField()
    access_expires_at = serializers.DateTimeField()
    refresh_expires_at = serializers.DateTimeField()


class AccessSerializer(serializers.Serializer[Session]):
    """What a refresh answers: an access token alone."""

    access = serializers.CharField()
    access_expires_at = serializers.DateTimeField()


class RenewedSerializer(serializers.Serializer[Session]):
    """What a renewal answers: a refresh token alone."""

    refresh = serializers.CharField()
    refresh_expires_at = serializers.DateTimeField()


class EndedSerializer(serializers.Serializer[Any]):
    """How many sessions ended."""

    ended = serializers.IntegerField()


class SessionSerializer(serializers.Serializer[Any]):
    """One of one's own sessions."""

    jti = serializers.CharField()
    audience = serializers.CharField(source="family.audience")
    created_at = serializers.DateTimeField(source="family.issued_at")
    renewed_at = serializers.DateTimeField(source="created_at")
    expires_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    device_id = serializers.CharField()
    device_info = serializers.JSONField()
    current = serializers.SerializerMethodField()

    def get_current(self, key: Any) -> bool:
        """True for the session of the access token that asks."""
        return bool(key.family_id == self.context.get("family_id"))


class RefusalSerializer(serializers.Serializer[Any]):
    """Why not."""

    error = serializers.CharField()
    error_description = serializers.CharField()
    error_code = serializers.CharField(required=False)
