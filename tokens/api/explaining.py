"""`POST /api/v1/explain/`: why was it refused? Every check, who changed what and when, and the way out."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from proxies.api_scopes import LOG, READ
from proxies.models import ApiProxy, Environment
from proxies.restkit.needs import Need, allow
from proxies.restkit.parsers import LargeJSONParser
from proxies.restkit.schema import documented, example
from proxies.restkit.shapes import Chosen, Exact
from proxies.restkit.views import ManagementView
from tokens import lifecycle
from tokens.explaining_json import as_json
from tokens.models import IssuedToken

_NAMES = ("token", "jti", "fingerprint", "log_id")
_ASKED = {"jti": "0f6c2f0c9f1b4a7e8d3c5b6a79881726", "proxy": "orders"}


class QuestionShape(Exact):
    """One of the token, its jti, its fingerprint or a row of the request log; and where it was refused."""

    token = serializers.CharField(max_length=16_384, required=False, help_text="It is looked at and not kept.")
    jti = serializers.CharField(max_length=64, required=False)
    fingerprint = serializers.CharField(max_length=64, required=False, help_text="As the request log shows it.")
    log_id = serializers.IntegerField(min_value=1, max_value=2**62, required=False)
    proxy = Chosen(ApiProxy.objects.all(), required=False)
    environment = Chosen(Environment.objects.all(), required=False, help_text="Left out: the token's own.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One of them. Raises ValidationError."""
        if sum(name in attrs for name in _NAMES) != 1:
            raise serializers.ValidationError(f"Give exactly one of {', '.join(_NAMES)}.")
        return attrs


class CauseShape(serializers.Serializer[Any]):
    """What changed it."""

    what = serializers.CharField()
    by = serializers.CharField(help_text="Empty: the portal itself.")
    at = serializers.DateTimeField()
    note = serializers.CharField()


class CheckShape(serializers.Serializer[Any]):
    """One check, in the order of verification."""

    code = serializers.CharField()
    holds = serializers.CharField(help_text="What is so where it passes.")
    passed = serializers.BooleanField(allow_null=True, help_text="Null: only the call itself could tell.")
    detail = serializers.CharField()
    remedy = serializers.CharField()
    changed = CauseShape(allow_null=True)


class LoggedShape(serializers.Serializer[Any]):
    """The row of the request log that was asked about."""

    id = serializers.IntegerField()
    action = serializers.CharField()
    outcome = serializers.CharField()
    reason = serializers.CharField()
    meaning = serializers.CharField()


class ExplanationShape(serializers.Serializer[Any]):
    """Whether it is good, the first check that fails, and all of them."""

    subject = serializers.CharField()
    good = serializers.BooleanField()
    reason = serializers.CharField(allow_null=True)
    remedy = serializers.CharField(allow_null=True)
    log = LoggedShape(allow_null=True)
    checks = CheckShape(many=True)


class Explaining(ManagementView[IssuedToken]):
    """Why was it refused?"""

    queryset = IssuedToken.objects.none()
    parser_classes = [LargeJSONParser]
    needs: ClassVar[dict[str, Need]] = {"explain": Need("tokens.view_issuedtoken", READ)}

    @documented("Explain", takes=QuestionShape, gives=ExplanationShape, examples=[example("By its jti", _ASKED)])
    def explain(self, request: Request) -> Response:
        """Nothing is written, counted or logged. A row of the log also takes what it takes to read the log."""
        values = self.read(QuestionShape)
        if "log_id" in values:
            allow(request, Need("tokens.view_tokenrequestlog", LOG))
        places = {name: values[name].slug for name in ("proxy", "environment") if name in values}
        named = {name: values[name] for name in ("jti", "fingerprint", "log_id") if name in values}
        found = lifecycle.explain(raw=values.get("token", ""), at=self.now, **named, **places)
        return Response(as_json(found))
