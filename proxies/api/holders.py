"""What proxies and groups have in common: to look at them, deploy, undeploy, switch the management mode, archive."""

# ruff: noqa: ARG002 - actions are called alike

from typing import TypeVar

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from proxies import catalogue, deployment
from proxies.api.shapes import ModeShape, PlacedShape, PlaceShape, UndeployShape
from proxies.api_scopes import DEPLOY, READ, WRITE
from proxies.models import ApiProxy, ProxyGroup
from proxies.restkit.needs import Need
from proxies.restkit.schema import documented, example
from proxies.restkit.shapes import ConfirmedNote
from proxies.restkit.views import ManagementView

H = TypeVar("H", ApiProxy, ProxyGroup)


def needs_of(model: str) -> dict[str, Need]:
    """What the actions of a proxy or group need."""
    view, change = f"proxies.view_{model}", f"proxies.change_{model}"
    return {
        "list": Need(view, READ),
        "retrieve": Need(view, READ),
        "create": Need(f"proxies.add_{model}", WRITE, act="add"),
        "partial_update": Need(change, WRITE, act="change", edit=True),
        "deploy": Need("proxies.change_deployment", DEPLOY, act="deploy"),
        "undeploy": Need("proxies.change_deployment", DEPLOY, act="undeploy", dangerous=True),
        "set_mode": Need(change, WRITE, act="set-mode", dangerous=True),
        "archive": Need(change, WRITE, act="archive", dangerous=True),
    }


class Holders(ManagementView[H]):
    """A proxy or a group. Named by its slug, which is permanent."""

    lookup_field = "slug"
    lookup_value_regex = "[a-z0-9-]{1,80}"

    @documented(
        "Deploy",
        takes=PlaceShape,
        gives=PlacedShape,
        examples=[example("In test", {"environment": "test", "note": "release 7"})],
    )
    @action(detail=True, methods=["post"])
    def deploy(self, request: Request, slug: str) -> Response:
        """After an undeployment tokens of before stay dead; deployed twice, nothing ends (D11)."""
        values, holder = self.read(PlaceShape), self.one(slug)
        placed = deployment.deploy(holder, by=self.by, at=self.now, **values)
        return Response(PlacedShape(placed).data)

    @documented(
        "Undeploy",
        takes=UndeployShape,
        gives=PlacedShape,
        examples=[example("Sure", {"environment": "test", "note": "retired", "confirm": "Orders"})],
    )
    @action(detail=True, methods=["post"])
    def undeploy(self, request: Request, slug: str) -> Response:
        """Its tokens in that environment end at once and for good, never-expiring ones too (S0.29)."""
        values, holder = self.read(UndeployShape), self.one(slug)
        deployed = deployment.live(holder, values["environment"])
        told = self.impact_or_confirmed(deployed, "undeploy", values, name=str(holder))
        return told or Response(PlacedShape(deployment.undeploy(holder, by=self.by, at=self.now, **values)).data)

    @documented("Switch the management mode", takes=ModeShape)
    @action(detail=True, methods=["post"], url_path="set-mode")
    def set_mode(self, request: Request, slug: str) -> Response:
        """Tokens obtained in the other mode are refused while it is so (D26)."""
        values, holder = self.read(ModeShape), self.one(slug)
        told = self.impact_or_confirmed(holder, "set-mode", values)
        if told is None:
            catalogue.set_mode(holder, values["mode"], by=self.by, at=self.now)
        return told or self.shown(holder)

    @documented("Archive", takes=ConfirmedNote)
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, slug: str) -> Response:
        """It is undeployed everywhere and can never be used again. Slug and audience stay taken (D43)."""
        values, holder = self.read(ConfirmedNote), self.one(slug)
        told = self.impact_or_confirmed(holder, "archive", values)
        if told is None:
            catalogue.archive(holder, by=self.by, at=self.now, **values)
        return told or self.shown(holder)
