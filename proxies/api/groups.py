"""`/api/v1/groups/`"""

# ruff: noqa: ARG002 - actions are called alike

from typing import ClassVar

from django.db.models import Prefetch
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from proxies import catalogue
from proxies.api.filters import GroupFilter
from proxies.api.holders import Holders, needs_of
from proxies.api.shapes import ChangeGroupShape, GroupShape, MemberShape, NewGroupShape, RemoveMemberShape
from proxies.api_scopes import WRITE
from proxies.models import Deployment, ProxyGroup
from proxies.restkit.needs import Need
from proxies.restkit.schema import documented, example

_NEW = {"name": "Commerce", "slug": "commerce", "members": ["orders", "billing"]}


class Groups(Holders[ProxyGroup]):
    """Proxy groups: one token opens all members."""

    queryset = ProxyGroup.objects.prefetch_related(
        "members", Prefetch("deployments", Deployment.objects.select_related("environment"))
    )
    filterset_class = GroupFilter
    serializer_class = GroupShape
    needs: ClassVar[dict[str, Need]] = needs_of("proxygroup") | {
        "add_member": Need("proxies.change_proxygroup", WRITE, act="add-member"),
        "remove_member": Need("proxies.change_proxygroup", WRITE, act="remove-member", dangerous=True),
    }

    @documented("List proxy groups", gives=GroupShape(many=True))
    def list(self, request: Request) -> Response:
        """Newest first, archived ones too unless `archived=false`."""
        return self.listed()

    @documented("Show a proxy group", gives=GroupShape)
    def retrieve(self, request: Request, slug: str) -> Response:
        """With its members and deployments."""
        return self.shown(self.one(slug))

    @documented(
        "Add a proxy group",
        takes=NewGroupShape,
        gives=GroupShape,
        status=201,
        examples=[example("With members", _NEW)],
    )
    def create(self, request: Request) -> Response:
        """Slug and audience are its own for ever (D43). Next: give it a key, a policy, and deploy it."""
        made = catalogue.add_group(by=self.by, at=self.now, **self.read(NewGroupShape))
        return self.shown(made, status=201)

    @documented("Change a proxy group", takes=ChangeGroupShape, gives=GroupShape)
    def partial_update(self, request: Request, slug: str) -> Response:
        """Only what is sent changes."""
        values = self.read(ChangeGroupShape)
        with self.edited(slug) as group:
            catalogue.change_group(group, by=self.by, at=self.now, **values)
        return self.shown(group)

    @documented("Add a member", takes=MemberShape, gives=GroupShape)
    @action(detail=True, methods=["post"], url_path="add-member")
    def add_member(self, request: Request, slug: str) -> Response:
        """The group's tokens open this proxy from the next request on, those handed out before as well (D14)."""
        values, group = self.read(MemberShape), self.one(slug)
        catalogue.add_member(group, values["proxy"], by=self.by, at=self.now)
        return self.shown(group)

    @documented("Remove a member", takes=RemoveMemberShape, gives=GroupShape)
    @action(detail=True, methods=["post"], url_path="remove-member")
    def remove_member(self, request: Request, slug: str) -> Response:
        """The group's tokens no longer open this proxy, from the next request on (D14)."""
        values, group = self.read(RemoveMemberShape), self.one(slug)
        told = self.impact_or_confirmed(group, "remove-member", values)
        if told is None:
            catalogue.remove_member(group, values["proxy"], by=self.by, at=self.now)
        return told or self.shown(group)
