import { smart } from '@fhir-auth/core'
import { signClientAssertion } from '@fhir-auth/core/protocol'
import { SignJWT } from 'jose'
import { CLIENT_ID, generateAppKey } from '../support/backend-client.ts'
import { inBatches } from '../support/batches.ts'

// Says what signing one assertion takes, beside jose alone.
const [alg = 'ES384', inFlight, rounds] = process.argv.slice(2)
const { keys, privateKey } = await generateAppKey(alg as 'ES384' | 'RS384')
const tokenEndpoint = 'https://ehr.example.org/token'
const target = {
  ...{ clientId: CLIENT_ID, fhirBaseUrl: 'https://fhir.example.org/r4', tokenEndpoint, issuer: undefined },
  grantType: 'client_credentials',
  acceptedAlgorithms: undefined,
  assertion: smart().assertion,
  timeoutSeconds: 10,
} as const

const calls = {
  ours: () => signClientAssertion(keys, { ...target, now: Date.now() }),
  jose: () => {
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      iss: CLIENT_ID,
      sub: CLIENT_ID,
      aud: tokenEndpoint,
      iat: now,
      exp: now + 300,
      jti: crypto.randomUUID(),
    }
    return new SignJWT(claims).setProtectedHeader({ alg, typ: 'JWT', kid: 'key' }).sign(privateKey)
  },
}
process.send?.(await inBatches(calls, Number(rounds), { batch: 256, inFlight: Number(inFlight) }))
