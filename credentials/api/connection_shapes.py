"""The shape of what REST takes and gives on this floor."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from credentials import rules
from credentials.models import ConnectionConfiguration, ConnectionToken, GatewayInstance
from proxies.models import Environment
from proxies.restkit.shapes import BecauseShape, Chosen, Exact, confirm_field

Types = ConnectionConfiguration.DeploymentType
Protocol = ConnectionConfiguration.Protocol


def _now(serializer: serializers.BaseSerializer[Any]) -> datetime:
    """The one moment of the request."""
    moment: datetime = serializer.context.get("now") or timezone.now()
    return moment


class TokenSerializer(serializers.ModelSerializer[ConnectionToken]):
    """A connection token without its value."""

    status = serializers.SerializerMethodField()
    rotation = serializers.SerializerMethodField(help_text="What its age asks for: fresh, recommended or overdue.")

    class Meta:
        model = ConnectionToken
        fields: tuple[str, ...] = (
            "id",
            "status",
            "rotation",
            "created_at",
            "created_by",
            "last_used_at",
            "last_used_instance",
            "last_used_address",
            "revoked_at",
            "revoked_by",
            "revoked_cause",
            "revoked_because",
        )
        read_only_fields: tuple[str, ...] = fields

    def get_status(self, token: ConnectionToken) -> str:
        return "revoked" if token.slot is None else "active"

    def get_rotation(self, token: ConnectionToken) -> str | None:
        return None if token.slot is None else rules.rotation(token.created_at, _now(self)).value


class MadeSerializer(TokenSerializer):
    """A connection token with its value: in the answer that makes it, and where it is revealed."""

    token = serializers.SerializerMethodField()

    class Meta(TokenSerializer.Meta):
        fields = ("token", *TokenSerializer.Meta.fields)
        read_only_fields = fields

    def get_token(self, token: ConnectionToken) -> str:  # noqa: ARG002 - as fields are called
        raw: str = self.context["raw"]
        return raw


class InstanceSerializer(serializers.ModelSerializer[GatewayInstance]):
    """An instance that was seen."""

    status = serializers.SerializerMethodField()

    class Meta:
        model = GatewayInstance
        fields = (
            "instance_id",
            "status",
            "deployment_type",
            "version",
            "address",
            "protecting",
            "first_heartbeat_at",
            "last_heartbeat_at",
        )
        read_only_fields = fields

    def get_status(self, instance: GatewayInstance) -> str:
        return rules.instance_status(
            last_heartbeat_at=instance.last_heartbeat_at, protecting=instance.protecting, now=_now(self)
        ).value


class ConnectionSerializer(serializers.ModelSerializer[ConnectionConfiguration]):
    """A connection configuration in a list."""

    environment = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]
    active_tokens = serializers.IntegerField(read_only=True)
    last_used_at = serializers.DateTimeField(read_only=True, allow_null=True)
    rotation = serializers.SerializerMethodField(help_text="What the age of the oldest active token asks for.")

    class Meta:
        model = ConnectionConfiguration
        fields: tuple[str, ...] = (
            "id",
            "name",
            "description",
            "deployment_type",
            "environment",
            "target_host",
            "target_ports",
            "target_protocol",
            "owner_name",
            "owner_team",
            "owner_email",
            "licence_ends_at",
            "created_at",
            "closed_at",
            "active_tokens",
            "last_used_at",
            "rotation",
            "last_refused_at",
            "last_refused_because",
        )
        read_only_fields: tuple[str, ...] = fields

    def get_rotation(self, configuration: Any) -> str:
        return rules.rotation(configuration.oldest_active_at, _now(self)).value


class ConnectionDetailSerializer(ConnectionSerializer):
    """A connection configuration with its tokens (the active ones, three revoked) and instances."""

    tokens = serializers.SerializerMethodField()
    instances = serializers.SerializerMethodField()

    class Meta(ConnectionSerializer.Meta):
        fields = (*ConnectionSerializer.Meta.fields, "tokens", "instances")
        read_only_fields = fields

    def get_tokens(self, configuration: ConnectionConfiguration) -> list[dict[str, Any]]:
        shown = configuration.tokens_to_show()
        return [dict(each) for each in TokenSerializer(shown, many=True, context=self.context).data]

    def get_instances(self, configuration: ConnectionConfiguration) -> list[dict[str, Any]]:
        seen = configuration.instances.all()[:100]
        return [dict(each) for each in InstanceSerializer(seen, many=True, context=self.context).data]


class OpenedConnectionSerializer(ConnectionDetailSerializer):
    """A new connection configuration with the value of its first token."""

    token = serializers.CharField()

    class Meta(ConnectionDetailSerializer.Meta):
        fields = ("token", *ConnectionDetailSerializer.Meta.fields)
        read_only_fields = fields


class ChangeConnectionSerializer(Exact):
    """What may be changed. Deployment type and environment are permanent (D33)."""

    name = serializers.CharField(max_length=150, required=False)
    description = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    target_host = serializers.CharField(max_length=255, required=False, allow_blank=True)
    target_ports = serializers.CharField(max_length=100, required=False, allow_blank=True)
    target_protocol = serializers.ChoiceField(choices=Protocol.choices, required=False)
    owner_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    owner_team = serializers.CharField(max_length=150, required=False, allow_blank=True)
    owner_email = serializers.EmailField(max_length=254, required=False, allow_blank=True)


class OpenConnectionSerializer(ChangeConnectionSerializer):
    """What a new configuration needs."""

    name = serializers.CharField(max_length=150)
    deployment_type = serializers.ChoiceField(choices=Types.choices)
    environment = Chosen(Environment.objects.all(), help_text="Its slug.")
    licence_ends_at = serializers.DateTimeField(required=False, allow_null=True)


class CloseSerializer(BecauseShape):
    """Why, and the name of what ends."""

    confirm = confirm_field()


class RevokeSerializer(BecauseShape):
    """Why, and whether a use within the last hour is known (D36)."""

    even_if_in_use = serializers.BooleanField(required=False, default=False)


class RevealSerializer(Exact):
    """Whether the value is shown or copied: the audit entry says which."""

    copied = serializers.BooleanField(required=False, default=False)


class LicenceSerializer(Exact):
    """The new end of the licence; null for none."""

    licence_ends_at = serializers.DateTimeField(allow_null=True)
