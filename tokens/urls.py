"""Addresses of this floor that Django answers; the plain doors are asked before (config/wsgi.py)."""

from django.urls import path

from tokens.api import views

urlpatterns = [
    path("api/auth/login", views.Login.as_view(), name="login"),
    path("api/auth/refresh", views.Refresh.as_view(), name="refresh"),
    path("api/auth/renew", views.Renew.as_view(), name="renew"),
    path("api/auth/logout", views.Logout.as_view(), name="logout"),
    path("api/auth/sessions", views.Sessions.as_view(), name="sessions"),
    path("api/auth/sessions/end-others", views.EndOthers.as_view(), name="end-other-sessions"),
    path("api/auth/sessions/<str:jti>", views.OneSession.as_view(), name="session"),
]
