"""Addresses of this floor."""

from typing import Any

from django.urls import path

from credentials.views import Connections, Heartbeat


def _post(action: str) -> Any:
    return Connections.as_view({"post": action})


_ONE = "api/v1/connections/<int:pk>/"
_TOKEN = f"{_ONE}tokens/<int:token>/"

urlpatterns = [
    path("connect/heartbeat", Heartbeat.as_view(), name="heartbeat"),
    path("api/v1/connections/", Connections.as_view({"get": "list", "post": "create"}), name="connections"),
    path(_ONE, Connections.as_view({"get": "retrieve", "patch": "partial_update"}), name="connection"),
    path(f"{_ONE}generate/", _post("generate"), name="connection-generate"),
    path(f"{_ONE}extend-licence/", _post("extend_licence"), name="connection-extend-licence"),
    path(f"{_ONE}close/", _post("close"), name="connection-close"),
    path(f"{_TOKEN}revoke/", _post("revoke"), name="connection-token-revoke"),
    path(f"{_TOKEN}replace/", _post("replace"), name="connection-token-replace"),
    path(f"{_TOKEN}reveal/", _post("reveal"), name="connection-token-reveal"),
]
