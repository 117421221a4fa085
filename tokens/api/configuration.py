"""`POST /api/v1/apply/` and `GET /api/v1/configuration/`: configuration as code."""

# ruff: noqa: ARG002 - actions are called alike

from dataclasses import asdict
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from credentials import users
from credentials.models import User
from proxies.api_scopes import KEYS, READ
from proxies.models import Environment
from proxies.restkit.needs import Need
from proxies.restkit.parsers import LargeJSONParser
from proxies.restkit.problems import ConfirmationNeeded
from proxies.restkit.schema import documented, example
from proxies.restkit.shapes import Exact
from proxies.restkit.views import ManagementView
from tokens import configuration
from tokens.configuration import Plan

_MODELS = {
    "proxies": ("environment", "apiproxy", "proxygroup"),
    "credentials": ("credential", "credentialkey", "grant", "connectionconfiguration", "user"),
    "tokens": ("tokenpolicy", "signingkey"),
}
# A file may say anything: who applies one may do all of it.
_EVERYTHING = (
    *(f"{app}.{verb}_{model}" for app, models in _MODELS.items() for model in models for verb in ("add", "change")),
    "credentials.change_credentialdeployment",
    "credentials.change_credentialsecret",
    "credentials.delete_connectionconfiguration",
    "proxies.change_deployment",
)
_DOCUMENT = {"version": 1, "proxies": {"orders": {"scopes": ["read", "write"], "deployed_in": ["test"]}}}


class ApplyShape(Exact):
    """A document as `GET /api/v1/configuration/` answers it, and the fingerprint of the plan that was looked at."""

    document = serializers.DictField(help_text="As docs/configuration.md describes it. It names no files.")
    confirm = serializers.CharField(max_length=64, required=False, help_text="The fingerprint of the dry run.")


class StepShape(serializers.Serializer[Any]):
    """One step, and what it would end."""

    sentence = serializers.CharField()
    verb = serializers.CharField()
    section = serializers.CharField()
    name = serializers.CharField()
    values = serializers.DictField()
    before = serializers.DictField()
    effect = serializers.CharField()
    impact = serializers.ListField(child=serializers.DictField())


class PlanShape(serializers.Serializer[Any]):
    """What would be done, or was."""

    steps = StepShape(many=True)
    unchanged = serializers.IntegerField()
    not_in_the_file = serializers.ListField(child=serializers.CharField(), help_text="Left as they are.")
    new_secrets = serializers.IntegerField()
    fingerprint = serializers.CharField()
    applied = serializers.BooleanField()


class DryPlanShape(PlanShape):
    """What would be done. Nothing was."""

    dry_run = serializers.BooleanField()


class AppliedShape(PlanShape):
    """What was done, and the secrets that were made, once."""

    secrets = serializers.DictField(help_text="`clients` and `connections`, by name.")


class ConfigurationShape(serializers.Serializer[Any]):
    """What is configured, without a secret."""

    document = serializers.DictField()
    left_out = serializers.ListField(child=serializers.CharField(), help_text="What a document cannot say.")


class Configuration(ManagementView[Environment]):
    """Everything at once."""

    queryset = Environment.objects.none()
    parser_classes = [LargeJSONParser]
    pagination_class = None
    dry_run_shape = DryPlanShape
    needs: ClassVar[dict[str, Need]] = {
        "apply": Need(_EVERYTHING[0], KEYS, also=_EVERYTHING[1:], dangerous=True, answers_secret=True),
        "export": Need("proxies.view_environment", READ, also=_EVERYTHING),
    }

    @documented(
        "Apply a configuration",
        takes=ApplyShape,
        gives=AppliedShape,
        examples=[example("One", {"document": _DOCUMENT, "confirm": "4f53cda18c2baa0c"})],
    )
    def apply(self, request: Request) -> Response:
        """Whole or not at all. `?dry_run=1` answers the plan; `confirm` is its fingerprint.

        Where something was changed in between: 409, nothing was done. Takes every permission to add and change.
        """
        values = self.read(ApplyShape)
        wanted = configuration.document(values["document"])
        plan = configuration.plan(wanted, at=self.now)
        self._refuse_superusers(plan)
        if self.dry_run:
            return Response({"dry_run": True, **plan.shown(), "applied": False})
        if "confirm" not in values:
            raise ConfirmationNeeded(plan.fingerprint)
        made = configuration.apply(wanted, by=self.by, confirmed=values["confirm"], at=self.now)
        return Response({**plan.shown(), "applied": True, "secrets": asdict(made)})

    @documented("Export the configuration", gives=ConfigurationShape)
    def export(self, request: Request) -> Response:
        """In the form that `apply` takes. Takes the same permissions."""
        found = configuration.export(at=self.now)
        return Response({"document": configuration.plain(found.values), "left_out": found.left_out})

    def _refuse_superusers(self, plan: Plan) -> None:
        names = {each.step.name for each in plan.steps if each.step.section == "users"}
        asks: Any = self.request.user
        if any(not users.may_act_on(asks, person) for person in User.objects.filter(username__in=names)):
            raise PermissionDenied("Only a superuser acts on a superuser.")
