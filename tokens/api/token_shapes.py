"""The shapes of access tokens, families and refresh keys: never a value, never a hash that proves."""

from typing import Any

from rest_framework import serializers

from credentials.models import Credential, User
from proxies.models import ApiProxy, Environment, ProxyGroup
from proxies.restkit.shapes import BecauseShape, Chosen, Exact
from tokens.models import IssuedToken, JwtRefreshKey, RefreshKey, TokenFamily, TokenFormat
from tokens.querysets import state_of


class RevokedShape(serializers.Serializer[Any]):
    """Whether this call ended it, or it was ended before (the first time, actor and reason stay)."""

    revoked = serializers.BooleanField(help_text="False: it was ended before.")


class _HeldShape(serializers.ModelSerializer[Any]):
    client_id = serializers.CharField(source="family.credential.client_id", default=None, allow_null=True)
    user = serializers.CharField(source="family.user.username", default=None, allow_null=True)
    environment = serializers.CharField(source="family.environment.slug")
    audience = serializers.CharField(source="family.audience")


class AccessTokenShape(_HeldShape):
    """An access token."""

    family = serializers.IntegerField(source="family_id")

    class Meta:
        model = IssuedToken
        fields = (
            "jti",
            "family",
            "token_format",
            "client_id",
            "user",
            "environment",
            "audience",
            "scopes",
            "issued_at",
            "expires_at",
            "revoked_at",
            "revoked_by",
            "revoked_because",
            "last_used_at",
            "last_used_proxy",
            "last_used_address",
        )
        read_only_fields = fields


class HandleShape(serializers.ModelSerializer[RefreshKey]):
    """A refresh token of a family."""

    class Meta:
        model = RefreshKey
        fields = ("jti", "sequence", "created_at", "expires_at", "revoked_at", "last_used_at")
        read_only_fields = fields


class FamilyShape(serializers.ModelSerializer[TokenFamily]):
    """One issuance and all refreshes that descend from it, with the terms it was given (D5)."""

    client_id = serializers.CharField(source="credential.client_id", default=None, allow_null=True)
    user = serializers.CharField(source="user.username", default=None, allow_null=True)
    environment = serializers.CharField(source="environment.slug")
    refreshes = serializers.IntegerField(source="sequence", help_text="How often it was refreshed.")

    class Meta:
        model = TokenFamily
        fields: tuple[str, ...] = (
            "id",
            "kind",
            "client_id",
            "user",
            "environment",
            "audience",
            "scopes",
            "token_format",
            "issued_at",
            "access_token_lifetime_secs",
            "refresh_token_lifetime_secs",
            "refresh_count",
            "refresh_mode",
            "refreshes",
            "ends_at",
            "exhausted_at",
            "revoked_at",
            "revoked_by",
            "revoked_because",
        )
        read_only_fields: tuple[str, ...] = fields


class FamilyDetailShape(FamilyShape):
    """A family with its refresh tokens, newest first."""

    refresh_tokens = serializers.SerializerMethodField()

    class Meta(FamilyShape.Meta):
        fields = (*FamilyShape.Meta.fields, "refresh_tokens")
        read_only_fields = fields

    def get_refresh_tokens(self, family: TokenFamily) -> HandleShape(many=True):  # type: ignore[valid-type]
        return HandleShape(family.refresh_keys.order_by("-sequence")[:100], many=True).data


class RefreshKeyShape(serializers.ModelSerializer[JwtRefreshKey]):
    """A refresh key of a person, with the columns of its screen (S2.14-S2.21)."""

    family = serializers.IntegerField(source="family_id")
    owner = serializers.CharField(source="family.user.username")
    kind = serializers.CharField(source="family.kind")
    audience = serializers.CharField(source="family.audience")
    state = serializers.SerializerMethodField(help_text="live, renewed, expired, revoked, or ended with its holder.")

    class Meta:
        model = JwtRefreshKey
        fields: tuple[str, ...] = (
            "jti",
            "family",
            "owner",
            "kind",
            "audience",
            "state",
            "expires_at",
            "created_at",
            "revoked_at",
            "last_used_at",
            "content",
            "token_hash",
            "device_id",
            "device_info",
            "refreshable",
        )
        read_only_fields: tuple[str, ...] = fields

    def get_state(self, key: JwtRefreshKey) -> str:
        return str(state_of(key, self.context["now"]))


class MintedShape(RefreshKeyShape):
    """A refresh key with its value: in the answer that makes it, and never again."""

    refresh = serializers.CharField()

    class Meta(RefreshKeyShape.Meta):
        fields = ("refresh", *RefreshKeyShape.Meta.fields)
        read_only_fields = fields


class MintShape(Exact):
    """What the key is for, and how long it lives (D30)."""

    audience = serializers.CharField(max_length=255, help_text="An API proxy, a group, the portal's API, or any name.")
    lifetime = serializers.IntegerField(min_value=1, max_value=2**31 - 1, help_text="Seconds.")


class SelectionShape(Exact):
    """Families by what is named together; at least one."""

    credential = Chosen(Credential.objects.all(), by="client_id", required=False, help_text="Its client id.")
    user = Chosen(User.objects.all(), by="username", required=False, help_text="The user name.")
    proxy = Chosen(ApiProxy.objects.all(), required=False)
    group = Chosen(ProxyGroup.objects.all(), required=False)
    environment = Chosen(Environment.objects.all(), required=False)
    kind = serializers.ChoiceField(choices=TokenFamily.Kind.choices, required=False)
    token_format = serializers.ChoiceField(choices=TokenFormat.choices, required=False)
    never_expires = serializers.BooleanField(required=False)
    issued_since = serializers.DateTimeField(required=False)
    issued_until = serializers.DateTimeField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Something is named. Raises ValidationError."""
        if not attrs:
            raise serializers.ValidationError("Name at least one thing. For everything: issued_until, in the future.")
        return attrs


class BulkShape(BecauseShape):
    """Which families, why, and how many the dry run told."""

    filter = SelectionShape()
    confirm = serializers.RegexField(
        r"^[0-9]{1,9}\Z", required=False, help_text="The number of families that the dry run told; more are not ended."
    )


class RevokedFamiliesShape(serializers.Serializer[Any]):
    """How many families were ended."""

    revoked = serializers.IntegerField()
