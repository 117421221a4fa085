"""`/api/v1/refresh-keys/`: the JWT refresh keys of people, as their screen has them (S2, D30)."""

# ruff: noqa: ARG002 - actions are called alike

from typing import Any, ClassVar

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from proxies.api_scopes import KEYS, READ, REVOKE
from proxies.restkit.needs import Need
from proxies.restkit.schema import documented, example
from proxies.restkit.shapes import BecauseShape
from proxies.restkit.views import ManagementView
from tokens import lifecycle
from tokens.api.filters import RefreshKeyFilter
from tokens.api.token_shapes import MintedShape, MintShape, RefreshKeyShape, RevokedShape
from tokens.callers import request_facts
from tokens.models import JwtRefreshKey

_NEW = {"audience": "nightly-report", "lifetime": 2_592_000}


class RefreshKeys(ManagementView[JwtRefreshKey]):
    """JWT refresh keys, by their jti."""

    queryset = JwtRefreshKey.objects.filter(signing_key__isnull=False, family__user__isnull=False).select_related(
        "family__user", "family__signing_key"
    )
    filterset_class = RefreshKeyFilter
    serializer_class = RefreshKeyShape
    lookup_field = "jti"
    lookup_value_regex = "[0-9A-Za-z_-]{1,64}"
    needs: ClassVar[dict[str, Need]] = {
        "list": Need("tokens.view_jwtrefreshkey", READ),
        "retrieve": Need("tokens.view_jwtrefreshkey", READ),
        "create": Need("tokens.add_jwtrefreshkey", KEYS, act="add", answers_secret=True),
        "revoke": Need("tokens.change_jwtrefreshkey", REVOKE, act="revoke"),
        "revoke_key": Need("tokens.change_jwtrefreshkey", REVOKE, act="revoke-key"),
    }

    @documented("List refresh keys", gives=RefreshKeyShape(many=True))
    def list(self, request: Request) -> Response:
        """Of logins and minted ones, newest first."""
        return self.listed()

    @documented("Show a refresh key", gives=RefreshKeyShape)
    def retrieve(self, request: Request, jti: str) -> Response:
        """One refresh key."""
        return self.shown(self.one(jti))

    @documented(
        "Mint a refresh key", takes=MintShape, gives=MintedShape, status=201, examples=[example("For a month", _NEW)]
    )
    def create(self, request: Request) -> Response:
        """For yourself. The answer holds its value, once. Where the audience is a proxy or group, you need a grant."""
        person: Any = request.user
        asked = request_facts(request.META, actor=self.by)
        made = lifecycle.mint(person, request=asked, at=self.now, **self.read(MintShape))
        return self.shown(self.one(made.jti), status=201, refresh=made.refresh)

    @documented("Revoke a refresh key and its family", takes=BecauseShape, gives=RevokedShape)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, jti: str) -> Response:
        """The key, its successors and every access token they got end at once."""
        values, key = self.read(BecauseShape), self.one(jti)
        asked = request_facts(request.META, actor=self.by)
        done = lifecycle.revoke_family(key.family, by=self.by, request=asked, at=self.now, **values)
        return Response({"revoked": done})

    @documented("Revoke a refresh key alone", takes=BecauseShape, gives=RevokedShape)
    @action(detail=True, methods=["post"], url_path="revoke-key")
    def revoke_key(self, request: Request, jti: str) -> Response:
        """It gets nothing any more; access tokens in use live to their end."""
        values, key = self.read(BecauseShape), self.one(jti)
        asked = request_facts(request.META, actor=self.by)
        done = lifecycle.revoke_key(key, by=self.by, request=asked, at=self.now, **values)
        return Response({"revoked": done})
