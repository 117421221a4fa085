"""Screens of what exists and where it is deployed. One screen a file."""

from proxies.admin import changes, deployments, environments, holders, jobs

__all__ = ["changes", "deployments", "environments", "holders", "jobs"]
