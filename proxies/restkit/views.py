"""The base of every view of the management API."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.module_loading import import_string
from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, Serializer
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from proxies import repeating
from proxies.adminkit import ImpactLine, impact_of
from proxies.restkit.filters import ListedFilters, refuse_unknown
from proxies.restkit.needs import MayDo, Need
from proxies.restkit.pages import Pages
from proxies.restkit.parsers import SmallJSONParser, refuse_large
from proxies.restkit.problems import ConfirmationNeeded, ConfirmationWrong, exception_handler
from proxies.restkit.versions import check_if_match, held, version_of

M = TypeVar("M", bound=Model)
_YES, _NO = ("1", "true"), ("0", "false")


class AlwaysJSON(BaseContentNegotiation):
    """There is one form; an Accept header that asks for another gets it all the same (RFC 9110 section 12.4.1)."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """The parser of JSON, where the body is said to be JSON."""
        return next((parser for parser in parsers if _is_json(request.content_type)), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:  # noqa: ARG002 - the framework's signature
        """The first renderer."""
        return renderers[0], renderers[0].media_type


def management_authenticators() -> list[Any]:
    """How a caller of the management API may prove who they are; the classes stand on a floor above."""
    return [import_string(name)() for name in settings.MANAGEMENT_AUTHENTICATION]


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"


class Repeated(Exception):
    """The request was answered before."""

    def __init__(self, kept: repeating.Kept) -> None:
        self.kept = kept
        super().__init__()


class Door(APIView):
    """Takes small JSON, refuses by problem+json, and nobody between keeps an answer."""

    parser_classes = [SmallJSONParser]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = AlwaysJSON
    metadata_class = None

    def get_exception_handler(self) -> Any:
        """Problem details instead of the words of OAuth."""
        return exception_handler

    def finalize_response(self, *args: Any, **named: Any) -> Any:
        """Nobody between keeps an answer."""
        answer = super().finalize_response(*args, **named)
        answer["Cache-Control"] = "no-store"
        return answer

    def read(self, shape: type[Serializer[Any]]) -> dict[str, Any]:
        """The body in its shape. Raises ValidationError."""
        said = shape(data=self.request.data)
        said.is_valid(raise_exception=True)
        values: dict[str, Any] = said.validated_data
        return values


class ManagementView(Door, GenericViewSet[M]):
    """Parses, calls one core function, renders.

    `needs` says for each action what it takes; an action that is not in it is open to nobody.
    """

    needs: ClassVar[dict[str, Need]] = {}
    permission_classes = [MayDo]
    filter_backends = [ListedFilters]
    pagination_class: Any = Pages
    http_method_names = ["get", "head", "post", "put", "patch"]
    repeatable = False
    claimed: repeating.Claim | None = None
    not_versioned: ClassVar[tuple[str, ...]] = ()

    def get_authenticators(self) -> list[Any]:
        """Personal access token, access token of a login, session of the admin with CSRF."""
        return management_authenticators()

    # --- one request

    @cached_property
    def now(self) -> datetime:
        """The one moment of the request."""
        return timezone.now()

    @property
    def by(self) -> str:
        """The name that history and log keep."""
        return str(self.request.user.get_username())

    @property
    def need(self) -> Need | None:
        """What the present action needs; None where there is no action."""
        return self.needs.get(self.action or "")

    def dispatch(self, request: Any, *args: Any, **named: Any) -> HttpResponseBase:
        """A POST with an Idempotency-Key is one transaction with the answer that is kept for it."""
        if request.method != "POST" or "Idempotency-Key" not in request.headers:
            return super().dispatch(request, *args, **named)
        self.repeatable = True
        with transaction.atomic():
            answer = super().dispatch(request, *args, **named)
            if answer.status_code >= 500:
                transaction.set_rollback(True)
            else:
                self._keep(answer)
        return answer

    def _keep(self, answer: HttpResponseBase) -> None:
        claimed = self.claimed
        if claimed is None:
            return
        if answer.status_code >= 300 or not isinstance(answer, Response) or "dry_run" in answer.data:
            repeating.forget(claimed)
            return
        secret = self.need is None or self.need.answers_secret
        body = None if secret else JSONRenderer().render(answer.data).decode()
        repeating.keep(claimed, status=answer.status_code, body=body)

    def initial(self, request: Request, *args: Any, **named: Any) -> None:
        """Who it is, whether they may, and whether this was answered before. Raises what the answer will say."""
        super().initial(request, *args, **named)
        if self.action not in (None, "list"):
            refuse_unknown(request, self.query_names)
        if self.repeatable:
            self._claim(request)

    def _claim(self, request: Request) -> None:
        refuse_large(request.META)
        asked = b"\n".join((request.get_full_path().encode(), hashlib.sha256(request._request.body).digest()))  # noqa: SLF001 - the raw body is Django's
        found = repeating.claim(
            person_id=int(request.user.pk or 0), key=request.headers["Idempotency-Key"], request=asked, at=self.now
        )
        if isinstance(found, repeating.Kept):
            raise Repeated(found)
        self.claimed = found

    def handle_exception(self, exc: Exception) -> Response:
        """A repeated request gets what the first one was answered."""
        if isinstance(exc, Repeated):
            answer = HttpResponse(exc.kept.body, status=exc.kept.status, content_type="application/json")
            answer["Idempotency-Replayed"] = "true"
            return answer  # type: ignore[return-value]  # finalize_response takes any answer
        return super().handle_exception(exc)

    # --- reading

    @property
    def query_names(self) -> set[str]:
        """Query parameters that the action knows beside those of a list."""
        return {"dry_run"} if self.need is not None and self.need.dangerous else set()

    def one(self, key: int | str) -> M:
        """The row of this key, or 404."""
        found: M = get_object_or_404(self.get_queryset(), **{self.lookup_field: key})
        return found

    @property
    def dry_run(self) -> bool:
        """True where only the impact is asked for. Raises ValidationError for anything but yes and no."""
        given = self.request.query_params.get("dry_run", "0").lower()
        if given not in (*_YES, *_NO):
            raise ValidationError({"dry_run": ["1 or 0."]})
        return given in _YES

    def impact_or_confirmed(
        self, subject: Model, act: str, values: dict[str, Any], *, lines: list[ImpactLine] | None = None, name: str = ""
    ) -> Response | None:
        """The impact where that is asked for, or None: the name was typed and the act may be done (D12).

        Takes `confirm` out of the values. Raises ConfirmationNeeded or ConfirmationWrong.
        """
        wanted, typed = name or str(subject), values.pop("confirm", None)
        if self.dry_run:
            found = impact_of(subject, act) if lines is None else lines
            told = [{"label": line.label, "count": line.count, "detail": line.detail} for line in found]
            return Response({"dry_run": True, "act": act, "confirm": wanted, "impact": told})
        if typed is None:
            raise ConfirmationNeeded(wanted)
        if typed != wanted:
            raise ConfirmationWrong(wanted)
        return None

    # --- editing

    @contextmanager
    def edited(self, key: int | str) -> Iterator[M]:
        """The row at the version that If-Match names, held until the edit is made. Raises Changed or IfMatchNeeded."""
        with held(self.rows_to_edit(), **{self.lookup_field: key}) as subject:
            check_if_match(self.request, self.version(subject))
            yield subject

    def rows_to_edit(self) -> QuerySet[M]:
        """The rows that can be held: without what is counted beside them."""
        rows: QuerySet[M] = self.get_queryset()
        return rows

    def version(self, subject: M) -> str:
        """The ETag of a row."""
        return version_of(subject, leave_out=self.not_versioned)

    # --- rendering

    def listed(self, shape: type[BaseSerializer[Any]] | None = None) -> Response:
        """A page of the rows that the filters leave."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        chosen: Any = shape or self.get_serializer_class()
        return self.get_paginated_response(chosen(page, many=True, context=self.get_serializer_context()).data)

    def shown(self, subject: M, *, status: int = 200, **once: str) -> Response:
        """One row as it is now, read anew, with its ETag where it can be edited; `once` holds what is shown once."""
        fresh = self.one(getattr(subject, self.lookup_field))
        told = {**once, **self.get_serializer(fresh).data}
        answer = Response(told, status=status)
        if any(need.edit for need in self.needs.values()):
            answer["ETag"] = self.version(fresh)
        return answer

    def get_serializer_context(self) -> dict[str, Any]:
        """With the one moment of the request."""
        return {**super().get_serializer_context(), "now": self.now}
