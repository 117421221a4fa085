"""`/api/v1/request-log/`: every token request, granted or refused, to read and to take out (D24)."""

# ruff: noqa: ARG002 - actions are called alike

from typing import Any, ClassVar

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from proxies.api_scopes import LOG
from proxies.restkit.needs import Need
from proxies.restkit.pages import LARGEST_PAGE
from proxies.restkit.schema import documented
from proxies.restkit.views import ManagementView
from tokens import log_export, log_windows
from tokens.api.filters import LogFilter
from tokens.models import TokenRequestLog

_CSV, _LINES = "text/csv", "application/jsonl"
_FILE = "Newest row first, with the filters of the list. It leaves an entry in the history."


class LogRowShape(serializers.ModelSerializer[TokenRequestLog]):
    """One token request. Names are copies; no secret is among the values."""

    class Meta:
        model = TokenRequestLog
        fields = log_export.COLUMNS
        read_only_fields = fields


class RequestLog(ManagementView[TokenRequestLog]):
    """The permanent token request log."""

    queryset = TokenRequestLog.objects.all()
    filterset_class = LogFilter
    serializer_class = LogRowShape
    lookup_value_regex = "[0-9]{1,18}"
    needs: ClassVar[dict[str, Need]] = {
        "list": Need("tokens.view_tokenrequestlog", LOG),
        "retrieve": Need("tokens.view_tokenrequestlog", LOG),
        "csv": Need("tokens.export_tokenrequestlog", LOG),
        "json_lines": Need("tokens.export_tokenrequestlog", LOG),
    }

    @property
    def query_names(self) -> set[str]:
        """The exports take the filters of the list."""
        return set(LogFilter.base_filters) if self.action in ("csv", "json_lines") else super().query_names

    def filter_queryset(self, queryset: Any) -> Any:
        """What is rare is looked for in the hours that the hourly sums name; the exports read what they are told to."""
        rows = super().filter_queryset(queryset)
        given = self.request.query_params
        kinds = {name: given[name] for name in log_windows.KINDS if given.get(name)}
        cursor = given.get("cursor", "")
        if self.action != "list" or not kinds or (cursor and not cursor.isdecimal()):
            return rows
        if cursor:
            hours = log_windows.before(int(cursor), kinds, most=LARGEST_PAGE)
        else:
            hours = log_windows.where(kinds, most=LARGEST_PAGE, since=None, until=None)
        return rows if hours is None else rows.filter(hours)

    @documented("List token requests", gives=LogRowShape(many=True))
    def list(self, request: Request) -> Response:
        """Newest first."""
        return self.listed()

    @documented("Show a token request", gives=LogRowShape)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One row."""
        return self.shown(self.one(pk))

    @extend_schema(
        summary="Export token requests as CSV",
        filters=True,
        responses={(200, _CSV): OpenApiResponse(OpenApiTypes.STR, _FILE)},
    )
    @action(detail=False, methods=["get"], pagination_class=None)
    def csv(self, request: Request) -> StreamingHttpResponse:
        """A line for each row, newest first. Cells that a spreadsheet would take for a formula begin with a quote."""
        return self._file("csv")

    @extend_schema(
        summary="Export token requests as JSON lines",
        filters=True,
        responses={(200, _LINES): OpenApiResponse(OpenApiTypes.STR, _FILE)},
    )
    @action(detail=False, methods=["get"], url_path="jsonl", pagination_class=None)
    def json_lines(self, request: Request) -> StreamingHttpResponse:
        """A JSON object for each row, newest first."""
        return self._file("jsonl")

    def _file(self, kind: str) -> StreamingHttpResponse:
        lines, content_type = log_export.FORMATS[kind]
        rows = self.filter_queryset(self.get_queryset())
        person: Any = self.request.user
        chosen = self.request.META.get("QUERY_STRING", "")
        log_export.record(person, by=self.by, chosen=chosen, at=self.now)
        answer = StreamingHttpResponse(lines(rows), content_type=content_type)
        answer["Content-Disposition"] = f'attachment; filename="token-requests-{self.now:%Y%m%d-%H%M%S}.{kind}"'
        return answer
