"""Long lists in pages, newest first. A page costs the same wherever it is."""

import re
from typing import Any

from django.conf import settings
from django.db.models import Model
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

PAGE_SIZE = 50
LARGEST_PAGE = 200
_DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)


class Pages(BasePagination):
    """`cursor` is the id of the last row seen, `page_size` how many come next. `next` is the address of what follows.

    No row is counted or skipped: rows that come or go between two pages shift nothing.
    """

    names = ("cursor", "page_size")

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:  # noqa: ARG002 - the framework's signature
        """The rows of the page that is asked for. Raises ValidationError for one that there can't be."""
        size = _number(request, "page_size", PAGE_SIZE)
        if not 1 <= size <= LARGEST_PAGE:
            raise ValidationError({"page_size": [f"From 1 to {LARGEST_PAGE}."]})
        last_seen = _number(request, "cursor", 0)
        if last_seen:
            queryset = queryset.filter(pk__lt=last_seen)
        rows = list(queryset.order_by("-pk")[: size + 1])
        self.following = _following(request, rows[size - 1]) if len(rows) > size else None
        return rows[:size]

    def get_paginated_response(self, data: Any) -> Response:
        """A page and where the next one is."""
        return Response({"next": self.following, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """How a page looks, for the OpenAPI document."""
        following = {"type": ["string", "null"], "format": "uri", "description": "Address of the next page."}
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {"next": following, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:  # noqa: ARG002 - the framework's signature
        """The query parameters, for the OpenAPI document."""
        size = {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE_SIZE}
        return [
            _parameter("cursor", {"type": "string", "pattern": "^[0-9]{1,18}$"}, "From `next` of the page before."),
            _parameter("page_size", size, "How many at most."),
        ]


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


def _number(request: Request, name: str, default: int) -> int:
    given = request.query_params.get(name)
    if given is None:
        return default
    if _DIGITS.fullmatch(given) is None:
        raise ValidationError({name: ["Figures only, 18 at most."]})
    return int(given)


def _following(request: Request, last: Model) -> str:
    """Built from the one configured public URL, never from a request's Host."""
    return replace_query_param(f"{settings.PUBLIC_URL}{request.get_full_path()}", "cursor", last.pk)
