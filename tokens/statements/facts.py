"""Columns and joins that several verbs read: a client with its secrets, a family with its holder of now."""

from django.db import connection

from credentials.rules import ClientFacts
from tokens.rules import HolderFacts, PlaceFacts, TokenFacts

ENVIRONMENT_IS = "(e.slug = %s OR (%s = '' AND e.is_default))"

_CLIENT_COLUMNS = """
    c.id, c.client_id, c.name, c.proxy_id, c.group_id, c.key_generation, c.expires_on, c.deactivated_at,
    c.archived_at, c.allowed_addresses, c.auth_methods, c.certificate_name,
    s1.id, s1.digest, s1.retire_at, s2.id, s2.digest, s2.retire_at"""

_KEY_MEMBERS = "k.id, k.kind, k.kid, k.algorithms, k.public_key, k.certificate, k.thumbprint, k.not_before, k.not_after"


def client_columns(*, keys: bool) -> str:
    """A client with its secrets; with its keys in service, as one JSON text, where it proves itself by one of them."""
    if not keys:
        return f"{_CLIENT_COLUMNS}, NULL"
    listed = (
        f"json_agg(json_build_array({_KEY_MEMBERS}))::text"
        if connection.vendor == "postgresql"
        else f"json_group_array(json_array({_KEY_MEMBERS}))"
    )
    return (
        f"{_CLIENT_COLUMNS}, (SELECT {listed} FROM credentials_credentialkey k"
        " WHERE k.credential_id = c.id AND k.removed_at IS NULL)"
    )


CLIENT_JOINS = """
    LEFT JOIN credentials_credential c ON c.client_id = %s
    LEFT JOIN credentials_credentialsecret s1 ON s1.credential_id = c.id AND s1.slot = 1
    LEFT JOIN credentials_credentialsecret s2 ON s2.credential_id = c.id AND s2.slot = 2"""

HOLDER_COLUMNS = """
    f.id, f.kind, f.environment_id, fe.slug, fe.is_default, f.revoked_at, f.sequence, f.exhausted_at, f.scopes,
    f.audience,
    f.credential_id, h.client_id, h.proxy_id, h.group_id, h.archived_at, h.deactivated_at, h.expires_on,
    h.key_generation, f.key_generation,
    f.user_id, u.username, u.is_active, u.generation, f.user_generation,
    f.credential_deployment_id, cd.undeployed_at, cd.generation, f.credential_deployment_generation,
    f.proxy_id, f.group_id, COALESCE(tp.slug, tg.slug), COALESCE(tp.mode, tg.mode), COALESCE(tp.scopes, tg.scopes),
    f.deployment_id, d.undeployed_at, d.generation, f.deployment_generation,
    f.grant_id, g.withdrawn_at, g.expires_on, g.scopes, g.disallowed_methods,
    f.signing_key_id, fk.ended_at"""

HOLDER_JOINS = """
    LEFT JOIN proxies_environment fe ON fe.id = f.environment_id
    LEFT JOIN credentials_credential h ON h.id = f.credential_id
    LEFT JOIN credentials_user u ON u.id = f.user_id
    LEFT JOIN credentials_credentialdeployment cd ON cd.id = f.credential_deployment_id
    LEFT JOIN proxies_apiproxy tp ON tp.id = f.proxy_id
    LEFT JOIN proxies_proxygroup tg ON tg.id = f.group_id
    LEFT JOIN proxies_deployment d ON d.id = f.deployment_id
    LEFT JOIN credentials_grant g ON g.id = f.grant_id
    LEFT JOIN tokens_signingkey fk ON fk.id = f.signing_key_id"""

TOKEN_COLUMNS = """
    t.id, t.jti, t.token_format, t.sequence, t.scopes, t.issued_at, t.expires_at, t.revoked_at, tk.ended_at,
    t.certificate_thumbprint"""

PLACE_COLUMNS = """
    rp.id, rp.required_scopes, rp.required_match, rp.accept_token_in_url, rp.archived_at, gm.id IS NOT NULL,
    md.id, md.undeployed_at, EXISTS (SELECT 1 FROM proxies_pathrule pr WHERE pr.proxy_id = rp.id)"""

CLIENT_WIDTH = len(ClientFacts._fields)
HOLDER_WIDTH = len(HolderFacts._fields)
TOKEN_WIDTH = len(TokenFacts._fields)
PLACE_WIDTH = len(PlaceFacts._fields)
