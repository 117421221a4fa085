"""The four roles that the portal comes with, and what each may do (R34, I22).

The groups are made by migrations, which copy from here; a test compares the two, so that a new screen cannot be
forgotten. Whoever needs another cut makes a group of their own.
"""

VIEWER, OPERATOR, SECURITY, AUDITOR = "Viewer", "Operator", "Security", "Auditor"

# Everything there is to see, but the request log.
_SEEN = {
    "proxies": (
        "apiproxy", "changerecord", "deployment", "environment", "groupmembership", "jobrun", "pathrule",
        "proxygroup", "scheduledjob",
    ),
    "credentials": (
        "connectionconfiguration", "connectiontoken", "credential", "credentialdeployment", "credentialkey",
        "credentialsecret", "gatewayinstance", "grant", "personalaccesstoken", "user",
    ),
    "tokens": (
        "bulkwork", "issuedtoken", "jwtrefreshkey", "legacyverifier", "ratelimitwindow", "refreshkey", "reminder",
        "requestrollup", "signingkey", "tokenfamily", "tokenpolicy", "webhook",
    ),
}  # fmt: skip
_SEES = frozenset(f"{app}.view_{model}" for app, models in _SEEN.items() for model in models)
_DEPLOYS = {"proxies.change_deployment", "credentials.change_credentialdeployment"}
_REVOKES = {
    f"tokens.change_{model}" for model in ("bulkwork", "issuedtoken", "jwtrefreshkey", "refreshkey", "tokenfamily")
}
_KEYS = {
    "credentials.add_credentialkey",
    "credentials.change_connectiontoken",
    "credentials.change_credentialkey",
    "credentials.change_credentialsecret",
    "credentials.reveal_connectiontoken",
    "tokens.add_jwtrefreshkey",
    "tokens.add_signingkey",
    "tokens.change_legacyverifier",
    "tokens.change_signingkey",
}
_LOG = {"tokens.view_tokenrequestlog", "tokens.view_logseal", "tokens.export_tokenrequestlog"}

ROLES: dict[str, frozenset[str]] = {
    VIEWER: _SEES,
    OPERATOR: _SEES | _DEPLOYS | _REVOKES | {"tokens.change_reminder"},
    SECURITY: _SEES | _KEYS,
    AUDITOR: _SEES | _LOG,
}
