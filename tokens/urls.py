"""Addresses of this floor that Django answers; the plain doors are asked before (config/wsgi.py)."""

from django.urls import path

from tokens.api import sessions

urlpatterns = [
    path("api/auth/login", sessions.Login.as_view(), name="login"),
    path("api/auth/refresh", sessions.Refresh.as_view(), name="refresh"),
    path("api/auth/renew", sessions.Renew.as_view(), name="renew"),
    path("api/auth/logout", sessions.Logout.as_view(), name="logout"),
    path("api/auth/sessions", sessions.Sessions.as_view(), name="sessions"),
    path("api/auth/sessions/end-others", sessions.EndOthers.as_view(), name="end-other-sessions"),
    path("api/auth/sessions/<str:jti>", sessions.OneSession.as_view(), name="session"),
]
