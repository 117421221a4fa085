"""`/api/v1/tokens/` and `/api/v1/families/`: who holds what, and the end of any of it."""

# ruff: noqa: ARG002 - actions are called alike

from typing import Any, ClassVar

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from proxies.api_scopes import READ, REVOKE
from proxies.restkit.needs import Need
from proxies.restkit.problems import ConfirmationNeeded
from proxies.restkit.schema import documented, example
from proxies.restkit.shapes import BecauseShape
from proxies.restkit.views import ManagementView
from tokens import lifecycle
from tokens.api.filters import FamilyFilter, TokenFilter
from tokens.api.token_shapes import (
    AccessTokenShape,
    BulkShape,
    FamilyDetailShape,
    FamilyShape,
    RevokedFamiliesShape,
    RevokedShape,
)
from tokens.callers import request_facts
from tokens.impact import impact_where, lines
from tokens.lifecycle import Selection
from tokens.models import IssuedToken, TokenFamily

_OF_ONE = {"credential": "client-1f0c", "issued_until": "2027-01-31T12:00:00Z"}
_LEAKED = example("After a leak", {"filter": _OF_ONE, "because": "leaked"})


class AccessTokens(ManagementView[IssuedToken]):
    """Access tokens, by their jti. Their values are shown to nobody."""

    queryset = IssuedToken.objects.select_related("family__credential", "family__user", "family__environment")
    filterset_class = TokenFilter
    serializer_class = AccessTokenShape
    lookup_field = "jti"
    lookup_value_regex = "[0-9A-Za-z_-]{1,64}"
    needs: ClassVar[dict[str, Need]] = {
        "list": Need("tokens.view_issuedtoken", READ),
        "retrieve": Need("tokens.view_issuedtoken", READ),
        "revoke": Need("tokens.change_issuedtoken", REVOKE, act="revoke"),
        "bulk_revoke": Need("tokens.change_tokenfamily", REVOKE, dangerous=True),
    }

    @documented("List access tokens", gives=AccessTokenShape(many=True))
    def list(self, request: Request) -> Response:
        """Newest first, ended ones too as long as they are kept."""
        return self.listed()

    @documented("Show an access token", gives=AccessTokenShape)
    def retrieve(self, request: Request, jti: str) -> Response:
        """One access token."""
        return self.shown(self.one(jti))

    @documented("Revoke an access token", takes=BecauseShape, gives=RevokedShape)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, jti: str) -> Response:
        """It alone, at once; with its family's refresh token a client can get another: revoke the family for that."""
        values, token = self.read(BecauseShape), self.one(jti)
        asked = request_facts(request.META, actor=self.by)
        done = lifecycle.revoke_token(token, by=self.by, request=asked, at=self.now, **values)
        return Response({"revoked": done})

    @documented("Revoke many at once", takes=BulkShape, gives=RevokedFamiliesShape, examples=[_LEAKED])
    @action(detail=False, methods=["post"], url_path="bulk-revoke")
    def bulk_revoke(self, request: Request) -> Response:
        """Every family that the filter chooses ends, with its access tokens and refresh token, whole or not at all.

        `confirm` is the number of families that `?dry_run=1` told. Where more match by now: 409, nothing was done.
        """
        values = self.read(BulkShape)
        wanted = Selection(**values["filter"])
        if self.dry_run:
            return self._told(wanted)
        if "confirm" not in values:
            raise ConfirmationNeeded(str(lifecycle.count_matching(wanted, at=self.now)))
        ended = lifecycle.revoke_matching(
            wanted,
            at_most=int(values["confirm"]),
            by=self.by,
            because=values["because"],
            request=request_facts(request.META, actor=self.by),
            at=self.now,
        )
        return Response({"revoked": ended})

    def _told(self, wanted: Selection) -> Response:
        found = lines(impact_where(wanted.chosen(), at=self.now))
        told = [{"label": line.label, "count": line.count, "detail": line.detail} for line in found]
        number = lifecycle.count_matching(wanted, at=self.now)
        return Response({"dry_run": True, "act": "bulk-revoke", "confirm": str(number), "impact": told})


class Families(ManagementView[TokenFamily]):
    """Families: one issuance and all refreshes that descend from it."""

    queryset = TokenFamily.objects.select_related("credential", "user", "environment")
    filterset_class = FamilyFilter
    serializer_class = FamilyDetailShape
    lookup_value_regex = "[0-9]{1,18}"
    needs: ClassVar[dict[str, Need]] = {
        "list": Need("tokens.view_tokenfamily", READ),
        "retrieve": Need("tokens.view_tokenfamily", READ),
        "revoke": Need("tokens.change_tokenfamily", REVOKE, act="revoke"),
    }

    @documented("List families", gives=FamilyShape(many=True))
    def list(self, request: Request) -> Response:
        """Newest first."""
        return self.listed(FamilyShape)

    @documented("Show a family", gives=FamilyDetailShape)
    def retrieve(self, request: Request, pk: str) -> Response:
        """With the terms it was given and its refresh tokens."""
        return self.shown(self.one(pk))

    @documented("Revoke a family", takes=BecauseShape, gives=RevokedShape)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """Every access token of it and its refresh token end at once."""
        values, family = self.read(BecauseShape), self.one(pk)
        asked: Any = request_facts(request.META, actor=self.by)
        done = lifecycle.revoke_family(family, by=self.by, request=asked, at=self.now, **values)
        return Response({"revoked": done})
