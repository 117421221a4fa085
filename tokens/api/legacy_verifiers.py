"""`/api/v1/legacy-verifiers/`: how long imported tokens keep their own form (D20)."""

# ruff: noqa: ARG002 - actions are called alike

from datetime import datetime
from typing import ClassVar

from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from proxies.api_scopes import KEYS, READ
from proxies.restkit.needs import Need
from proxies.restkit.schema import documented, example
from proxies.restkit.shapes import Confirmed, Exact
from proxies.restkit.views import ManagementView
from tokens import legacy, legacy_use
from tokens.api.filters import LegacyVerifierFilter
from tokens.models import LegacyVerifier

_CHANGE = "tokens.change_legacyverifier"


class LegacyVerifierShape(serializers.ModelSerializer[LegacyVerifier]):
    """By what imported tokens are known, and until when; without the other system's key."""

    environment = serializers.CharField(source="environment.slug")
    algorithm = serializers.CharField(help_text="Empty where there is no key.")
    state = serializers.SerializerMethodField(help_text="in use, or ended.")

    class Meta:
        model = LegacyVerifier
        fields: tuple[str, ...] = (
            "name",
            "kind",
            "environment",
            "algorithm",
            "kid",
            "user_claim",
            "state",
            "created_at",
            "ends_at",
        )
        read_only_fields: tuple[str, ...] = fields

    def get_state(self, verifier: LegacyVerifier) -> str:
        return legacy_use.state(verifier, at=self.context["now"])


class LegacyVerifierDetailShape(LegacyVerifierShape):
    """With how much came by it, and who still holds tokens of the old form."""

    families = serializers.SerializerMethodField()
    refreshed = serializers.SerializerMethodField(help_text="Families that have tokens of our own form by now.")
    holders_left = serializers.SerializerMethodField(help_text="Clients and people with live tokens of the old form.")
    last_used_at = serializers.SerializerMethodField(help_text="When one of the old form was used last.")

    class Meta(LegacyVerifierShape.Meta):
        fields = (*LegacyVerifierShape.Meta.fields, "families", "refreshed", "holders_left", "last_used_at")
        read_only_fields = fields

    def _carried(self, verifier: LegacyVerifier) -> legacy_use.Carried:
        return legacy_use.carried([verifier]).get(verifier.pk, legacy_use.Carried())

    def get_families(self, verifier: LegacyVerifier) -> int:
        return self._carried(verifier).families

    def get_refreshed(self, verifier: LegacyVerifier) -> int:
        return self._carried(verifier).refreshed

    def get_holders_left(self, verifier: LegacyVerifier) -> int:
        return legacy_use.holders_left(verifier, at=self.context["now"])

    def get_last_used_at(self, verifier: LegacyVerifier) -> datetime | None:
        return legacy_use.last_used_at(verifier)


class MoveEndShape(Exact):
    """Another end, in the future."""

    ends_at = serializers.DateTimeField()


class LegacyVerifiers(ManagementView[LegacyVerifier]):
    """Verifiers of imported tokens, by name. An import makes them."""

    queryset = LegacyVerifier.objects.select_related("environment")
    filterset_class = LegacyVerifierFilter
    serializer_class = LegacyVerifierDetailShape
    lookup_field = "name"
    lookup_value_regex = "[a-z0-9-]{1,50}"
    needs: ClassVar[dict[str, Need]] = {
        "list": Need("tokens.view_legacyverifier", READ),
        "retrieve": Need("tokens.view_legacyverifier", READ),
        "move_end": Need(_CHANGE, KEYS, act="move-end"),
        "end": Need(_CHANGE, KEYS, act="end", dangerous=True),
    }

    @documented("List verifiers of imported tokens", gives=LegacyVerifierShape(many=True))
    def list(self, request: Request) -> Response:
        """Newest first, ended ones too."""
        return self.listed(LegacyVerifierShape)

    @documented("Show a verifier of imported tokens", gives=LegacyVerifierDetailShape)
    def retrieve(self, request: Request, name: str) -> Response:
        """With how much came by it, and who still holds tokens of the old form."""
        return self.shown(self.one(name))

    @documented(
        "Move the end of imported tokens",
        takes=MoveEndShape,
        gives=LegacyVerifierDetailShape,
        examples=[example("Later", {"ends_at": "2027-12-31T00:00:00Z"})],
    )
    @action(detail=True, methods=["post"], url_path="move-end")
    def move_end(self, request: Request, name: str) -> Response:
        """Later or sooner. One that has passed stays passed: its tokens are not brought back."""
        values, verifier = self.read(MoveEndShape), self.one(name)
        legacy.move_end(verifier, values["ends_at"], by=self.by, at=self.now)
        return self.shown(verifier)

    @documented("End imported tokens now", takes=Confirmed, gives=LegacyVerifierDetailShape)
    @action(detail=True, methods=["post"])
    def end(self, request: Request, name: str) -> Response:
        """Everything that still has its old form is unknown from now on; what was refreshed here lives on."""
        values, verifier = self.read(Confirmed), self.one(name)
        told = self.impact_or_confirmed(verifier, "end", values)
        if told is None:
            legacy.end(verifier, by=self.by, at=self.now)
        return told or self.shown(verifier)
