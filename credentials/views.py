"""REST of this floor: parse, call one core function, answer."""

# ruff: noqa: ARG002 - actions are called alike

from datetime import datetime
from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.functional import cached_property
from rest_framework.pagination import PageNumberPagination
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from credentials import addresses, heartbeats, rotation
from credentials.authentication import MANAGEMENT, ConnectionTokenAuthentication, InvalidToken
from credentials.errors import ConnectionTokenRefused
from credentials.filters import ConnectionFilter
from credentials.models import ConnectionConfiguration, ConnectionToken
from credentials.parsers import SmallJSONParser
from credentials.problems import exception_handler
from credentials.serializers import (
    BecauseSerializer,
    ChangeConnectionSerializer,
    ConnectionDetailSerializer,
    ConnectionSerializer,
    HeartbeatSerializer,
    LicenceSerializer,
    MadeSerializer,
    OpenConnectionSerializer,
    RevealSerializer,
    RevokeSerializer,
)


class _Door(APIView):
    """Refusals as problem+json, and nothing kept by anyone between."""

    parser_classes = [SmallJSONParser]

    def get_exception_handler(self) -> Any:
        return exception_handler

    def finalize_response(self, *args: Any, **named: Any) -> Any:
        answer = super().finalize_response(*args, **named)
        answer["Cache-Control"] = "no-store"
        return answer


class Heartbeat(_Door):
    """`POST /connect/heartbeat`: an instance reports with its connection token."""

    authentication_classes = [ConnectionTokenAuthentication]
    serializer_class = HeartbeatSerializer

    def post(self, request: Request) -> Response:
        said = HeartbeatSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        values = said.validated_data
        report = heartbeats.Report(
            values["instance_id"], values["deployment_type"], values["version"], values["protecting"]
        )
        try:
            seen = heartbeats.heartbeat(str(request.auth), report, address=addresses.caller(request.META))
        except ConnectionTokenRefused as refused:
            raise InvalidToken from refused
        return Response({"instance_id": seen.instance_id, "configuration": seen.configuration_id})


class MayDo(BasePermission):
    """The permission that the view names for each of its actions."""

    def has_permission(self, request: Request, view: Any) -> bool:
        codename = view.permissions.get(view.action)
        # Without an action the method is not allowed here, which the framework says next.
        return view.action is None or request.user.has_perm(f"credentials.{codename}")


class Pages(PageNumberPagination):
    """Fifty at a time, two hundred where asked."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


class Connections(_Door, GenericViewSet[ConnectionConfiguration]):
    """`/api/v1/connections/`: the same rules as the screens; 409 where a limit refuses."""

    authentication_classes = MANAGEMENT
    permission_classes = [MayDo]
    pagination_class = Pages
    filterset_class = ConnectionFilter
    serializer_class = ConnectionDetailSerializer
    lookup_value_regex = "[0-9]{1,18}"
    permissions: ClassVar[dict[str, str]] = {
        "list": "view_connectionconfiguration",
        "retrieve": "view_connectionconfiguration",
        "create": "add_connectionconfiguration",
        "partial_update": "change_connectionconfiguration",
        "generate": "change_connectionconfiguration",
        "revoke": "change_connectionconfiguration",
        "replace": "change_connectionconfiguration",
        "extend_licence": "change_connectionconfiguration",
        "close": "delete_connectionconfiguration",
        "reveal": "reveal_connectiontoken",
    }

    @cached_property
    def now(self) -> datetime:
        return timezone.now()

    def get_queryset(self) -> Any:
        return (
            ConnectionConfiguration.objects.select_related("environment").with_tokens_counted().order_by("name", "pk")
        )

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "now": self.now}

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        shown = ConnectionSerializer(page or [], many=True, context=self.get_serializer_context())
        return self.get_paginated_response(shown.data)

    def retrieve(self, request: Request, pk: str) -> Response:
        return self._shown(self._configuration(pk))

    def create(self, request: Request) -> Response:
        values = self._read(OpenConnectionSerializer)
        made = rotation.open_connection(by=self._by, at=self.now, **values)
        configuration = self._configuration(made.token.configuration_id)
        shown = ConnectionDetailSerializer(configuration, context=self.get_serializer_context()).data
        return Response({"token": made.raw, **shown}, status=201)

    def partial_update(self, request: Request, pk: str) -> Response:
        values = self._read(ChangeConnectionSerializer)
        return self._shown(rotation.change(self._configuration(pk), by=self._by, at=self.now, **values))

    def generate(self, request: Request, pk: str) -> Response:
        return self._made(rotation.generate(self._configuration(pk), by=self._by, at=self.now), status=201)

    def extend_licence(self, request: Request, pk: str) -> Response:
        until = self._read(LicenceSerializer)["licence_ends_at"]
        return self._shown(rotation.extend_licence(self._configuration(pk), until=until, by=self._by, at=self.now))

    def close(self, request: Request, pk: str) -> Response:
        values = self._read(BecauseSerializer)
        return self._shown(rotation.close(self._configuration(pk), by=self._by, at=self.now, **values))

    def revoke(self, request: Request, pk: str, token: str) -> Response:
        values = self._read(RevokeSerializer)
        found = self._token(pk, token)
        return self._made(rotation.Made(rotation.revoke(found, by=self._by, at=self.now, **values), ""))

    def replace(self, request: Request, pk: str, token: str) -> Response:
        values = self._read(BecauseSerializer)
        found = self._token(pk, token)
        return self._made(rotation.replace_now(found, by=self._by, at=self.now, **values), status=201)

    def reveal(self, request: Request, pk: str, token: str) -> Response:
        values = self._read(RevealSerializer)
        found = self._token(pk, token)
        return self._made(rotation.Made(found, rotation.reveal(found, by=self._by, at=self.now, **values)))

    @property
    def _by(self) -> str:
        return str(self.request.user.get_username())

    def _read(self, shape: Any) -> dict[str, Any]:
        said = shape(data=self.request.data)
        said.is_valid(raise_exception=True)
        values: dict[str, Any] = said.validated_data
        return values

    def _configuration(self, key: int | str) -> ConnectionConfiguration:
        found: ConnectionConfiguration = get_object_or_404(self.get_queryset(), pk=key)
        return found

    def _token(self, key: str, token: str) -> ConnectionToken:
        found: ConnectionToken = get_object_or_404(
            ConnectionToken.objects.select_related("configuration"), configuration=key, pk=token
        )
        return found

    def _shown(self, configuration: ConnectionConfiguration) -> Response:
        fresh = self._configuration(configuration.pk)
        return Response(ConnectionDetailSerializer(fresh, context=self.get_serializer_context()).data)

    def _made(self, made: rotation.Made, status: int = 200) -> Response:
        context = {**self.get_serializer_context(), "raw": made.raw}
        shown = dict(MadeSerializer(made.token, context=context).data)
        if not made.raw:
            shown.pop("token")
        return Response(shown, status=status)
