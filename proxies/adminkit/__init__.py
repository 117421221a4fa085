"""What every admin screen uses, on every floor: view-only screens, acts, lists of any length, how values look."""

from proxies.adminkit.acts import (
    Act,
    ImpactCounter,
    ImpactLine,
    Secret,
    actor,
    impact_of,
    initial_of,
    owner_fields,
    refusals,
    register_impact,
    register_refusal,
)
from proxies.adminkit.display import badge, copyable, moment, state_badge
from proxies.adminkit.filters import ChosenFilter, ExpiryFilter, OrphanFilter, OwnerFilter, PeriodFilter, TextFilter
from proxies.adminkit.finding import Found, FoundGroup, Words, register_finder
from proxies.adminkit.lists import BoundedPaginator
from proxies.adminkit.pages import AdminPage, MoreToProve, register_front_page, register_page
from proxies.adminkit.screen import PortalAdmin, act_link, act_url, add_acts, add_tabs
from proxies.adminkit.tabs import Tab, Table

__all__ = [
    "Act",
    "AdminPage",
    "BoundedPaginator",
    "ChosenFilter",
    "ExpiryFilter",
    "Found",
    "FoundGroup",
    "ImpactCounter",
    "ImpactLine",
    "MoreToProve",
    "OrphanFilter",
    "OwnerFilter",
    "PeriodFilter",
    "PortalAdmin",
    "Secret",
    "Tab",
    "Table",
    "TextFilter",
    "Words",
    "act_link",
    "act_url",
    "actor",
    "add_acts",
    "add_tabs",
    "badge",
    "copyable",
    "impact_of",
    "initial_of",
    "moment",
    "owner_fields",
    "refusals",
    "register_finder",
    "register_front_page",
    "register_impact",
    "register_page",
    "register_refusal",
    "state_badge",
]
