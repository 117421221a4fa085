"""The four roles (R34). Permissions exist only after the post_migrate signal, so those needed are made here, with the
names that Django gives them; it finds them later and makes no second ones. Doing it again changes nothing.
"""

from django.db import migrations

SEES = {
    "proxies": (
        "apiproxy", "changerecord", "deployment", "environment", "groupmembership", "jobrun", "pathrule",
        "proxygroup", "scheduledjob",
    ),
    "credentials": (
        "connectionconfiguration", "connectiontoken", "credential", "credentialdeployment", "credentialkey",
        "credentialsecret", "gatewayinstance", "grant", "personalaccesstoken", "user",
    ),
    "tokens": (
        "issuedtoken", "jwtrefreshkey", "ratelimitwindow", "refreshkey", "requestrollup", "signingkey", "tokenfamily",
        "tokenpolicy",
    ),
}  # fmt: skip
VIEWS = [(app, model, "view") for app, models in SEES.items() for model in models]
REVOKES = [("tokens", model, "change") for model in ("issuedtoken", "jwtrefreshkey", "refreshkey", "tokenfamily")]
ROLES = {
    "Viewer": VIEWS,
    "Operator": [
        *VIEWS,
        *REVOKES,
        ("proxies", "deployment", "change"),
        ("credentials", "credentialdeployment", "change"),
    ],
    "Security": [
        *VIEWS,
        ("credentials", "credentialkey", "add"),
        ("credentials", "credentialkey", "change"),
        ("credentials", "credentialsecret", "change"),
        ("credentials", "connectiontoken", "change"),
        ("credentials", "connectionconfiguration", "reveal_connectiontoken"),
        ("tokens", "jwtrefreshkey", "add"),
        ("tokens", "signingkey", "add"),
        ("tokens", "signingkey", "change"),
    ],
    "Auditor": [
        *VIEWS,
        ("tokens", "tokenrequestlog", "view"),
        ("tokens", "tokenrequestlog", "export_tokenrequestlog"),
        ("tokens", "logseal", "view"),
    ],
}


def _permission(apps, database, app, model, verb):
    types = apps.get_model("contenttypes", "ContentType").objects.using(database)
    kind, _ = types.get_or_create(app_label=app, model=model)
    options = apps.get_model(app, model)._meta
    codename, name = f"{verb}_{model}", f"Can {verb} {options.verbose_name_raw}"
    for own, told in options.permissions:
        if own == verb:
            codename, name = own, told
    permissions = apps.get_model("auth", "Permission").objects.using(database)
    return permissions.get_or_create(content_type=kind, codename=codename, defaults={"name": name})[0]


def make(apps, schema_editor):
    database = schema_editor.connection.alias
    for role, wanted in ROLES.items():
        group, _ = apps.get_model("auth", "Group").objects.using(database).get_or_create(name=role)
        group.permissions.add(*(_permission(apps, database, *each) for each in wanted))


def remove(apps, schema_editor):
    apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias).filter(name__in=ROLES).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0007_revocations_by_time"),
        ("credentials", "0003_personal_access_tokens"),
        ("proxies", "0003_kept_answers"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(make, remove)]
