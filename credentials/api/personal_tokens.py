"""`/api/v1/personal-tokens/`: tokens that let a script act in one's own name (S3.12)."""

# ruff: noqa: ARG002 - actions are called alike

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from credentials import personal_tokens
from credentials.api.filters import PersonalTokenFilter
from credentials.models import PersonalAccessToken
from proxies.api_scopes import SCOPES
from proxies.restkit.needs import OWN, Need
from proxies.restkit.schema import documented, example
from proxies.restkit.shapes import BecauseShape, Exact
from proxies.restkit.views import ManagementView

EVERYONES = "credentials.view_personalaccesstoken"
END_EVERYONES = "credentials.change_personalaccesstoken"
_NEW = {"name": "nightly report", "scopes": ["read", "log:read"], "lifetime": 2_592_000}


class NewPersonalTokenShape(Exact):
    """What a new token may do, and for how long."""

    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=list(SCOPES.items())), allow_empty=False, max_length=len(SCOPES)
    )
    lifetime = serializers.IntegerField(
        required=False, default=None, allow_null=True, min_value=1, max_value=2**31 - 1, help_text="Seconds."
    )


class PersonalTokenShape(serializers.ModelSerializer[PersonalAccessToken]):
    """A personal access token without its value."""

    owner = serializers.CharField(source="owner.username")
    scopes = serializers.SerializerMethodField()
    state = serializers.SerializerMethodField(help_text="live, expired, revoked, or ended with its person's password.")

    class Meta:
        model = PersonalAccessToken
        fields: tuple[str, ...] = (
            "id",
            "name",
            "owner",
            "scopes",
            "state",
            "created_at",
            "expires_at",
            "last_used_at",
            "last_used_address",
            "revoked_at",
            "revoked_by",
            "revoked_because",
        )
        read_only_fields: tuple[str, ...] = fields

    def get_scopes(self, token: PersonalAccessToken) -> list[str]:
        return token.scopes.split()

    def get_state(self, token: PersonalAccessToken) -> str:
        return personal_tokens.state(token, self.context["now"]).value


class MadePersonalTokenShape(PersonalTokenShape):
    """A personal access token with its value: in the answer that makes it, and never again."""

    token = serializers.CharField()

    class Meta(PersonalTokenShape.Meta):
        fields = ("token", *PersonalTokenShape.Meta.fields)
        read_only_fields = fields


class PersonalTokens(ManagementView[PersonalAccessToken]):
    """One's own tokens; everybody's for who may see them. Somebody else's are not found."""

    queryset = PersonalAccessToken.objects.all()
    filterset_class = PersonalTokenFilter
    serializer_class = PersonalTokenShape
    lookup_value_regex = "[0-9]{1,18}"
    # No scope opens these: a token must not be able to lengthen its own life.
    needs: ClassVar[dict[str, Need]] = {
        "list": Need("", OWN),
        "retrieve": Need("", OWN),
        "create": Need("", OWN, answers_secret=True),
        "revoke": Need("", OWN),
    }

    def get_queryset(self) -> QuerySet[PersonalAccessToken]:
        rows = PersonalAccessToken.objects.select_related("owner")
        person: Any = self.request.user
        may = END_EVERYONES if self.action == "revoke" else EVERYONES
        return rows if person.has_perm(may) else rows.filter(owner=person.pk)

    @documented("List personal access tokens", gives=PersonalTokenShape(many=True))
    def list(self, request: Request) -> Response:
        """Your own, newest first; with the permission `credentials.view_personalaccesstoken` everybody's."""
        return self.listed()

    @documented("Show a personal access token", gives=PersonalTokenShape)
    def retrieve(self, request: Request, pk: str) -> Response:
        """Without its value, which is shown once."""
        return self.shown(self.one(pk))

    @documented(
        "Make a personal access token",
        takes=NewPersonalTokenShape,
        gives=MadePersonalTokenShape,
        status=201,
        examples=[example("To read", _NEW)],
    )
    def create(self, request: Request) -> Response:
        """For yourself. The answer holds its value, once."""
        values = self.read(NewPersonalTokenShape)
        made = personal_tokens.make(request.user, by=self.by, at=self.now, **values)  # type: ignore[arg-type]
        return self.shown(made.token, status=201, token=made.raw)

    @documented("Revoke a personal access token", takes=BecauseShape, gives=PersonalTokenShape)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """It ends at once and for good; a second time changes nothing.

        With the permission `credentials.change_personalaccesstoken` anybody's.
        """
        token = self.one(pk)
        personal_tokens.revoke(token, by=self.by, at=self.now, **self.read(BecauseShape))
        return Response(self.get_serializer(token).data)
