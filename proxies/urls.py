"""Addresses of this floor."""

from django.urls import include, path

from proxies.api.environments import Environments
from proxies.api.groups import Groups
from proxies.api.proxies import Proxies
from proxies.api.records import Changes, Deployments
from proxies.restkit.routing import Router

router = Router()
router.register("environments", Environments, basename="environment")
router.register("proxies", Proxies, basename="proxy")
router.register("groups", Groups, basename="group")
router.register("deployments", Deployments, basename="deployment")
router.register("changes", Changes, basename="change")

urlpatterns = [path("api/v1/", include(router.urls))]
