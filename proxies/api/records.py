"""`/api/v1/deployments/` and `/api/v1/changes/`: to look at only."""

# ruff: noqa: ARG002 - actions are called alike

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from proxies.api.filters import ChangeFilter, DeploymentFilter
from proxies.api.shapes import ChangeShape, DeploymentShape
from proxies.api_scopes import READ
from proxies.models import ChangeRecord, Deployment
from proxies.restkit.needs import Need
from proxies.restkit.schema import documented
from proxies.restkit.views import ManagementView


class Deployments(ManagementView[Deployment]):
    """What is deployed where."""

    queryset = Deployment.objects.select_related("proxy", "group", "environment")
    filterset_class = DeploymentFilter
    serializer_class = DeploymentShape
    needs: ClassVar[dict[str, Need]] = {"list": Need("proxies.view_deployment", READ)}

    @documented("List deployments", gives=DeploymentShape(many=True))
    def list(self, request: Request) -> Response:
        """Of proxies and groups; `undeployed=false` leaves what is deployed now."""
        return self.listed()


class Changes(ManagementView[ChangeRecord]):
    """The history."""

    queryset = ChangeRecord.objects.all()
    filterset_class = ChangeFilter
    serializer_class = ChangeShape
    needs: ClassVar[dict[str, Need]] = {"list": Need("proxies.view_changerecord", READ)}

    @documented("List changes", gives=ChangeShape(many=True))
    def list(self, request: Request) -> Response:
        """Who changed what, newest first. No secret is among the values."""
        return self.listed()
