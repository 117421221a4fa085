"""`/api/v1/grants/`: what credentials and people may reach."""

# ruff: noqa: ARG002 - actions are called alike

from typing import ClassVar

from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from credentials import clients, users
from credentials.api.credential_shapes import GrantShape, NewGrantShape
from credentials.api.filters import GrantFilter
from credentials.models import Grant
from proxies.api_scopes import READ, WRITE
from proxies.restkit.needs import Need
from proxies.restkit.schema import documented, example
from proxies.restkit.shapes import ConfirmedNote
from proxies.restkit.views import ManagementView

_NEW = {"credential": "client-1f0c", "proxy": "orders", "scopes": "read", "expires_on": "2027-06-30"}


class Grants(ManagementView[Grant]):
    """Who may reach what."""

    queryset = Grant.objects.select_related("credential", "user", "proxy", "group")
    filterset_class = GrantFilter
    serializer_class = GrantShape
    lookup_value_regex = "[0-9]{1,18}"
    needs: ClassVar[dict[str, Need]] = {
        "list": Need("credentials.view_grant", READ),
        "retrieve": Need("credentials.view_grant", READ),
        "create": Need("credentials.add_grant", WRITE),
        "withdraw": Need("credentials.change_grant", WRITE, act="withdraw", dangerous=True),
    }

    @documented("List grants", gives=GrantShape(many=True))
    def list(self, request: Request) -> Response:
        """Newest first; `withdrawn=false` leaves those in force or expired."""
        return self.listed()

    @documented("Show a grant", gives=GrantShape)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One grant."""
        return self.shown(self.one(pk))

    @documented("Grant", takes=NewGrantShape, gives=GrantShape, status=201, examples=[example("To a credential", _NEW)])
    def create(self, request: Request) -> Response:
        """Granting again changes the terms, and revives a withdrawn one with the tokens that stand on it."""
        values = self.read(NewGrantShape)
        credential, user = values.pop("credential", None), values.pop("user", None)
        proxy, group = values.pop("proxy", None), values.pop("group", None)
        if user is not None and not users.may_act_on(request.user, user):  # type: ignore[arg-type]
            raise PermissionDenied
        made = clients.grant(to=credential or user, target=proxy or group, by=self.by, at=self.now, **values)
        return self.shown(made, status=201)

    @documented("Withdraw a grant", takes=ConfirmedNote, gives=GrantShape)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Tokens that stand on it are refused from the next request on."""
        values, found = self.read(ConfirmedNote), self.one(pk)
        told = self.impact_or_confirmed(found, "withdraw", values)
        if told is None:
            clients.withdraw(found, by=self.by, at=self.now, **values)
        return told or self.shown(found)
