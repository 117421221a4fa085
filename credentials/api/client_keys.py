"""`/api/v1/client-keys/`: public keys and certificates by which credentials prove themselves."""

# ruff: noqa: ARG002 - actions are called alike

from typing import ClassVar

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from credentials import client_keys
from credentials.api.credential_shapes import KeyShape, KeysShape, NewKeyShape
from credentials.api.filters import KeyFilter
from credentials.models import CredentialKey
from proxies.adminkit import impact_of
from proxies.api_scopes import KEYS, READ
from proxies.restkit.needs import Need
from proxies.restkit.parsers import LargeJSONParser
from proxies.restkit.schema import documented, example
from proxies.restkit.shapes import ConfirmedNote, NoteShape
from proxies.restkit.views import ManagementView

_PEM = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE...\n-----END PUBLIC KEY-----\n"
_NEW = {"credential": "client-1f0c", "upload": _PEM, "kid": "shop-2027"}


class ClientKeys(ManagementView[CredentialKey]):
    """Of all credentials: whose ends next?"""

    queryset = CredentialKey.objects.select_related("credential")
    filterset_class = KeyFilter
    serializer_class = KeyShape
    parser_classes = [LargeJSONParser]
    lookup_value_regex = "[0-9]{1,18}"
    needs: ClassVar[dict[str, Need]] = {
        "list": Need("credentials.view_credentialkey", READ),
        "retrieve": Need("credentials.view_credentialkey", READ),
        "create": Need("credentials.add_credentialkey", KEYS),
        "remove": Need("credentials.change_credentialkey", KEYS, act="remove"),
        "remove_and_end": Need("credentials.change_credentialkey", KEYS, act="remove-and-end", dangerous=True),
    }

    @documented("List public keys and certificates", gives=KeyShape(many=True))
    def list(self, request: Request) -> Response:
        """Newest first; `ends_before` finds certificates that end soon."""
        return self.listed()

    @documented("Show a public key or certificate", gives=KeyShape)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One key."""
        return self.shown(self.one(pk))

    @documented(
        "Add public keys", takes=NewKeyShape, gives=KeysShape, status=201, examples=[example("A public key", _NEW)]
    )
    def create(self, request: Request) -> Response:
        """All of the upload or nothing. A private key is refused: it stays with the client."""
        values = self.read(NewKeyShape)
        credential, upload, kid = values["credential"], values["upload"], values["kid"]
        if values["authority"]:
            made = [client_keys.add_authority(credential, upload, kid=kid, by=self.by, at=self.now)]
        else:
            algorithms = tuple(values["algorithms"])
            made = client_keys.add_keys(credential, upload, kid=kid, algorithms=algorithms, by=self.by, at=self.now)
        return Response({"keys": KeyShape(made, many=True).data}, status=201)

    @documented("Remove a public key or certificate", takes=NoteShape, gives=KeyShape)
    @action(detail=True, methods=["post"])
    def remove(self, request: Request, pk: str) -> Response:
        """It proves nobody from now on. The client's tokens live on (D18)."""
        values, key = self.read(NoteShape), self.one(pk)
        client_keys.remove_key(key, by=self.by, at=self.now, **values)
        return self.shown(key)

    @documented("Remove a leaked key and end its client's tokens", takes=ConfirmedNote, gives=KeyShape)
    @action(detail=True, methods=["post"], url_path="remove-and-end")
    def remove_and_end(self, request: Request, pk: str) -> Response:
        """It proves nobody from now on, and all tokens of the client end at once."""
        values, key = self.read(ConfirmedNote), self.one(pk)
        lines = impact_of(key.credential, "change-key")
        told = self.impact_or_confirmed(key, "remove-and-end", values, lines=lines)
        if told is None:
            client_keys.remove_key(key, change=True, by=self.by, at=self.now, **values)
        return told or self.shown(key)
