// A token's life by oauth4webapi: each request and each answer by its own function, and the API that validates the JWT
// by itself (RFC 9068).
import { asked, told, use } from './globals.mjs'

const oauth = await import('oauth4webapi')
const { importPKCS8 } = await import('jose')

const wanted = await asked()
const http = { [oauth.allowInsecureRequests]: true }
const issuer = new URL(wanted.issuer)
const portal = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...http }),
)
const client = { client_id: wanted.client_id }
const ways = {
  client_secret_basic: () => oauth.ClientSecretBasic(wanted.secret),
  client_secret_post: () => oauth.ClientSecretPost(wanted.secret),
  private_key_jwt: async () => oauth.PrivateKeyJwt({ key: await importPKCS8(wanted.key, wanted.algorithm), kid: wanted.kid }),
}
const proof = await ways[wanted.method]()

async function introspect(token) {
  const answer = await oauth.introspectionRequest(portal, client, proof, token, http)
  return oauth.processIntrospectionResponse(portal, client, answer)
}

const steps = {}
const granted = await oauth.clientCredentialsGrantRequest(portal, client, proof, { scope: 'read' }, http)
const first = await oauth.processClientCredentialsResponse(portal, client, granted)
steps.scope = first.scope
steps.expires_in = first.expires_in
steps.used = await use(wanted, first.access_token)
const refreshed = await oauth.refreshTokenGrantRequest(portal, client, proof, first.refresh_token, http)
const second = await oauth.processRefreshTokenResponse(portal, client, refreshed)
steps.used_after_refresh = await use(wanted, second.access_token)
const known = await introspect(second.access_token)
steps.active = known.active
steps.subject = known.sub

if (wanted.is_jwt) {
  const request = new Request('https://api.example.com/', { headers: { authorization: `Bearer ${second.access_token}` } })
  const claims = await oauth.validateJwtAccessToken(portal, request, wanted.audience, http)
  steps.validated = [claims.client_id, claims.scope, claims.aud]
  try {
    await oauth.validateJwtAccessToken(portal, request, 'https://other.example.com/', http)
  } catch (refused) {
    steps.validated_elsewhere = refused.code
  }
}

await oauth.processRevocationResponse(await oauth.revocationRequest(portal, client, proof, second.access_token, http))
steps.used_after_revocation = await use(wanted, second.access_token)
steps.active_after_revocation = (await introspect(second.access_token)).active
const wrong = await oauth.clientCredentialsGrantRequest(portal, client, proof, { scope: 'everything' }, http)
try {
  await oauth.processClientCredentialsResponse(portal, client, wrong)
} catch (refused) {
  steps.refused = refused.error
}
told(steps)
