"""`/api/v1/proxies/`"""

# ruff: noqa: ARG002 - actions are called alike

from typing import ClassVar

from django.db.models import Prefetch
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from proxies import catalogue
from proxies.api.filters import ProxyFilter
from proxies.api.holders import Holders, needs_of
from proxies.api.shapes import ChangeProxyShape, NewProxyShape, PathRulesShape, ProxyShape, rules_of
from proxies.api_scopes import READ, WRITE
from proxies.catalogue import Rule
from proxies.models import ApiProxy, Deployment
from proxies.restkit.needs import Need
from proxies.restkit.parsers import LargeJSONParser
from proxies.restkit.schema import documented, example
from proxies.restkit.versions import check_if_match, held, version_of

_NEW = {"name": "Orders", "slug": "orders", "scopes": "read write", "owner_name": "Shop team"}
_RULES = {"rules": [{"method": "GET", "pattern": "/invoices/*", "scopes": "read", "match": "all"}]}


class Proxies(Holders[ApiProxy]):
    """API proxies."""

    queryset = ApiProxy.objects.prefetch_related(
        "groups", Prefetch("deployments", Deployment.objects.select_related("environment"))
    )
    filterset_class = ProxyFilter
    serializer_class = ProxyShape
    needs: ClassVar[dict[str, Need]] = needs_of("apiproxy") | {
        "path_rules": Need("proxies.view_apiproxy", READ),
        "set_path_rules": Need("proxies.change_apiproxy", WRITE, act="path-rules", edit=True),
    }

    @documented("List API proxies", gives=ProxyShape(many=True))
    def list(self, request: Request) -> Response:
        """Newest first, archived ones too unless `archived=false`."""
        return self.listed()

    @documented("Show an API proxy", gives=ProxyShape)
    def retrieve(self, request: Request, slug: str) -> Response:
        """With its deployments and groups."""
        return self.shown(self.one(slug))

    @documented(
        "Add an API proxy",
        takes=NewProxyShape,
        gives=ProxyShape,
        status=201,
        examples=[example("With scopes", _NEW)],
    )
    def create(self, request: Request) -> Response:
        """Slug and audience are its own for ever (D43). Next: give it a key, a policy, and deploy it."""
        made = catalogue.add_proxy(by=self.by, at=self.now, **self.read(NewProxyShape))
        return self.shown(made, status=201)

    @documented("Change an API proxy", takes=ChangeProxyShape, gives=ProxyShape)
    def partial_update(self, request: Request, slug: str) -> Response:
        """Only what is sent changes."""
        values = self.read(ChangeProxyShape)
        with self.edited(slug) as proxy:
            catalogue.change_proxy(proxy, by=self.by, at=self.now, **values)
        return self.shown(proxy)

    @documented("Show the path rules", gives=PathRulesShape)
    @action(detail=True, methods=["get"], url_path="path-rules", parser_classes=[LargeJSONParser])
    def path_rules(self, request: Request, slug: str) -> Response:
        """The scopes that methods and paths need on top of the proxy's own (S0.2)."""
        return self._rules(self.one(slug))

    @documented("Replace the path rules", takes=PathRulesShape, gives=PathRulesShape, examples=[example("One", _RULES)])
    @path_rules.mapping.put
    def set_path_rules(self, request: Request, slug: str) -> Response:
        """All of them at once; an empty list takes them away."""
        rules = [Rule(**rule) for rule in self.read(PathRulesShape)["rules"]]
        with held(ApiProxy.objects.all(), slug=slug) as proxy:
            check_if_match(request, version_of(proxy, rules_of(proxy)))
            catalogue.set_path_rules(proxy, rules, by=self.by, at=self.now)
        return self._rules(proxy)

    def _rules(self, proxy: ApiProxy) -> Response:
        rules = rules_of(proxy)
        answer = Response({"rules": rules})
        answer["ETag"] = version_of(proxy, rules)
        return answer
