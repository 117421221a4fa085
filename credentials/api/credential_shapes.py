"""The shapes of credentials, their secrets and keys, and of grants."""

from typing import Any

from rest_framework import serializers

from credentials.models import Credential, CredentialDeployment, CredentialKey, CredentialSecret, Grant, User
from credentials.public_keys import ALGORITHMS, MAXIMUM_KEYS, MAXIMUM_UPLOAD
from credentials.rules import Method
from proxies.models import ApiProxy, Environment, ProxyGroup
from proxies.restkit.shapes import Chosen, Confirmed, ConfirmedNote, Exact, NoteShape

_LIVE_PROXIES = ApiProxy.objects.filter(archived_at=None)
_LIVE_GROUPS = ProxyGroup.objects.filter(archived_at=None)


class SecretShape(serializers.ModelSerializer[CredentialSecret]):
    """A client secret without its value."""

    class Meta:
        model = CredentialSecret
        fields = ("id", "slot", "created_at", "retire_at", "retired_at", "last_used_at")
        read_only_fields = fields


class KeyShape(serializers.ModelSerializer[CredentialKey]):
    """A public key, a certificate, or an authority."""

    credential = serializers.CharField(source="credential.client_id")
    algorithms = serializers.SerializerMethodField()

    class Meta:
        model = CredentialKey
        fields = (
            "id",
            "credential",
            "kind",
            "kid",
            "algorithms",
            "thumbprint",
            "subject",
            "not_before",
            "not_after",
            "created_at",
            "last_used_at",
            "removed_at",
        )
        read_only_fields = fields

    def get_algorithms(self, key: CredentialKey) -> list[str]:
        return key.algorithms.split()


class CredentialDeploymentShape(serializers.ModelSerializer[CredentialDeployment]):
    """Where a credential may get and use tokens, or could."""

    environment = serializers.CharField(source="environment.slug")

    class Meta:
        model = CredentialDeployment
        fields = ("environment", "deployed_at", "undeployed_at", "generation")
        read_only_fields = fields


class GrantShape(serializers.ModelSerializer[Grant]):
    """What a credential or a person may reach."""

    credential = serializers.CharField(source="credential.client_id", default=None, allow_null=True)
    user = serializers.CharField(source="user.username", default=None, allow_null=True)
    proxy = serializers.CharField(source="proxy.slug", default=None, allow_null=True)
    group = serializers.CharField(source="group.slug", default=None, allow_null=True)

    class Meta:
        model = Grant
        fields = (
            "id",
            "credential",
            "user",
            "proxy",
            "group",
            "scopes",
            "expires_on",
            "disallowed_methods",
            "created_at",
            "withdrawn_at",
        )
        read_only_fields = fields


class CredentialShape(serializers.ModelSerializer[Credential]):
    """A credential in a list."""

    proxy = serializers.CharField(source="proxy.slug", default=None, allow_null=True)
    group = serializers.CharField(source="group.slug", default=None, allow_null=True)
    auth_methods = serializers.SerializerMethodField()

    class Meta:
        model = Credential
        fields: tuple[str, ...] = (
            "id",
            "client_id",
            "name",
            "description",
            "proxy",
            "group",
            "owner_name",
            "owner_team",
            "owner_email",
            "expires_on",
            "allowed_addresses",
            "auth_methods",
            "certificate_name",
            "key_generation",
            "created_at",
            "deactivated_at",
            "archived_at",
        )
        read_only_fields: tuple[str, ...] = fields

    def get_auth_methods(self, credential: Credential) -> list[str]:
        return credential.auth_methods.split()


class CredentialDetailShape(CredentialShape):
    """A credential with its secrets (without their values), deployments and grants."""

    secrets = SecretShape(many=True)
    deployments = CredentialDeploymentShape(many=True)
    grants = GrantShape(many=True)

    class Meta(CredentialShape.Meta):
        fields = (*CredentialShape.Meta.fields, "secrets", "deployments", "grants")
        read_only_fields = fields


class WithSecretShape(CredentialDetailShape):
    """A credential with a new secret: in the answer that makes it, and never again."""

    secret = serializers.CharField()

    class Meta(CredentialDetailShape.Meta):
        fields = ("secret", *CredentialDetailShape.Meta.fields)
        read_only_fields = fields


class ChangeCredentialShape(Exact):
    """What may change of a credential."""

    name = serializers.CharField(max_length=150, required=False)
    description = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    expires_on = serializers.DateField(required=False, allow_null=True, help_text="Refused from 00:00 UTC of this day.")
    allowed_addresses = serializers.CharField(
        max_length=4_000, required=False, allow_blank=True, help_text="Addresses or networks, separated by spaces."
    )
    owner_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    owner_team = serializers.CharField(max_length=150, required=False, allow_blank=True)
    owner_email = serializers.EmailField(max_length=254, required=False, allow_blank=True)


class NewCredentialShape(ChangeCredentialShape):
    """What a new credential needs: a name; with a proxy or group it becomes that one's key."""

    name = serializers.CharField(max_length=150)
    proxy = Chosen(_LIVE_PROXIES, required=False, allow_null=True, help_text="Makes it the key of this proxy.")
    group = Chosen(_LIVE_GROUPS, required=False, allow_null=True, help_text="Or the key of this group.")
    client_id = serializers.CharField(
        max_length=100, required=False, allow_blank=True, default="", help_text="Empty: a new one is made."
    )


class RotateSecretShape(Exact):
    """When the secret of before goes."""

    retire_old_at = serializers.DateTimeField(
        required=False, default=None, allow_null=True, help_text="Null: by hand, with `secrets/{id}/retire`."
    )


class ChangeKeyShape(Confirmed):
    """A new client id, if wanted, and the name of what ends."""

    client_id = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")


class CredentialPlaceShape(NoteShape):
    """An environment, and why."""

    environment = Chosen(Environment.objects.all(), help_text="Its slug.")


class CredentialUndeployShape(ConfirmedNote):
    """An environment, why, and the name of what is undeployed."""

    environment = Chosen(Environment.objects.all(), help_text="Its slug.")


class MethodsShape(Exact):
    """How a credential may prove itself."""

    auth_methods = serializers.ListField(
        child=serializers.ChoiceField(choices=[(method.value, method.value) for method in Method]),
        allow_empty=False,
        max_length=len(Method),
    )
    certificate_name = serializers.CharField(
        max_length=255, required=False, allow_blank=True, help_text="For tls_client_auth, such as dns:shop.example."
    )


class NewKeyShape(Exact):
    """A public key, a certificate, or a JWKS; or the certificate of the authority that issues the client's own."""

    credential = Chosen(Credential.objects.all(), by="client_id", help_text="Its client id.")
    upload = serializers.CharField(max_length=MAXIMUM_UPLOAD, trim_whitespace=False, help_text="PEM, or a JWKS.")
    kid = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")
    algorithms = serializers.ListField(
        child=serializers.ChoiceField(choices=[(name, name) for name in ALGORITHMS]),
        required=False,
        default=list,
        max_length=len(ALGORITHMS),
        help_text="Empty: all that suit the key.",
    )
    authority = serializers.BooleanField(required=False, default=False)


class KeysShape(serializers.Serializer[Any]):
    """The keys that an upload added."""

    keys = serializers.ListField(child=KeyShape(), max_length=MAXIMUM_KEYS)


class NewGrantShape(Exact):
    """Who may reach what: a credential or a person, a proxy or a group."""

    credential = Chosen(Credential.objects.all(), by="client_id", required=False, allow_null=True)
    user = Chosen(User.objects.all(), by="username", required=False, allow_null=True)
    proxy = Chosen(_LIVE_PROXIES, required=False, allow_null=True)
    group = Chosen(_LIVE_GROUPS, required=False, allow_null=True)
    scopes = serializers.CharField(
        max_length=4_000, required=False, allow_blank=True, help_text="Empty: all that are defined there."
    )
    expires_on = serializers.DateField(required=False, allow_null=True)
    disallowed_methods = serializers.CharField(max_length=100, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One who and one what. Raises ValidationError."""
        for one, other in (("credential", "user"), ("proxy", "group")):
            if bool(attrs.get(one)) == bool(attrs.get(other)):
                raise serializers.ValidationError(f"Name one {one} or one {other}.")
        return attrs
