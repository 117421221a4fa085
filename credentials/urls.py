"""Addresses of this floor."""

from django.urls import include, path

from credentials.api.client_keys import ClientKeys
from credentials.api.connections import Connections
from credentials.api.credentials import Credentials
from credentials.api.grants import Grants
from credentials.api.heartbeat import Heartbeat
from credentials.api.personal_tokens import PersonalTokens
from credentials.api.users import Users
from proxies.restkit.routing import Router

router = Router()
router.register("credentials", Credentials, basename="credential")
router.register("client-keys", ClientKeys, basename="client-key")
router.register("grants", Grants, basename="grant")
router.register("users", Users, basename="user")
router.register("connections", Connections, basename="connection")
router.register("personal-tokens", PersonalTokens, basename="personal-token")

urlpatterns = [
    path("connect/heartbeat", Heartbeat.as_view(), name="heartbeat"),
    path("api/v1/", include(router.urls)),
]
