"""The OpenAPI document and the page that shows it. Both work offline and under the strict policy (R42)."""

from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from proxies.restkit.views import management_authenticators


class MayRead(BasePermission):
    """Whoever has proved who they are; everybody where API_DOCS_PUBLIC says so."""

    def has_permission(self, request: Request, view: Any) -> bool:  # noqa: ARG002 - the framework's signature
        return settings.API_DOCS_PUBLIC or bool(request.user.is_authenticated)


@cache
def _document() -> Any:
    """Made once for each process: it is the same for everybody."""
    return SchemaGenerator().get_schema(request=None, public=True)


class ApiSchema(SpectacularAPIView):
    """`/api/schema/`: OpenAPI 3.1, as YAML or, with `?format=json`, as JSON."""

    permission_classes = [MayRead]

    def get_authenticators(self) -> list[Any]:
        """As the management API has them."""
        return management_authenticators()

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **named: Any) -> Response:  # noqa: ARG002 - the framework's signature
        return Response(_document())


class ApiDocs(SpectacularSwaggerSplitView):
    """`/api/docs/`: the document as a page. Its script is of its own, since the policy allows no inline one."""

    permission_classes = [MayRead]
    authentication_classes = [SessionAuthentication]
    url_name = "schema"
    title = "Latchkey API"

    def handle_exception(self, exc: Exception) -> Any:
        """A person who is not logged in is sent to log in."""
        if isinstance(exc, NotAuthenticated):
            return redirect_to_login(self.request.get_full_path())
        return super().handle_exception(exc)

    def finalize_response(self, *args: Any, **named: Any) -> Any:
        """The script holds the form token of whoever asks."""
        answer = super().finalize_response(*args, **named)
        answer["Cache-Control"] = "no-store"
        return answer
