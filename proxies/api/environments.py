"""`/api/v1/environments/`"""

# ruff: noqa: ARG002 - actions are called alike

from typing import ClassVar

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from proxies import catalogue
from proxies.api.filters import EnvironmentFilter
from proxies.api.shapes import ChangeEnvironmentShape, EnvironmentShape, NewEnvironmentShape
from proxies.api_scopes import READ, WRITE
from proxies.models import Environment
from proxies.restkit.needs import Need
from proxies.restkit.schema import documented, example
from proxies.restkit.shapes import Confirmed
from proxies.restkit.views import ManagementView

_NEW = {"name": "Staging", "slug": "staging", "kind": "test"}


class Environments(ManagementView[Environment]):
    """Places to deploy to."""

    queryset = Environment.objects.all()
    filterset_class = EnvironmentFilter
    serializer_class = EnvironmentShape
    lookup_field = "slug"
    lookup_value_regex = "[a-z0-9-]{1,50}"
    needs: ClassVar[dict[str, Need]] = {
        "list": Need("proxies.view_environment", READ),
        "retrieve": Need("proxies.view_environment", READ),
        "create": Need("proxies.add_environment", WRITE, act="add"),
        "partial_update": Need("proxies.change_environment", WRITE, act="change", edit=True),
        "make_default": Need("proxies.change_environment", WRITE, act="make-default", dangerous=True),
    }

    @documented("List environments", gives=EnvironmentShape(many=True))
    def list(self, request: Request) -> Response:
        """Newest first."""
        return self.listed()

    @documented("Show an environment", gives=EnvironmentShape)
    def retrieve(self, request: Request, slug: str) -> Response:
        """One environment."""
        return self.shown(self.one(slug))

    @documented(
        "Add an environment",
        takes=NewEnvironmentShape,
        gives=EnvironmentShape,
        status=201,
        examples=[example("For tests", _NEW)],
    )
    def create(self, request: Request) -> Response:
        """The first one is the default. Gateways must prove themselves in a production one unless you say otherwise."""
        made = catalogue.add_environment(by=self.by, at=self.now, **self.read(NewEnvironmentShape))
        return self.shown(made, status=201)

    @documented("Change an environment", takes=ChangeEnvironmentShape, gives=EnvironmentShape)
    def partial_update(self, request: Request, slug: str) -> Response:
        """Only what is sent changes."""
        values = self.read(ChangeEnvironmentShape)
        with self.edited(slug) as environment:
            catalogue.change_environment(environment, by=self.by, at=self.now, **values)
        return self.shown(environment)

    @documented("Make it the default environment", takes=Confirmed, gives=EnvironmentShape)
    @action(detail=True, methods=["post"], url_path="make-default")
    def make_default(self, request: Request, slug: str) -> Response:
        """Clients that use the endpoints without /env/<slug>/ get tokens of this environment from then on."""
        values, environment = self.read(Confirmed), self.one(slug)
        told = self.impact_or_confirmed(environment, "make-default", values)
        if told is None:
            catalogue.make_default(environment, by=self.by, at=self.now)
        return told or self.shown(environment)
