"""What a personal access token can be limited to. Each action of the management API belongs to one of these (S3.12)."""

READ = "read"
WRITE = "write"
DEPLOY = "deploy"
KEYS = "keys"
REVOKE = "tokens:revoke"
LOG = "log:read"
USERS = "users"

# A scope only narrows: what a token may do is what its person may do now, within these.
SCOPES: dict[str, str] = {
    READ: "Look at everything but the request log.",
    WRITE: "Add and change environments, proxies, groups, credentials, grants, policies and connections.",
    DEPLOY: "Deploy and undeploy proxies, groups and credentials.",
    KEYS: "Make, rotate, change and retire secrets, refresh keys, connection tokens and signing keys.",
    REVOKE: "Revoke access tokens, families and refresh keys.",
    LOG: "Read and export the request log.",
    USERS: "Add, deactivate and change people.",
}
