"""The whole URL map on one page. The plain doors (token, revoke, introspect, verify) are answered ahead of it, in
config/wsgi.py.
"""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config.documents import ApiDocs, ApiSchema

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index", permanent=False), name="home"),
    path("admin/", admin.site.urls),
    path("api/schema/", ApiSchema.as_view(), name="schema"),
    path("api/docs/", ApiDocs.as_view(), name="api-docs"),
    path("", include("proxies.urls")),
    path("", include("credentials.urls")),
    path("", include("tokens.urls")),
]

handler404 = "config.errors.not_found"
handler500 = "config.errors.failed"
