"""Addresses of this floor."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from credentials.api.connections import Connections
from credentials.api.heartbeat import Heartbeat
from credentials.api.personal_tokens import PersonalTokens

router = SimpleRouter()
router.register("connections", Connections, basename="connection")
router.register("personal-tokens", PersonalTokens, basename="personal-token")

urlpatterns = [
    path("connect/heartbeat", Heartbeat.as_view(), name="heartbeat"),
    path("api/v1/", include(router.urls)),
]
