"""`/api/v1/connections/`: the same rules as the screens; 409 where a limit refuses."""

# ruff: noqa: ARG002 - actions are called alike

from typing import ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from credentials import rotation
from credentials.api.connection_shapes import (
    ChangeConnectionSerializer,
    CloseSerializer,
    ConnectionDetailSerializer,
    ConnectionSerializer,
    LicenceSerializer,
    MadeSerializer,
    OpenConnectionSerializer,
    OpenedConnectionSerializer,
    RevealSerializer,
    RevokeSerializer,
    TokenSerializer,
)
from credentials.api.filters import ConnectionFilter
from credentials.models import ConnectionConfiguration, ConnectionToken
from proxies.api_scopes import KEYS, READ, WRITE
from proxies.restkit.needs import Need
from proxies.restkit.schema import documented, example
from proxies.restkit.shapes import BecauseShape, Nothing
from proxies.restkit.views import ManagementView

_VIEW, _ADD = "credentials.view_connectionconfiguration", "credentials.add_connectionconfiguration"
_CHANGE, _DELETE = "credentials.change_connectionconfiguration", "credentials.delete_connectionconfiguration"
_TOKENS = "credentials.change_connectiontoken"
_TOKEN = "tokens/(?P<token>[0-9]{1,18})"

_NEW = {"name": "EU edge", "deployment_type": "kubernetes", "environment": "test", "owner_name": "Edge team"}


class Connections(ManagementView[ConnectionConfiguration]):
    """Connection configurations and their tokens."""

    queryset = ConnectionConfiguration.objects.all()
    filterset_class = ConnectionFilter
    serializer_class = ConnectionDetailSerializer
    lookup_value_regex = "[0-9]{1,18}"
    not_versioned = ("last_refused_at", "last_refused_because")
    needs: ClassVar[dict[str, Need]] = {
        "list": Need(_VIEW, READ),
        "retrieve": Need(_VIEW, READ),
        "create": Need(_ADD, KEYS, act="add", answers_secret=True),
        "partial_update": Need(_CHANGE, WRITE, act="change", edit=True),
        "generate": Need(_TOKENS, KEYS, answers_secret=True),
        "revoke": Need(_TOKENS, KEYS),
        "replace": Need(_TOKENS, KEYS, answers_secret=True),
        "extend_licence": Need(_CHANGE, WRITE, act="licence"),
        "close": Need(_DELETE, WRITE, act="delete", dangerous=True),
        "reveal": Need("credentials.reveal_connectiontoken", KEYS, answers_secret=True),
    }

    def get_queryset(self) -> QuerySet[ConnectionConfiguration]:
        rows = ConnectionConfiguration.objects.select_related("environment")
        found: QuerySet[ConnectionConfiguration] = rows.with_tokens_counted()
        return found

    def rows_to_edit(self) -> QuerySet[ConnectionConfiguration]:
        return ConnectionConfiguration.objects.all()

    @documented("List connection configurations", gives=ConnectionSerializer(many=True))
    def list(self, request: Request) -> Response:
        """Newest first, with the age of their tokens."""
        return self.listed(ConnectionSerializer)

    @documented("Show a connection configuration", gives=ConnectionDetailSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """With its active tokens, the three that were revoked last, and the instances that were seen."""
        return self.shown(self.one(pk))

    @documented(
        "Open a connection configuration",
        takes=OpenConnectionSerializer,
        gives=OpenedConnectionSerializer,
        status=201,
        examples=[example("For Kubernetes", _NEW)],
    )
    def create(self, request: Request) -> Response:
        """The answer holds its first token."""
        made = rotation.open_connection(by=self.by, at=self.now, **self.read(OpenConnectionSerializer))
        return self.shown(made.token.configuration, status=201, token=made.raw)

    @documented("Change a connection configuration", takes=ChangeConnectionSerializer, gives=ConnectionDetailSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Deployment type and environment are permanent (D33)."""
        values = self.read(ChangeConnectionSerializer)
        with self.edited(pk) as configuration:
            rotation.change(configuration, by=self.by, at=self.now, **values)
        return self.shown(configuration)

    @documented("Generate a second token", takes=Nothing, gives=MadeSerializer, status=201)
    @action(detail=True, methods=["post"])
    def generate(self, request: Request, pk: str) -> Response:
        """The one in use stays valid. The answer holds the new one."""
        self.read(Nothing)
        return self._made(rotation.generate(self.one(pk), by=self.by, at=self.now), status=201)

    @documented("Extend the licence", takes=LicenceSerializer, gives=ConnectionDetailSerializer)
    @action(detail=True, methods=["post"], url_path="extend-licence")
    def extend_licence(self, request: Request, pk: str) -> Response:
        """Tokens of a licence that has ended do not come back."""
        until = self.read(LicenceSerializer)["licence_ends_at"]
        return self.shown(rotation.extend_licence(self.one(pk), until=until, by=self.by, at=self.now))

    @documented("Delete a connection configuration", takes=CloseSerializer, gives=ConnectionDetailSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        """All its tokens end; the record stays."""
        values, configuration = self.read(CloseSerializer), self.one(pk)
        told = self.impact_or_confirmed(configuration, "delete", values)
        return told or self.shown(rotation.close(configuration, by=self.by, at=self.now, **values))

    @documented("Revoke a connection token", takes=RevokeSerializer, gives=TokenSerializer)
    @action(detail=True, methods=["post"], url_path=f"{_TOKEN}/revoke")
    def revoke(self, request: Request, pk: str, token: str) -> Response:
        """The only active one is refused; one used within the last hour is, until `even_if_in_use` says it is known."""
        values, found = self.read(RevokeSerializer), self._token(pk, token)
        shown = rotation.revoke(found, by=self.by, at=self.now, **values)
        return Response(TokenSerializer(shown, context=self.get_serializer_context()).data)

    @documented("Replace a compromised token now", takes=BecauseShape, gives=MadeSerializer, status=201)
    @action(detail=True, methods=["post"], url_path=f"{_TOKEN}/replace")
    def replace(self, request: Request, pk: str, token: str) -> Response:
        """It ends and a new one takes its place, in one step. The answer holds the new one."""
        values, found = self.read(BecauseShape), self._token(pk, token)
        return self._made(rotation.replace_now(found, by=self.by, at=self.now, **values), status=201)

    @documented("Show the value of a token", takes=RevealSerializer, gives=MadeSerializer)
    @action(detail=True, methods=["post"], url_path=f"{_TOKEN}/reveal")
    def reveal(self, request: Request, pk: str, token: str) -> Response:
        """Leaves an entry in the history."""
        values, found = self.read(RevealSerializer), self._token(pk, token)
        return self._made(rotation.Made(found, rotation.reveal(found, by=self.by, at=self.now, **values)))

    def _token(self, key: str, token: str) -> ConnectionToken:
        found: ConnectionToken = get_object_or_404(
            ConnectionToken.objects.select_related("configuration"), configuration=key, pk=token
        )
        return found

    def _made(self, made: rotation.Made, status: int = 200) -> Response:
        context = {**self.get_serializer_context(), "raw": made.raw}
        return Response(MadeSerializer(made.token, context=context).data, status=status)
