"""`/api/v1/policies/`: the terms of tokens of a proxy, group or credential."""

# ruff: noqa: ARG002 - actions are called alike

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from credentials.models import Credential
from proxies.api_scopes import READ, WRITE
from proxies.models import ApiProxy, ProxyGroup
from proxies.restkit.needs import Need
from proxies.restkit.schema import documented, example
from proxies.restkit.shapes import Chosen, Exact, Nothing
from proxies.restkit.views import ManagementView
from tokens import policies
from tokens.api.filters import PolicyFilter
from tokens.models import RefreshMode, TokenFormat, TokenPolicy
from tokens.policies import LONGEST_LIFETIME, LONGEST_RETRY_WINDOW
from tokens.policy_warnings import lifetime_preview, policy_warnings

_VIEW, _ADD, _CHANGE = "tokens.view_tokenpolicy", "tokens.add_tokenpolicy", "tokens.change_tokenpolicy"
_NEW = {
    "proxy": "orders",
    "token_format": "jwt",
    "access_token_lifetime_secs": 900,
    "refresh_token_lifetime_secs": 86_400,
    "refresh_count": 3,
}


def _seconds(least: int, most: int, told: str) -> serializers.IntegerField:
    return serializers.IntegerField(required=False, allow_null=True, min_value=least, max_value=most, help_text=told)


class TermsShape(Exact):
    """The terms that may be set; what is left out stays, or in a new policy is the installation's default."""

    token_format = serializers.ChoiceField(choices=TokenFormat.choices, required=False)
    never_expires = serializers.BooleanField(
        required=False, help_text="Risky: only undeploying or changing a key ends it."
    )
    access_token_lifetime_secs = _seconds(1, LONGEST_LIFETIME, "L. Null only with never_expires.")
    refresh_allowed = serializers.BooleanField(required=False)
    refresh_token_lifetime_secs = _seconds(1, LONGEST_LIFETIME, "R, from the moment it is received.")
    refresh_count = _seconds(1, 1_000_000, "N, how many times. Null: without limit.")
    refresh_mode = serializers.ChoiceField(choices=RefreshMode.choices, required=False)
    retry_window_secs = serializers.IntegerField(required=False, min_value=0, max_value=LONGEST_RETRY_WINDOW)
    family_lifetime_secs = _seconds(1, LONGEST_LIFETIME, "Absolute end of all refreshes. Null: none.")


class NewPolicyShape(TermsShape):
    """Whose policy, and its terms."""

    proxy = Chosen(ApiProxy.objects.filter(archived_at=None), required=False, allow_null=True)
    group = Chosen(ProxyGroup.objects.filter(archived_at=None), required=False, allow_null=True)
    credential = Chosen(Credential.objects.filter(archived_at=None), by="client_id", required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One owner, as `owner`. Raises ValidationError."""
        owners = [attrs.pop(name, None) for name in ("proxy", "group", "credential")]
        found = [owner for owner in owners if owner is not None]
        if len(found) != 1:
            raise serializers.ValidationError("Name one proxy, one group or one credential.")
        return {**attrs, "owner": found[0]}


class PreviewShape(serializers.Serializer[Any]):
    """How long a family lasts at most, in seconds; null for without bound (S0.18, S0.19)."""

    horizon = serializers.IntegerField(allow_null=True, help_text="How long it can be refreshed.")
    last_possible_end = serializers.IntegerField(allow_null=True, help_text="The latest end of an access token.")
    gapless = serializers.IntegerField(allow_null=True, help_text="The longest time without a gap.")


class PolicyShape(serializers.ModelSerializer[TokenPolicy]):
    """A policy with what its terms come to."""

    proxy = serializers.CharField(source="proxy.slug", default=None, allow_null=True)
    group = serializers.CharField(source="group.slug", default=None, allow_null=True)
    credential = serializers.CharField(source="credential.client_id", default=None, allow_null=True)
    preview = serializers.SerializerMethodField()
    warnings = serializers.SerializerMethodField()

    class Meta:
        model = TokenPolicy
        fields = (
            "id",
            "proxy",
            "group",
            "credential",
            *policies.TERMS,
            "suspended_at",
            "updated_at",
            "preview",
            "warnings",
        )
        read_only_fields = fields

    def get_preview(self, policy: TokenPolicy) -> PreviewShape:
        return PreviewShape(lifetime_preview(policies.terms_of(policy))).data  # type: ignore[return-value]  # names the shape

    def get_warnings(self, policy: TokenPolicy) -> list[str]:
        return policy_warnings(policies.terms_of(policy))


class Policies(ManagementView[TokenPolicy]):
    """One for each proxy, group or credential. An edit concerns families handed out from then on (D5)."""

    queryset = TokenPolicy.objects.select_related("proxy", "group", "credential")
    filterset_class = PolicyFilter
    serializer_class = PolicyShape
    lookup_value_regex = "[0-9]{1,18}"
    needs: ClassVar[dict[str, Need]] = {
        "list": Need(_VIEW, READ),
        "retrieve": Need(_VIEW, READ),
        "create": Need(_ADD, WRITE, act="add"),
        "partial_update": Need(_CHANGE, WRITE, act="change", edit=True),
        "suspend": Need(_CHANGE, WRITE, act="suspend"),
        "resume": Need(_CHANGE, WRITE, act="resume"),
    }

    @documented("List token policies", gives=PolicyShape(many=True))
    def list(self, request: Request) -> Response:
        """Newest first."""
        return self.listed()

    @documented("Show a token policy", gives=PolicyShape)
    def retrieve(self, request: Request, pk: str) -> Response:
        """With how long a family lasts at most, and what is risky in the terms."""
        return self.shown(self.one(pk))

    @documented(
        "Add a token policy",
        takes=NewPolicyShape,
        gives=PolicyShape,
        status=201,
        examples=[example("JWTs", _NEW)],
    )
    def create(self, request: Request) -> Response:
        """Where there is one already: 409, change that one."""
        values = self.read(NewPolicyShape)
        made = policies.set_policy(values.pop("owner"), by=self.by, only_new=True, at=self.now, **values)
        return self.shown(made, status=201)

    @documented("Change a token policy", takes=TermsShape, gives=PolicyShape)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Only what is sent changes, for families handed out from now on; earlier ones keep their terms (D5)."""
        values = self.read(TermsShape)
        with self.edited(pk) as policy:
            assert policy.owner is not None  # the check constraint promises it
            policies.set_policy(policy.owner, by=self.by, at=self.now, **policies.terms_of(policy) | values)
        return self.shown(policy)

    @documented("Suspend a token policy", takes=Nothing, gives=PolicyShape)
    @action(detail=True, methods=["post"])
    def suspend(self, request: Request, pk: str) -> Response:
        """No new tokens and no refresh while it is so. Access tokens in use live on."""
        self.read(Nothing)
        policy = self.one(pk)
        policies.suspend(policy, by=self.by, at=self.now)
        return self.shown(policy)

    @documented("Let a suspended policy count again", takes=Nothing, gives=PolicyShape)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """New tokens and refreshes are given again."""
        self.read(Nothing)
        policy = self.one(pk)
        policies.resume(policy, by=self.by, at=self.now)
        return self.shown(policy)
