"""Addresses of this floor that Django answers; the plain doors are asked before (config/wsgi.py)."""

from django.urls import include, path, re_path

from proxies.restkit.routing import Router
from tokens.api import sessions
from tokens.api.configuration import Configuration
from tokens.api.explaining import Explaining
from tokens.api.legacy_verifiers import LegacyVerifiers
from tokens.api.policies import Policies
from tokens.api.refresh_keys import RefreshKeys
from tokens.api.reminders import Reminders, Webhooks
from tokens.api.request_log import RequestLog
from tokens.api.signing_keys import SigningKeys
from tokens.api.statistics import Statistics
from tokens.api.tokens import AccessTokens, Families

router = Router()
router.register("policies", Policies, basename="policy")
router.register("tokens", AccessTokens, basename="token")
router.register("families", Families, basename="family")
router.register("refresh-keys", RefreshKeys, basename="refresh-key")
router.register("signing-keys", SigningKeys, basename="signing-key")
router.register("legacy-verifiers", LegacyVerifiers, basename="legacy-verifier")
router.register("request-log", RequestLog, basename="token-request")
router.register("reminders", Reminders, basename="reminder")
router.register("webhooks", Webhooks, basename="webhook")
router.register("stats", Statistics, basename="stats")

urlpatterns = [
    path("api/v1/", include(router.urls)),
    re_path(r"^api/v1/explain/?$", Explaining.as_view({"post": "explain"}), name="explain"),
    re_path(r"^api/v1/apply/?$", Configuration.as_view({"post": "apply"}), name="apply"),
    re_path(r"^api/v1/configuration/?$", Configuration.as_view({"get": "export"}), name="configuration"),
    path("api/auth/login", sessions.Login.as_view(), name="login"),
    path("api/auth/refresh", sessions.Refresh.as_view(), name="refresh"),
    path("api/auth/renew", sessions.Renew.as_view(), name="renew"),
    path("api/auth/logout", sessions.Logout.as_view(), name="logout"),
    path("api/auth/sessions", sessions.Sessions.as_view(), name="sessions"),
    path("api/auth/sessions/end-others", sessions.EndOthers.as_view(), name="end-other-sessions"),
    path("api/auth/sessions/<str:jti>", sessions.OneSession.as_view(), name="session"),
]
