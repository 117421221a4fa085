"""The shapes of environments, proxies, groups, deployments and the history."""

from typing import Any

from rest_framework import serializers

from proxies.models import ApiProxy, ChangeRecord, Deployment, Environment, Management, PathRule, ProxyGroup, ScopeMatch
from proxies.restkit.shapes import Chosen, Confirmed, ConfirmedNote, Exact, NoteShape

_SCOPES = "Separated by spaces."
_PERMANENT = "Permanent."

# --- environments


class EnvironmentShape(serializers.ModelSerializer[Environment]):
    """An environment."""

    class Meta:
        model = Environment
        fields = (
            "slug",
            "name",
            "kind",
            "description",
            "is_default",
            "gateways_must_authenticate",
            "signing_key_rotation_days",
            "created_at",
        )
        read_only_fields = fields


class ChangeEnvironmentShape(Exact):
    """What may change of an environment; the slug is part of addresses and stays."""

    name = serializers.CharField(max_length=100, required=False)
    kind = serializers.ChoiceField(choices=Environment.Kind.choices, required=False)
    description = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    gateways_must_authenticate = serializers.BooleanField(required=False)
    signing_key_rotation_days = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=3_650, help_text="Null: rotated by hand."
    )


class NewEnvironmentShape(ChangeEnvironmentShape):
    """What a new environment needs."""

    name = serializers.CharField(max_length=100)
    slug = serializers.CharField(max_length=50, help_text=f"Part of addresses. {_PERMANENT}")


# --- proxies and groups


class PlacedShape(serializers.ModelSerializer[Deployment]):
    """Where a proxy or group is deployed, or was."""

    environment = serializers.CharField(source="environment.slug")

    class Meta:
        model = Deployment
        fields: tuple[str, ...] = ("environment", "deployed_at", "undeployed_at", "generation")
        read_only_fields: tuple[str, ...] = fields


class DeploymentShape(PlacedShape):
    """What is deployed where, or was."""

    proxy = serializers.CharField(source="proxy.slug", default=None, allow_null=True)
    group = serializers.CharField(source="group.slug", default=None, allow_null=True)

    class Meta(PlacedShape.Meta):
        fields = ("id", "proxy", "group", *PlacedShape.Meta.fields)
        read_only_fields = fields


_HOLDER = (
    "slug",
    "name",
    "audience",
    "description",
    "mode",
    "scopes",
    "owner_name",
    "owner_team",
    "owner_email",
    "created_at",
    "archived_at",
)


class ProxyShape(serializers.ModelSerializer[ApiProxy]):
    """An API proxy, where it is deployed and in which groups it is."""

    deployments = PlacedShape(many=True)
    groups = serializers.SerializerMethodField()

    class Meta:
        model = ApiProxy
        fields = (*_HOLDER, "required_scopes", "required_match", "accept_token_in_url", "deployments", "groups")
        read_only_fields = fields

    def get_groups(self, proxy: ApiProxy) -> list[str]:
        return sorted(group.slug for group in proxy.groups.all())


class GroupShape(serializers.ModelSerializer[ProxyGroup]):
    """A proxy group, its members and where it is deployed."""

    deployments = PlacedShape(many=True)
    members = serializers.SerializerMethodField()

    class Meta:
        model = ProxyGroup
        fields = (*_HOLDER, "deployments", "members")
        read_only_fields = fields

    def get_members(self, group: ProxyGroup) -> list[str]:
        return sorted(proxy.slug for proxy in group.members.all())


class ChangeGroupShape(Exact):
    """What may change of a group."""

    name = serializers.CharField(max_length=150, required=False)
    description = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    scopes = serializers.CharField(max_length=4_000, required=False, allow_blank=True, help_text=_SCOPES)
    owner_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    owner_team = serializers.CharField(max_length=150, required=False, allow_blank=True)
    owner_email = serializers.EmailField(max_length=254, required=False, allow_blank=True)


class ChangeProxyShape(ChangeGroupShape):
    """What may change of a proxy."""

    required_scopes = serializers.CharField(max_length=4_000, required=False, allow_blank=True, help_text=_SCOPES)
    required_match = serializers.ChoiceField(choices=ScopeMatch.choices, required=False)
    accept_token_in_url = serializers.BooleanField(required=False, help_text="Risky: addresses stay in logs.")


class _Identity(Exact):
    name = serializers.CharField(max_length=150)
    slug = serializers.CharField(max_length=80, help_text=_PERMANENT)
    audience = serializers.CharField(
        max_length=255,
        required=False,
        allow_blank=True,
        help_text=f"Absolute URI. Empty: made from the slug. {_PERMANENT}",
    )
    mode = serializers.ChoiceField(choices=Management.choices, required=False)


class NewProxyShape(_Identity, ChangeProxyShape):
    """What a new proxy needs."""


class NewGroupShape(_Identity, ChangeGroupShape):
    """What a new group needs."""

    members = serializers.ListField(
        child=Chosen(ApiProxy.objects.filter(archived_at=None)), required=False, max_length=500
    )


class PlaceShape(NoteShape):
    """An environment, and why."""

    environment = Chosen(Environment.objects.all(), help_text="Its slug.")


class UndeployShape(ConfirmedNote):
    """An environment, why, and the name of what is undeployed."""

    environment = Chosen(Environment.objects.all(), help_text="Its slug.")


class ModeShape(Confirmed):
    """Whose policy and keys count."""

    mode = serializers.ChoiceField(choices=Management.choices)


class MemberShape(Exact):
    """A proxy."""

    proxy = Chosen(ApiProxy.objects.all(), help_text="Its slug.")


class RemoveMemberShape(Confirmed):
    """A proxy, and the name of the group that no longer opens it."""

    proxy = Chosen(ApiProxy.objects.all(), help_text="Its slug.")


class PathRuleShape(Exact):
    """What a method and path need on top of the proxy's own scopes."""

    method = serializers.CharField(max_length=10, required=False, allow_blank=True, default="", help_text="Empty: any.")
    pattern = serializers.CharField(max_length=255, help_text="/invoices/*: * is one segment, ** is any number.")
    scopes = serializers.CharField(max_length=4_000, help_text=_SCOPES)
    match = serializers.ChoiceField(choices=ScopeMatch.choices, required=False, default=ScopeMatch.ALL)


class PathRulesShape(Exact):
    """All path rules of a proxy."""

    rules = PathRuleShape(many=True, max_length=1_000)  # type: ignore[call-arg]  # of the list that many=True makes


def rules_of(proxy: ApiProxy) -> list[dict[str, Any]]:
    """The path rules of a proxy, in their order."""
    rows: list[PathRule] = list(proxy.path_rules.order_by("id"))
    return [{name: getattr(rule, name) for name in ("method", "pattern", "scopes", "match")} for rule in rows]


# --- history


class ChangeShape(serializers.ModelSerializer[ChangeRecord]):
    """Who changed what, when."""

    class Meta:
        model = ChangeRecord
        fields = (
            "id",
            "at",
            "actor",
            "verb",
            "subject_kind",
            "subject_id",
            "subject_name",
            "environment",
            "note",
            "before",
            "after",
        )
        read_only_fields = fields
