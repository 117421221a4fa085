// Node 18, which Debian 12 has, keeps these behind a flag; newer ones have them.
import { webcrypto } from 'node:crypto'

globalThis.crypto ??= webcrypto
globalThis.CryptoKey ??= (await webcrypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])).constructor

// What the test wants done, and how it hears what came of it.
export async function asked() {
  let text = ''
  for await (const part of process.stdin) text += part
  return JSON.parse(text)
}

export function told(steps) {
  process.stdout.write(JSON.stringify(steps))
}

// How an API behind a gateway would be asked: the gateway asks the portal about the token.
export async function use(wanted, token) {
  const answer = await fetch(`${wanted.issuer}/auth/verify`, {
    headers: { authorization: `Bearer ${token}`, 'x-proxy': wanted.proxy },
  })
  return answer.status
}
