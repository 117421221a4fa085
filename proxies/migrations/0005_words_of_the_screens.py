"""What the screens call models and fields: words that can be translated. No database changes."""

from django.db import migrations, models

from proxies.naming import Name


class Migration(migrations.Migration):
    dependencies = [("proxies", "0004_owner_teams")]
    operations = [
        Name(
            models={
                "changerecord": ("change", "changes"),
                "deployment": ("deployment", "deployments"),
                "environment": ("environment", "environments"),
                "groupmembership": ("group membership", "group memberships"),
                "jobrun": ("job run", "job runs"),
                "keptanswer": ("kept answer", "kept answers"),
                "pathrule": ("path rule", "path rules"),
                "proxygroup": ("proxy group", "proxy groups"),
                "scheduledjob": ("scheduled job", "scheduled jobs"),
                "takenname": ("taken name", "taken names"),
            },
            fields={
                "apiproxy": {
                    "accept_token_in_url": "accept token in url",
                    "archived_at": "archived at",
                    "audience": "audience",
                    "created_at": "created at",
                    "description": "description",
                    "name": "name",
                    "required_match": "required match",
                    "required_scopes": "required scopes",
                    "scopes": "scopes",
                    "slug": "slug",
                },
                "changerecord": {
                    "actor": "actor",
                    "after": "after",
                    "at": "at",
                    "before": "before",
                    "environment": "environment",
                    "note": "note",
                    "subject_id": "subject id",
                    "subject_kind": "subject kind",
                    "subject_name": "subject name",
                    "verb": "verb",
                },
                "deployment": {
                    "deployed_at": "deployed at",
                    "environment": "environment",
                    "generation": "generation",
                    "undeployed_at": "undeployed at",
                },
                "environment": {
                    "created_at": "created at",
                    "description": "description",
                    "gateways_must_authenticate": "gateways must authenticate",
                    "is_default": "default",
                    "kind": "kind",
                    "name": "name",
                    "signing_key_rotation_days": "signing key rotation days",
                    "slug": "slug",
                },
                "groupmembership": {"group": "group", "proxy": "proxy", "since": "since"},
                "jobrun": {
                    "counts": "counts",
                    "duration_ms": "duration ms",
                    "finished_at": "finished at",
                    "job": "job",
                    "node": "node",
                    "outcome": "outcome",
                    "started_at": "started at",
                    "trouble": "trouble",
                },
                "pathrule": {"match": "match", "method": "method", "pattern": "pattern", "scopes": "scopes"},
                "proxygroup": {
                    "archived_at": "archived at",
                    "audience": "audience",
                    "created_at": "created at",
                    "description": "description",
                    "name": "name",
                    "scopes": "scopes",
                    "slug": "slug",
                },
                "scheduledjob": {"paused_at": "paused at", "paused_by": "paused by", "requested_by": "requested by"},
            },
        ),
        migrations.AlterField(
            model_name="environment",
            name="is_default",
            field=models.BooleanField(
                default=False, help_text="The environment of the endpoints without /env/NAME/.", verbose_name="default"
            ),
        ),
        migrations.AlterField(
            model_name="environment",
            name="slug",
            field=models.SlugField(
                help_text="Part of URLs: /env/NAME/oauth2/token. Permanent.", unique=True, verbose_name="slug"
            ),
        ),
    ]
