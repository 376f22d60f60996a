import { randomBytes } from 'node:crypto'
import { createSandbox, type Sandbox } from '@fhir-auth/sandbox'
import type { AppRecipe } from './app/app-recipe.ts'
import { type CaseApp, USUAL_ROUTES, USUAL_SCOPE } from './case-app.ts'
import { type HostileServer, startHostileServer } from './hostile/hostile-server.ts'

/** The authorization servers of the suite, a good and a hostile one, and the app's credentials at them. */
export interface SuiteSandbox {
  sandbox: Sandbox
  hostile: HostileServer
  /** The parts of a case's app that do not depend on its origin. */
  recipeOf(app: CaseApp): AppRecipe
  /** Registers the app as it now listens. */
  register(recipe: AppRecipe, origin: string): void
  /** The app's own secrets. */
  secrets: readonly string[]
  close(): Promise<void>
}

const LAUNCH_CLIENT = 'conformance-portal'
const BACKEND_CLIENT = 'conformance-job'

export async function startSuiteSandbox(): Promise<SuiteSandbox> {
  const sandbox = await createSandbox()
  const hostile = await startHostileServer()
  const { fhirBaseUrl } = sandbox
  const clientSecret = randomText()
  const sessionSecret = randomText()
  const { jwks: privateJwks, secret: privateKey } = await generatePrivateJwks()
  return {
    sandbox,
    hostile,
    secrets: [clientSecret, sessionSecret, privateKey],
    recipeOf({ launch = {}, backend = false, routes = USUAL_ROUTES, store: _, registeredAt = 'sandbox', ...rest }) {
      const usual = { fhirBaseUrl, clientId: LAUNCH_CLIENT, clientSecret, sessionSecret, scope: USUAL_SCOPE }
      const registered = {
        sandbox: {},
        hostile: { fhirBaseUrl: hostile.fhirBaseUrl, scope: 'launch/patient patient/*.rs' },
        // Confidential clients may share a redirect URI.
        both: { others: [{ fhirBaseUrl: hostile.fhirBaseUrl, callback: '/callback' as const }] },
      }
      const job = { fhirBaseUrl, clientId: BACKEND_CLIENT, scope: 'system/*.rs', privateJwks }
      return {
        ...rest,
        routes,
        launch: launch === false ? undefined : { ...usual, ...registered[registeredAt], ...launch },
        backend: backend === false ? undefined : { ...job, ...(backend === true ? {} : backend) },
      }
    },
    register({ launch, mountPath = '' }, origin) {
      const base = origin + mountPath
      const redirectUris = [launch?.redirectUri ?? base + (launch?.callback ?? '/callback')]
      sandbox.registerClient({ clientId: LAUNCH_CLIENT, clientSecret, redirectUris })
      sandbox.registerClient({ clientId: BACKEND_CLIENT, jwksUrl: `${base}/.well-known/jwks.json` })
    },
    async close() {
      await sandbox.close()
      await hostile.close()
    },
  }
}

function randomText(): string {
  return randomBytes(32).toString('base64url')
}

async function generatePrivateJwks(): Promise<{ jwks: string; secret: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-384' }
  const { privateKey } = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const { kty, crv, x, y, d = '' } = await crypto.subtle.exportKey('jwk', privateKey)
  return { jwks: JSON.stringify({ keys: [{ kty, crv, x, y, d, alg: 'ES384' }] }), secret: d }
}
