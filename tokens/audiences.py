"""What tokens can be for, as the person who types an audience may mean it."""

from django.conf import settings
from django.utils.translation import gettext as _

from proxies.models import ApiProxy, ProxyGroup

_MOST = 100


def suggestions() -> list[tuple[str, str]]:
    """Audience and name of the portal's API, the API proxies and the groups (D30)."""
    found = [(str(settings.PORTAL_AUDIENCE), _("The portal's own API"))]
    for model, kind in ((ApiProxy, _("API proxy {name}")), (ProxyGroup, _("proxy group {name}"))):
        living = model._default_manager.filter(archived_at=None).order_by("name")
        found += [
            (audience, kind.format(name=name)) for audience, name in living.values_list("audience", "name")[:_MOST]
        ]
    return found
