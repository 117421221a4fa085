// A token's life by openid-client, an application's library: discovery, then each endpoint by its own function.
import { asked, told, use } from './globals.mjs'

const client = await import('openid-client')
const { importPKCS8 } = await import('jose')

const wanted = await asked()
const ways = {
  client_secret_basic: () => client.ClientSecretBasic(wanted.secret),
  client_secret_post: () => client.ClientSecretPost(wanted.secret),
  private_key_jwt: async () => client.PrivateKeyJwt({ key: await importPKCS8(wanted.key, wanted.algorithm), kid: wanted.kid }),
}
const portal = await client.discovery(
  new URL(wanted.issuer),
  wanted.client_id,
  { token_endpoint_auth_method: wanted.method },
  await ways[wanted.method](),
  { algorithm: 'oauth2', execute: [client.allowInsecureRequests] },
)

const steps = {}
const first = await client.clientCredentialsGrant(portal, { scope: 'read' })
steps.scope = first.scope
steps.expires_in = first.expires_in
steps.used = await use(wanted, first.access_token)
const second = await client.refreshTokenGrant(portal, first.refresh_token)
steps.used_after_refresh = await use(wanted, second.access_token)
const known = await client.tokenIntrospection(portal, second.access_token)
steps.active = known.active
steps.subject = known.sub
await client.tokenRevocation(portal, second.access_token)
steps.used_after_revocation = await use(wanted, second.access_token)
steps.active_after_revocation = (await client.tokenIntrospection(portal, second.access_token)).active

// What a refusal looks like to it.
try {
  await client.clientCredentialsGrant(portal, { scope: 'everything' })
} catch (refused) {
  steps.refused = refused.error
}
told(steps)
