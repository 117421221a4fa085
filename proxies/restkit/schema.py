"""The OpenAPI document: what every action of the management API has in common is told here once, from its `needs`."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, TypeVar, cast

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
)

from proxies.restkit.needs import Need
from proxies.restkit.problems import CONTENT_TYPE
from proxies.restkit.samples import sample
from proxies.restkit.shapes import ImpactShape, ProblemShape

F = TypeVar("F", bound=Callable[..., Any])
QUERY: Final = "query"
HEADER: Final = "header"
_METHODS_WITH_BODY = ("POST", "PATCH", "PUT")


def documented(
    summary: str,
    *,
    takes: Any = None,
    query: Any = None,
    gives: Any = None,
    status: int = 200,
    examples: list[OpenApiExample] | None = None,
) -> Callable[[F], F]:
    """What an action takes and gives. What else it answers follows from its need."""
    told = extend_schema(
        summary=summary,
        request=takes,
        parameters=None if query is None else [query],
        responses={status: gives},
        examples=examples,
    )

    def documents(action: F) -> F:
        done: Any = told(action)
        done.has_examples = bool(examples)
        return cast("F", done)

    return documents


def example(name: str, value: Any, *, answer: bool = False) -> OpenApiExample:
    """A request, or an answer, to begin from."""
    return OpenApiExample(name, value=value, request_only=not answer, response_only=answer)


def _told(status: HTTPStatus) -> str:
    return {
        HTTPStatus.BAD_REQUEST: "A value, a filter or the body cannot be used; `errors` says which.",
        HTTPStatus.UNAUTHORIZED: "No token, or one that was refused.",
        HTTPStatus.FORBIDDEN: "The person or the scope of the token does not allow this.",
        HTTPStatus.NOT_FOUND: "There is no such thing, or it is somebody else's own.",
        HTTPStatus.CONFLICT: "The state of the thing does not allow it; `code` says why.",
        HTTPStatus.PRECONDITION_FAILED: "It was changed since the version of If-Match.",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body must be application/json.",
        HTTPStatus.PRECONDITION_REQUIRED: "`confirm` or If-Match is missing; the answer says what to send.",
        HTTPStatus.SERVICE_UNAVAILABLE: "The database or a key cannot be asked. Nothing was done. Try again.",
    }[status]


def _problem(status: HTTPStatus) -> OpenApiExample:
    """A refusal as it looks."""
    told: dict[HTTPStatus, tuple[str, dict[str, Any]]] = {
        HTTPStatus.BAD_REQUEST: (
            "Some values cannot be used. name: This field is required.",
            {"code": "invalid", "errors": {"name": ["This field is required."]}},
        ),
        HTTPStatus.UNAUTHORIZED: ("A valid access token of a login is needed.", {"code": "invalid_token"}),
        HTTPStatus.FORBIDDEN: (
            "This personal access token does not have the scope write.",
            {"code": "insufficient_scope", "scope": "write"},
        ),
        HTTPStatus.NOT_FOUND: (
            "There is none of this name or id, or it is somebody else's own.",
            {"code": "not_found"},
        ),
        HTTPStatus.CONFLICT: (
            "It is archived. Archived proxies and groups stay for the record and cannot be used again.",
            {"code": "archived"},
        ),
        HTTPStatus.PRECONDITION_FAILED: (
            "It was changed since you have read it. Read it again. Nothing was done.",
            {"code": "changed_meanwhile"},
        ),
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: (
            "Send JSON, and say so: Content-Type: application/json.",
            {"code": "unsupported_media_type"},
        ),
        HTTPStatus.PRECONDITION_REQUIRED: (
            "This ends tokens or access. Ask with ?dry_run=1 what it would end, then send confirm with “Orders”.",
            {"code": "confirmation_missing", "confirm": "Orders"},
        ),
        HTTPStatus.SERVICE_UNAVAILABLE: ("The database cannot be asked. Try again.", {"code": "server_error"}),
    }
    detail, more = told[status]
    body = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail, **more}
    return OpenApiExample(
        "Refused", value=body, response_only=True, status_codes=[str(int(status))], media_type=CONTENT_TYPE
    )


def _may_be_empty(field: Any) -> bool:
    model = getattr(getattr(field.parent, "Meta", None), "model", None)
    columns = {} if model is None else {column.name: column for column in model._meta.concrete_fields}
    return field.source in columns and bool(columns[field.source].blank)


class PortalSchema(AutoSchema):
    """Adds to each action its refusals, and the parameters of repeating, editing and confirming."""

    @property
    def need(self) -> Need | None:
        """What the action needs; None for a view that is not of the management API."""
        found: Need | None = getattr(self.view, "needs", {}).get(self.action)
        return found

    @property
    def action(self) -> str:
        """The action of a view of the management API."""
        return str(getattr(self.view, "action", ""))

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        """JSON of any kind is null as well, and not one of two kinds."""
        found = super()._map_serializer_field(field, direction, bypass_extensions)
        if isinstance(found, dict) and {} in found.get("oneOf", ()):
            found = {name: value for name, value in found.items() if name != "oneOf"}
        if field.read_only and isinstance(found, dict) and "enum" in found and _may_be_empty(field):
            found = {**found, "enum": [*found["enum"], ""]}
        return found

    def _insert_field_validators(self, field: Any, schema: Any) -> None:
        super()._insert_field_validators(field, schema)
        if field.read_only and schema.get("format") == "email":
            del schema["format"]  # it may be empty

    def get_operation_id(self) -> str:
        """`proxies_undeploy`: the thing and the act."""
        if self.need is None:
            return super().get_operation_id()
        return f"{self._tokenize_path()[0]}_{self.action}".replace("-", "_").replace(".", "_")

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        """`Proxy` for `ProxyShape`."""
        return super().get_serializer_name(serializer, direction).removesuffix("Shape")

    def get_description(self) -> str:  # type: ignore[override]  # as the library has it
        """The docstring, and what it takes."""
        told = str(super().get_description() or "")
        need = self.need
        if need is None:
            return told
        permission = f"the permission `{need.permission}`" if need.permission else "no permission: it is your own"
        if need.also:
            permission = "every permission to add and change"
        return f"{told}\n\nNeeds {permission}; with a personal access token the scope `{need.scope}`.".strip()

    def get_examples(self) -> list[OpenApiExample]:
        """The action's own, or a request that is made from its shape."""
        has_own = getattr(getattr(self.view, self.action, None), "has_examples", False)
        shape = self.get_request_serializer() if self.method in _METHODS_WITH_BODY and not has_own else None
        if shape is None:
            return []
        made = shape() if isinstance(shape, type) else shape
        parts = self._tokenize_path()
        return [example("For example", sample(made, parts[0] if parts else ""))]

    def get_override_parameters(self) -> list[Any]:
        """Headers and query parameters by the kind of act."""
        found = super().get_override_parameters()
        need = self.need
        if need is None:
            return found
        if self.method == "POST":
            told = "Up to 255 visible characters. The same request with the same key is done once (kept for a day)."
            found.append(OpenApiParameter("Idempotency-Key", str, HEADER, description=told))
        if need.dangerous:
            told = "Answer what it would end, and do nothing."
            found.append(OpenApiParameter("dry_run", bool, QUERY, description=told))
        if need.edit:
            told = "The ETag of the version that is edited, or `*`."
            found.append(OpenApiParameter("If-Match", str, HEADER, description=told))
        if self._has_etag():
            told = "The version, for If-Match."
            found.append(OpenApiParameter("ETag", str, HEADER, response=[200, 201], description=told))
        return found

    def _has_etag(self) -> bool:
        needs: dict[str, Need] = getattr(self.view, "needs", {})
        return self.action in ("retrieve", "create") and any(need.edit for need in needs.values())

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        if self.need is not None:
            for status in self._refusals(self.need):
                shape = OpenApiResponse(ProblemShape, _told(status), [_problem(status)])
                bodies[str(int(status))] = self._get_response_for_code(
                    shape, str(int(status)), [CONTENT_TYPE], direction
                )
        return bodies

    def _get_response_for_code(
        self, serializer: Any, status_code: Any, media_types: Any = None, direction: Any = "response"
    ) -> Any:
        """A dangerous act gives its result, or with dry_run its impact."""
        need = self.need
        if need is not None and need.dangerous and str(status_code) == "200":
            given: Any = serializer or getattr(self.view, "serializer_class", None)
            name = f"{self.get_operation_id()}_answer".title().replace("_", "")
            dry: Any = getattr(self.view, "dry_run_shape", ImpactShape)
            serializer = PolymorphicProxySerializer(name, [given, dry], None)
        return super()._get_response_for_code(serializer, status_code, media_types, direction)

    def _refusals(self, need: Need) -> list[HTTPStatus]:
        found = [HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE]
        if "{" in self.path or self.method in _METHODS_WITH_BODY:
            found.append(HTTPStatus.NOT_FOUND)
        if self.method in _METHODS_WITH_BODY:
            found += [HTTPStatus.CONFLICT, HTTPStatus.UNSUPPORTED_MEDIA_TYPE]
        if need.edit:
            found.append(HTTPStatus.PRECONDITION_FAILED)
        if need.edit or need.dangerous:
            found.append(HTTPStatus.PRECONDITION_REQUIRED)
        return found


class ExactScheme(OpenApiSerializerExtension):
    """A shape that refuses what it does not know says so."""

    target_class = "proxies.restkit.shapes.Exact"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> Any:
        """As ever, and closed."""
        found = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)  # noqa: SLF001 - as the library's own extensions do
        return {**found, "additionalProperties": False}


ANYTHING = OpenApiTypes.OBJECT
