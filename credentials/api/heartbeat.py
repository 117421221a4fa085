"""`POST /connect/heartbeat`: an instance reports with its connection token."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from credentials import addresses, heartbeats
from credentials.authentication import ConnectionTokenAuthentication, InvalidToken
from credentials.errors import ConnectionTokenRefused
from proxies.restkit.shapes import ProblemShape
from proxies.restkit.views import Door


class HeartbeatSerializer(serializers.Serializer[Any]):
    """What an instance says of itself. A type that is missing is not a mistake of form: the core refuses it (D33)."""

    instance_id = serializers.RegexField(r"^[\x21-\x7e]+\Z", max_length=150)
    deployment_type = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")
    version = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    protecting = serializers.BooleanField(required=False, default=True)


class SeenSerializer(serializers.Serializer[Any]):
    """Who was seen, with which configuration's token."""

    instance_id = serializers.CharField()
    configuration = serializers.IntegerField()


class Heartbeat(Door):
    """An instance reports."""

    authentication_classes = [ConnectionTokenAuthentication]

    @extend_schema(
        operation_id="heartbeat",
        summary="Report as an instance",
        request=HeartbeatSerializer,
        responses={
            200: SeenSerializer,
            (400, "application/problem+json"): OpenApiResponse(ProblemShape, "The body cannot be read."),
            (401, "application/problem+json"): OpenApiResponse(ProblemShape, "The token does not prove the instance."),
            (415, "application/problem+json"): OpenApiResponse(ProblemShape, "The body must be application/json."),
        },
    )
    def post(self, request: Request) -> Response:
        """The instance is listed with what it says of itself. A token of another deployment type is refused (D33)."""
        values = self.read(HeartbeatSerializer)
        report = heartbeats.Report(
            values["instance_id"], values["deployment_type"], values["version"], values["protecting"]
        )
        try:
            seen = heartbeats.heartbeat(str(request.auth), report, address=addresses.caller(request.META))
        except ConnectionTokenRefused as refused:
            raise InvalidToken from refused
        return Response({"instance_id": seen.instance_id, "configuration": seen.configuration_id})
