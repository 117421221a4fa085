"""What exists and where it is deployed."""

from proxies.models.change import ChangeRecord
from proxies.models.deployment import Deployment
from proxies.models.environment import Environment
from proxies.models.holder import ApiProxy, GroupMembership, Management, PathRule, ProxyGroup, ScopeMatch, TakenName
from proxies.models.job import JobRun, ScheduledJob
from proxies.models.kept_answer import KeptAnswer
from proxies.models.ownership import Owned

__all__ = [
    "ApiProxy",
    "ChangeRecord",
    "Deployment",
    "Environment",
    "GroupMembership",
    "JobRun",
    "KeptAnswer",
    "Management",
    "Owned",
    "PathRule",
    "ProxyGroup",
    "ScheduledJob",
    "ScopeMatch",
    "TakenName",
]
