"""Credentials that nobody answers for (D43)."""

from django.db.models import QuerySet

from credentials.models import Credential
from proxies.ownership import orphans


def orphaned_credentials(rows: QuerySet[Credential]) -> QuerySet[Credential]:
    """Those of their own without anybody: for the key of a proxy or group, whoever has that answers."""
    return orphans(rows.filter(proxy=None, group=None))
