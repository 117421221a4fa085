"""What a personal access token can be limited to. Each action of the management API belongs to one of these (S3.12)."""

from django.utils.translation import gettext_noop

READ = "read"
WRITE = "write"
DEPLOY = "deploy"
KEYS = "keys"
REVOKE = "tokens:revoke"
LOG = "log:read"
USERS = "users"

# A scope only narrows: what a token may do is what its person may do now, within these.
SCOPES: dict[str, str] = {
    READ: gettext_noop("Look at everything but the request log."),
    WRITE: gettext_noop("Add and change environments, proxies, groups, credentials, grants, policies and connections."),
    DEPLOY: gettext_noop("Deploy and undeploy proxies, groups and credentials."),
    KEYS: gettext_noop("Make, rotate, change and retire secrets, refresh keys, connection tokens and signing keys."),
    REVOKE: gettext_noop("Revoke access tokens, families and refresh keys."),
    LOG: gettext_noop("Read and export the request log."),
    USERS: gettext_noop("Add, deactivate and change people."),
}
