"""`/api/v1/stats/`: sums of requests, and what lives now."""

# ruff: noqa: ARG002 - actions are called alike

from dataclasses import asdict
from datetime import timedelta
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from credentials.models import Credential
from proxies.api_scopes import READ
from proxies.models import ApiProxy, Environment, ProxyGroup
from proxies.restkit.needs import Need
from proxies.restkit.schema import documented
from proxies.restkit.shapes import Chosen, Exact
from proxies.restkit.views import ManagementView
from tokens import statistics
from tokens.impact import impact
from tokens.models import RequestRollup

_DIMENSIONS = [(name, name) for name in statistics.DIMENSIONS]


def _exactly() -> serializers.CharField:
    return serializers.CharField(max_length=255, required=False, allow_blank=True)


class WantedSumsShape(Exact):
    """Which sums."""

    since = serializers.DateTimeField(required=False, help_text="Default: a week ago.")
    until = serializers.DateTimeField(required=False, help_text="Default: now.")
    step = serializers.ChoiceField(choices=[(name, name) for name in statistics.STEPS], required=False, default="day")
    by = serializers.ChoiceField(choices=_DIMENSIONS, required=False, default="outcome")
    environment = _exactly()
    proxy = _exactly()
    group = _exactly()
    client_id = _exactly()
    action = _exactly()
    outcome = _exactly()


class SumShape(serializers.Serializer[Any]):
    """Requests of one kind in one step of time."""

    at = serializers.DateTimeField(required=False, help_text="Not with `step=total`.")
    kind = serializers.CharField(help_text="The value of what was asked for with `by`.")
    requests = serializers.IntegerField()
    duration_ms = serializers.FloatField(help_text="Of all of them together.")
    longest_ms = serializers.FloatField()


class SumsShape(serializers.Serializer[Any]):
    """Sums by time and kind."""

    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    whole = serializers.BooleanField(help_text="False where there were more rows than are answered.")
    sums = SumShape(many=True)


class WantedLiveShape(Exact):
    """Of what."""

    environment = Chosen(Environment.objects.all(), required=False)
    proxy = Chosen(ApiProxy.objects.all(), required=False)
    group = Chosen(ProxyGroup.objects.all(), required=False)
    credential = Chosen(Credential.objects.all(), by="client_id", required=False)


class LiveShape(serializers.Serializer[Any]):
    """What lives now."""

    opaque = serializers.IntegerField()
    jwt = serializers.IntegerField()
    refreshable = serializers.IntegerField(help_text="Families that can be refreshed.")
    never_expiring = serializers.IntegerField()
    clients = serializers.IntegerField(help_text="Clients and people that hold them.")
    used_in_last_hour = serializers.IntegerField()


class Statistics(ManagementView[RequestRollup]):
    """Figures."""

    queryset = RequestRollup.objects.all()
    filter_backends = []
    needs: ClassVar[dict[str, Need]] = {
        "requests": Need("tokens.view_requestrollup", READ),
        "live": Need("tokens.view_issuedtoken", READ),
    }

    @property
    def query_names(self) -> set[str]:
        """The fields of the shape in which the query is read."""
        return set((WantedSumsShape if self.action == "requests" else WantedLiveShape)().fields)

    def asked(self, shape: type[Exact]) -> dict[str, Any]:
        """The query in its shape. Raises ValidationError."""
        said = shape(data=self.request.query_params.dict())
        said.is_valid(raise_exception=True)
        values: dict[str, Any] = said.validated_data
        return values

    @documented("Sum up requests", query=WantedSumsShape, gives=SumsShape)
    @action(detail=False, methods=["get"])
    def requests(self, request: Request) -> Response:
        """By hour (up to 31 days), by day or in total (up to 366), counted by the hour in the background."""
        values = self.asked(WantedSumsShape)
        until = values.pop("until", self.now)
        since = values.pop("since", until - timedelta(days=7))
        step, by = values.pop("step"), values.pop("by")
        found = statistics.requests(since=since, until=until, step=step, by=by, where=values)
        return Response({"since": since, "until": until, "whole": found.whole, "sums": found.rows})

    @documented("Count what lives", query=WantedLiveShape, gives=LiveShape)
    @action(detail=False, methods=["get"])
    def live(self, request: Request) -> Response:
        """Live access tokens by kind, families that can be refreshed, and who holds them."""
        found = asdict(impact(at=self.now, **self.asked(WantedLiveShape)))
        found.pop("top_callers")
        return Response(found)
