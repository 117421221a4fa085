"""What the screens call models and fields: words that can be translated. No database changes."""

from django.db import migrations

from proxies.naming import Name


class Migration(migrations.Migration):
    dependencies = [("credentials", "0007_owner_teams"), ("proxies", "0005_words_of_the_screens")]
    operations = [
        Name(
            models={
                "connectionconfiguration": ("connection configuration", "connection configurations"),
                "connectiontoken": ("connection token", "connection tokens"),
                "credential": ("credential", "credentials"),
                "credentialdeployment": ("credential deployment", "credential deployments"),
                "credentialsecret": ("credential secret", "credential secrets"),
                "gatewayinstance": ("gateway instance", "gateway instances"),
                "grant": ("grant", "grants"),
                "passwordlink": ("password link", "password links"),
                "personalaccesstoken": ("personal access token", "personal access tokens"),
                "recoverycode": ("recovery code", "recovery codes"),
                "secondfactor": ("second factor", "second factors"),
                "usedassertion": ("used assertion", "used assertions"),
            },
            fields={
                "connectionconfiguration": {
                    "closed_at": "closed at",
                    "created_at": "created at",
                    "deployment_type": "deployment type",
                    "description": "description",
                    "environment": "environment",
                    "last_refused_at": "last refused at",
                    "last_refused_because": "last refused because",
                    "licence_ends_at": "licence ends at",
                    "name": "name",
                    "target_host": "target host",
                    "target_ports": "target ports",
                    "target_protocol": "target protocol",
                },
                "credential": {
                    "allowed_addresses": "allowed addresses",
                    "archived_at": "archived at",
                    "certificate_name": "certificate name",
                    "client_id": "client id",
                    "created_at": "created at",
                    "deactivated_at": "deactivated at",
                    "description": "description",
                    "expires_on": "expires on",
                    "key_generation": "key generation",
                    "name": "name",
                },
                "credentialkey": {
                    "algorithms": "algorithms",
                    "certificate": "certificate",
                    "created_at": "created at",
                    "credential": "credential",
                    "kind": "kind",
                    "last_used_at": "last used at",
                    "not_after": "not after",
                    "not_before": "not before",
                    "public_key": "public key",
                    "removed_at": "removed at",
                    "subject": "subject",
                },
                "grant": {
                    "created_at": "created at",
                    "credential": "credential",
                    "disallowed_methods": "disallowed methods",
                    "expires_on": "expires on",
                    "group": "group",
                    "proxy": "proxy",
                    "scopes": "scopes",
                    "user": "user",
                    "withdrawn_at": "withdrawn at",
                },
                "personalaccesstoken": {
                    "created_at": "created at",
                    "expires_at": "expires at",
                    "last_used_address": "last used address",
                    "last_used_at": "last used at",
                    "name": "name",
                    "owner": "owner",
                    "revoked_at": "revoked at",
                    "revoked_because": "revoked because",
                    "revoked_by": "revoked by",
                    "scopes": "scopes",
                },
                "user": {"generation": "generation"},
            },
        ),
    ]
