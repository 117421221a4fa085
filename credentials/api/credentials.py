"""`/api/v1/credentials/`"""

# ruff: noqa: ARG002 - actions are called alike

from typing import ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from credentials import clients
from credentials.api.credential_shapes import (
    ChangeCredentialShape,
    ChangeKeyShape,
    CredentialDeploymentShape,
    CredentialDetailShape,
    CredentialPlaceShape,
    CredentialShape,
    CredentialUndeployShape,
    MethodsShape,
    NewCredentialShape,
    RotateSecretShape,
    WithSecretShape,
)
from credentials.api.filters import CredentialFilter
from credentials.models import Credential
from proxies.api_scopes import DEPLOY, KEYS, READ, WRITE
from proxies.restkit.needs import Need
from proxies.restkit.schema import documented, example
from proxies.restkit.shapes import ConfirmedNote, Nothing
from proxies.restkit.views import ManagementView

_VIEW, _ADD, _CHANGE = "credentials.view_credential", "credentials.add_credential", "credentials.change_credential"
_SECRETS, _DEPLOYMENT = "credentials.change_credentialsecret", "credentials.change_credentialdeployment"
_NEW = {"name": "Shop", "owner_name": "Shop team", "owner_email": "shop@example.com"}
_KEY = {"name": "Key of Orders", "proxy": "orders"}


class Credentials(ManagementView[Credential]):
    """Clients of the token endpoint: keys of proxies and groups, and credentials of their own."""

    queryset = Credential.objects.all()
    filterset_class = CredentialFilter
    serializer_class = CredentialDetailShape
    lookup_value_regex = "[0-9]{1,18}"
    needs: ClassVar[dict[str, Need]] = {
        "list": Need(_VIEW, READ),
        "retrieve": Need(_VIEW, READ),
        "create": Need(_ADD, KEYS, act="add", answers_secret=True),
        "partial_update": Need(_CHANGE, WRITE, act="change", edit=True),
        "rotate_secret": Need(_SECRETS, KEYS, act="rotate", answers_secret=True),
        "retire_secret": Need(_SECRETS, KEYS),
        "change_key": Need(_SECRETS, KEYS, act="change-key", dangerous=True, answers_secret=True),
        "set_methods": Need(_SECRETS, KEYS),
        "deploy": Need(_DEPLOYMENT, DEPLOY, act="deploy"),
        "undeploy": Need(_DEPLOYMENT, DEPLOY, act="undeploy", dangerous=True),
        "deactivate": Need(_CHANGE, WRITE, act="deactivate", dangerous=True),
        "reactivate": Need(_CHANGE, WRITE, act="reactivate"),
        "archive": Need(_CHANGE, WRITE, act="archive", dangerous=True),
    }

    def get_queryset(self) -> QuerySet[Credential]:
        rows = Credential.objects.select_related("proxy", "group")
        if self.action == "list":
            return rows
        of_grants = (f"grants__{name}" for name in ("credential", "user", "proxy", "group"))
        return rows.prefetch_related("secrets", "deployments__environment", "grants", *of_grants)

    @documented("List credentials", gives=CredentialShape(many=True))
    def list(self, request: Request) -> Response:
        """Newest first."""
        return self.listed(CredentialShape)

    @documented("Show a credential", gives=CredentialDetailShape)
    def retrieve(self, request: Request, pk: str) -> Response:
        """With its secrets (never their values), deployments and grants."""
        return self.shown(self.one(pk))

    @documented(
        "Add a credential",
        takes=NewCredentialShape,
        gives=WithSecretShape,
        status=201,
        examples=[example("Of its own", _NEW), example("The key of a proxy", _KEY)],
    )
    def create(self, request: Request) -> Response:
        """The answer holds its secret, once. One of its own needs a policy, grants, and to be deployed."""
        opened = clients.open_credential(by=self.by, at=self.now, **self.read(NewCredentialShape))
        return self.shown(opened.credential, status=201, secret=opened.secret)

    @documented("Change a credential", takes=ChangeCredentialShape, gives=CredentialDetailShape)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Only what is sent changes. No token ends."""
        values = self.read(ChangeCredentialShape)
        with self.edited(pk) as credential:
            clients.change_credential(credential, by=self.by, at=self.now, **values)
        return self.shown(credential)

    @documented("Rotate the secret", takes=RotateSecretShape, gives=WithSecretShape, status=201)
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, pk: str) -> Response:
        """A second secret works beside the first; no token ends (D18). The answer holds it, once."""
        values, credential = self.read(RotateSecretShape), self.one(pk)
        secret = clients.rotate_secret(credential, by=self.by, at=self.now, **values)
        return self.shown(credential, status=201, secret=secret)

    @documented("Retire a secret", takes=Nothing, gives=CredentialDetailShape)
    @action(detail=True, methods=["post"], url_path="secrets/(?P<secret>[0-9]{1,18})/retire")
    def retire_secret(self, request: Request, pk: str, secret: str) -> Response:
        """It proves nobody from now on. The only one stays; a second time changes nothing."""
        self.read(Nothing)
        credential = self.one(pk)
        clients.retire_secret(get_object_or_404(credential.secrets, pk=secret), by=self.by, at=self.now)
        return self.shown(credential)

    @documented("Change the key", takes=ChangeKeyShape, gives=WithSecretShape)
    @action(detail=True, methods=["post"], url_path="change-key")
    def change_key(self, request: Request, pk: str) -> Response:
        """Every secret is replaced; all tokens of the holder end at once, never-expiring ones too (S0.30, S0.33)."""
        values, credential = self.read(ChangeKeyShape), self.one(pk)
        told = self.impact_or_confirmed(credential, "change-key", values)
        if told is not None:
            return told
        secret = clients.change_key(credential, by=self.by, at=self.now, **values)
        return self.shown(credential, secret=secret)

    @documented("Set the ways of authentication", takes=MethodsShape, gives=CredentialDetailShape)
    @action(detail=True, methods=["post"], url_path="set-methods")
    def set_methods(self, request: Request, pk: str) -> Response:
        """How it may prove itself at the token endpoint. No token ends."""
        values, credential = self.read(MethodsShape), self.one(pk)
        methods = values.pop("auth_methods")
        clients.set_methods(credential, methods, by=self.by, at=self.now, **values)
        return self.shown(credential)

    @documented("Deploy a credential", takes=CredentialPlaceShape, gives=CredentialDeploymentShape)
    @action(detail=True, methods=["post"])
    def deploy(self, request: Request, pk: str) -> Response:
        """It may get and use tokens there. Tokens of before an undeployment stay dead."""
        values, credential = self.read(CredentialPlaceShape), self.one(pk)
        placed = clients.deploy(credential, by=self.by, at=self.now, **values)
        return Response(CredentialDeploymentShape(placed).data)

    @documented("Undeploy a credential", takes=CredentialUndeployShape, gives=CredentialDetailShape)
    @action(detail=True, methods=["post"])
    def undeploy(self, request: Request, pk: str) -> Response:
        """Its tokens in that environment end at once and for good (S0.32)."""
        values, credential = self.read(CredentialUndeployShape), self.one(pk)
        deployed = clients.live_deployment(credential, values["environment"])
        told = self.impact_or_confirmed(deployed, "undeploy", values, name=str(credential))
        if told is None:
            clients.undeploy(credential, by=self.by, at=self.now, **values)
        return told or self.shown(credential)

    @documented("Deactivate a credential", takes=ConfirmedNote, gives=CredentialDetailShape)
    @action(detail=True, methods=["post"])
    def deactivate(self, request: Request, pk: str) -> Response:
        """It and its tokens are refused until it is reactivated (D14)."""
        values, credential = self.read(ConfirmedNote), self.one(pk)
        told = self.impact_or_confirmed(credential, "deactivate", values)
        if told is None:
            clients.deactivate(credential, by=self.by, at=self.now, **values)
        return told or self.shown(credential)

    @documented("Reactivate a credential", takes=Nothing, gives=CredentialDetailShape)
    @action(detail=True, methods=["post"])
    def reactivate(self, request: Request, pk: str) -> Response:
        """It works again, and so do its tokens that have not expired."""
        self.read(Nothing)
        credential = self.one(pk)
        clients.reactivate(credential, by=self.by, at=self.now)
        return self.shown(credential)

    @documented("Archive a credential", takes=ConfirmedNote, gives=CredentialDetailShape)
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, pk: str) -> Response:
        """It can never be used again (D43). The key of a proxy or group stays with its holder."""
        values, credential = self.read(ConfirmedNote), self.one(pk)
        told = self.impact_or_confirmed(credential, "archive", values)
        if told is None:
            clients.archive(credential, by=self.by, at=self.now, **values)
        return told or self.shown(credential)
