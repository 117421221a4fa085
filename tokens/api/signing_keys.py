"""`/api/v1/signing-keys/`: rotate cuts nobody off, change ends every JWT of an environment (D13)."""

# ruff: noqa: ARG002 - actions are called alike

from typing import ClassVar

from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from proxies.api_scopes import KEYS, READ
from proxies.models import Environment
from proxies.restkit.needs import Need
from proxies.restkit.schema import documented, example
from proxies.restkit.shapes import Chosen, Exact, Nothing, confirm_field
from proxies.restkit.views import ManagementView
from tokens import signing
from tokens.api.filters import SigningKeyFilter
from tokens.impact import impact, lines
from tokens.models import SigningKey

_CHANGE = "tokens.change_signingkey"
_SURE = example("Sure", {"environment": "test", "confirm": "Test"})


class SigningKeyShape(serializers.ModelSerializer[SigningKey]):
    """A signing key without its private half."""

    environment = serializers.CharField(source="environment.slug")
    state = serializers.CharField(help_text="staged, published, signing, verify-only, retired, or ended by a change.")

    class Meta:
        model = SigningKey
        fields = (
            "kid",
            "environment",
            "algorithm",
            "state",
            "public_key",
            "created_at",
            "published_at",
            "signing_since",
            "verify_only_since",
            "retired_at",
            "ended_at",
        )
        read_only_fields = fields


class KeyPlaceShape(Exact):
    """An environment."""

    environment = Chosen(Environment.objects.all(), help_text="Its slug.")


class NextKeyShape(KeyPlaceShape):
    algorithm = serializers.ChoiceField(choices=SigningKey.Algorithm.choices, required=False)


class NewSigningKeyShape(NextKeyShape):
    """A key to stage: made here, or given in PEM."""

    pem = serializers.CharField(
        max_length=16_000,
        required=False,
        trim_whitespace=False,
        help_text="An unencrypted private key. Left out: a new one is made.",
    )


class RotateSigningKeyShape(NextKeyShape):
    """Whether to wait until everybody knows the next key."""

    at_once = serializers.BooleanField(
        required=False, default=False, help_text="Validators that keep the JWKS may refuse new tokens for a while."
    )


class ChangeSigningKeyShape(NextKeyShape):
    """An environment, and its name."""

    confirm = confirm_field()


class SigningKeys(ManagementView[SigningKey]):
    """Signing keys, by their kid."""

    queryset = SigningKey.objects.select_related("environment")
    filterset_class = SigningKeyFilter
    serializer_class = SigningKeyShape
    lookup_field = "kid"
    lookup_value_regex = "[0-9A-Za-z_-]{1,64}"
    needs: ClassVar[dict[str, Need]] = {
        "list": Need("tokens.view_signingkey", READ),
        "retrieve": Need("tokens.view_signingkey", READ),
        "create": Need("tokens.add_signingkey", KEYS, act="add"),
        "publish": Need(_CHANGE, KEYS, act="publish"),
        "retire": Need(_CHANGE, KEYS, act="retire"),
        "publish_next": Need(_CHANGE, KEYS, act="publish-next"),
        "rotate": Need(_CHANGE, KEYS, act="rotate"),
        "change": Need(_CHANGE, KEYS, act="change", dangerous=True),
    }

    @documented("List signing keys", gives=SigningKeyShape(many=True))
    def list(self, request: Request) -> Response:
        """Newest first, ended ones too."""
        return self.listed()

    @documented("Show a signing key", gives=SigningKeyShape)
    def retrieve(self, request: Request, kid: str) -> Response:
        """One signing key."""
        return self.shown(self.one(kid))

    @documented("Stage a signing key", takes=NewSigningKeyShape, gives=SigningKeyShape, status=201)
    def create(self, request: Request) -> Response:
        """Nobody sees it yet: publish it next. Its private half is sealed and never answered."""
        values = self.read(NewSigningKeyShape)
        pem = values.pop("pem", "").strip().encode() or None
        key = signing.stage(values.pop("environment"), by=self.by, pem=pem, at=self.now, **values)
        return self.shown(key, status=201)

    @documented("Publish a staged key", takes=Nothing, gives=SigningKeyShape)
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, kid: str) -> Response:
        """It is in the JWKS, and signs after the next rotation."""
        self.read(Nothing)
        key = self.one(kid)
        signing.publish(key, by=self.by, at=self.now)
        return self.shown(key)

    @documented("Take back a key that never signed", takes=Nothing, gives=SigningKeyShape)
    @action(detail=True, methods=["post"])
    def retire(self, request: Request, kid: str) -> Response:
        """It leaves the JWKS."""
        self.read(Nothing)
        key = self.one(kid)
        signing.retire(key, by=self.by, at=self.now)
        return self.shown(key)

    @documented("Publish the next key of an environment", takes=NextKeyShape, gives=SigningKeyShape)
    @action(detail=False, methods=["post"], url_path="publish-next")
    def publish_next(self, request: Request) -> Response:
        """The one that waits, the oldest staged one, or a new one."""
        values = self.read(NextKeyShape)
        return self.shown(signing.publish_next(values.pop("environment"), by=self.by, at=self.now, **values))

    @documented("Rotate the key of an environment", takes=RotateSigningKeyShape, gives=SigningKeyShape)
    @action(detail=False, methods=["post"])
    def rotate(self, request: Request) -> Response:
        """The published key signs; the old one verifies until its last token has expired. Nobody is cut off."""
        values = self.read(RotateSigningKeyShape)
        act = signing.rotate if values.pop("at_once") else signing.rotate_published
        return self.shown(act(values.pop("environment"), by=self.by, at=self.now, **values))

    @documented(
        "Change the key of an environment",
        takes=ChangeSigningKeyShape,
        gives=SigningKeyShape,
        examples=[_SURE],
    )
    @action(detail=False, methods=["post"])
    def change(self, request: Request) -> Response:
        """Every JWT of the environment and the refresh handles of their families end at once; opaque tokens live on.

        In the default environment everybody who is logged in is logged out.
        """
        values = self.read(ChangeSigningKeyShape)
        environment = values.pop("environment")
        found = lines(impact(environment=environment, jwt_only=True, at=self.now), str(environment))
        told = self.impact_or_confirmed(environment, "change", values, lines=found)
        return told or self.shown(signing.change(environment, by=self.by, at=self.now, **values))
