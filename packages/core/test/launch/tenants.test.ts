import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createUserAgent, type RecordedRequest, type Sandbox, type UserAgent } from '@fhir-auth/sandbox'
import { describe, expect, it } from 'vitest'
import {
  clientSecretBasic,
  createBackendServices,
  createSmartLaunch,
  loadKeySet,
  privateKeyJwt,
  type Registration,
  type SmartLaunch,
} from '../../src/index.ts'
import { startCoreApp } from '../support/core-app.ts'
import { createMapStore } from '../support/map-store.ts'
import { look, newSecret } from '../support/portal-world.ts'
import { startSandbox } from '../support/registered-client.ts'
import { ecJwk, readJwt } from '../support/signing-jwks.ts'

const REQUESTS = 500
/** So that each is renewed several times, and a busy machine can still use one. The sandboxes keep the real time, so nobody can set a clock. */
const TOKEN_SECONDS = 5

interface Tenant {
  sandbox: Sandbox
  registration: Registration
  /** The patient whom this tenant's people look at. */
  patient: string
}

/** What both tenants may see of the app, or have in common by the standard. */
const COMMON = new Set([
  ...['redirect_uri', 'scope', 'response_type', 'grant_type', 'code_challenge_method', 'client_assertion_type'],
  ...['prompt', 'response_mode', 'format'],
])

const textOf = ({ url, headers: { cookie: _, ...headers }, body }: RecordedRequest) => {
  // A browser on this machine sends its cookies to every port. What else was sent is looked at, decoded as well.
  const text = `${url}\n${JSON.stringify(headers)}\n${body}`
  const decoded = text.replace(/[\w+/-]{8,}={0,2}/g, (part) => Buffer.from(part, 'base64').toString('latin1'))
  return `${text}\n${decodeURIComponent(text.replace(/%(?![0-9a-f]{2})/gi, '%25'))}\n${decoded}`
}

/** Everything that was sent to a tenant and is its own: secrets, codes, tokens, assertions and their ids, states. */
function ownValues({ sandbox, registration }: Tenant, secrets: readonly string[]): Set<string> {
  const values = new Set([registration.clientId ?? '', sandbox.fhirBaseUrl, ...secrets])
  for (const { query, form, headers } of sandbox.requests) {
    for (const [name, value] of [...query, ...form]) if (!COMMON.has(name) && value.length >= 16) values.add(value)
    const credentials = headers.authorization?.split(' ')[1]
    if (credentials) values.add(credentials)
    const assertion = form.get('client_assertion')
    if (assertion) for (const claim of ['jti', 'sub']) values.add(String(readJwt(assertion).claims[claim]))
  }
  return values
}

function expectNothingCrossed(tenants: readonly Tenant[], secrets: readonly (readonly string[])[]): void {
  for (const [index, tenant] of tenants.entries()) {
    const values = ownValues(tenant, secrets[index] ?? [])
    expect(values.size).toBeGreaterThan(10)
    for (const other of tenants) {
      if (other === tenant) continue
      const texts = other.sandbox.requests.map(textOf)
      expect([...values].filter((value) => texts.some((text) => text.includes(value)))).toEqual([])
    }
  }
}

/** A hospital with a secret and one with keys, each with a server of its own. */
async function startTenants() {
  const options = { consent: 'auto', accessTokenSeconds: TOKEN_SECONDS } as const
  const sandboxes = [await startSandbox(options), await startSandbox(options)] as const
  const clientSecret = randomBytes(24).toString('base64url')
  const jwk = { ...ecJwk(), kid: `south-${randomBytes(8).toString('hex')}` }
  const keys = await loadKeySet(jwk)
  const [first, second] = sandboxes[0].patients
  const north: Tenant = {
    sandbox: sandboxes[0],
    registration: {
      fhirBaseUrl: sandboxes[0].fhirBaseUrl,
      clientId: 'app-of-north',
      clientAuth: clientSecretBasic(clientSecret),
    },
    patient: first!.id,
  }
  const south: Tenant = {
    sandbox: sandboxes[1],
    registration: { fhirBaseUrl: sandboxes[1].fhirBaseUrl, clientId: 'app-of-south', clientAuth: privateKeyJwt(keys) },
    patient: second!.id,
  }
  const register = (redirectUri: string) => {
    north.sandbox.registerClient({ clientId: 'app-of-north', clientSecret, redirectUris: [redirectUri] })
    const jwks = keys.publicJwks(Date.now(), 600)
    south.sandbox.registerClient({ clientId: 'app-of-south', jwks, redirectUris: [redirectUri] })
  }
  return { tenants: [north, south] as const, register, secrets: [[clientSecret], [jwk.kid]] as const }
}

/** In no order that a cache could be right by chance; the same in every run. */
const pick = (index: number, count: number) => Math.floor(((index * 7919) % 104_729) / 13) % count

describe.each([
  ['as a list', 'in memory'],
  ['by an async resolver', 'shared'],
])('two tenants of one app, registered %s', (way, kind) => {
  it(`under interleaved load nothing of one is ever sent to the other, with a store ${kind}`, {
    timeout: 60_000,
  }, async () => {
    const { tenants, register, secrets } = await startTenants()
    const list = tenants.map(({ registration }) => registration)
    const resolve = async (fhirBaseUrl: string) => {
      await sleep(Math.random() * 3)
      return list.find((registration) => registration.fhirBaseUrl === fhirBaseUrl)
    }
    const { origin, failures } = await startCoreApp(
      (appOrigin): SmartLaunch => {
        register(`${appOrigin}/callback`)
        return createSmartLaunch({
          registrations: way === 'as a list' ? list : resolve,
          scope: 'openid fhirUser launch patient/*.rs offline_access',
          redirectUri: `${appOrigin}/callback`,
          session: { secret: newSecret(), store: kind === 'shared' ? createMapStore() : undefined },
        })
      },
      async (fhir) =>
        fhir && {
          patient: fhir.patient,
          fhirBaseUrl: fhir.fhirBaseUrl,
          read: (await fhir.fetch(`Patient/${fhir.patient}`)).status,
        },
    )
    // Each browser has both tenants open, in one session.
    const pages: { browser: UserAgent; url: string; tenant: Tenant }[] = []
    for (let number = 0; number < 6; number++) {
      const browser = createUserAgent()
      for (const tenant of number % 2 ? tenants : [...tenants].reverse()) {
        const { patient, sandbox } = tenant
        const { url } = await browser.visit(sandbox.ehrLaunch({ launchUrl: `${origin}/launch`, patient }))
        expect(url).toContain('launch_id=')
        pages.push({ browser, url, tenant })
      }
    }
    for (let done = 0; done < REQUESTS; done += 20) {
      if (done % 200 === 100) await sleep(TOKEN_SECONDS * 1000)
      const chosen = Array.from({ length: 20 }, (_, i) => pages[pick(done + i, pages.length)]!)
      const looks = await Promise.all(chosen.map(({ browser, url }) => look(browser, url)))
      expect(looks).toEqual(
        chosen.map(({ tenant: { patient, sandbox } }) => ({
          status: 200,
          seen: { patient, fhirBaseUrl: sandbox.fhirBaseUrl, read: 200 },
        })),
      )
    }
    expect(failures).toEqual([])
    for (const { sandbox } of tenants) {
      expect(sandbox.requests.filter(({ form }) => form.get('grant_type') === 'refresh_token').length).toBeGreaterThan(
        5,
      )
      expect(sandbox.requestsTo(/\/fhir\/Patient/).length).toBeGreaterThan(REQUESTS / 3)
    }
    expectNothingCrossed(tenants, secrets)
  })

  it('backend services under interleaved load send nothing of one to the other', { timeout: 60_000 }, async () => {
    const { tenants } = await startTenants()
    // Keys of their own here, for both.
    const kids: string[] = []
    const list: Registration[] = []
    for (const [index, { sandbox, registration }] of tenants.entries()) {
      const kid = `${registration.clientId}-${randomBytes(8).toString('hex')}`
      const keys = await loadKeySet({ ...ecJwk(), kid })
      const { clientId = '', fhirBaseUrl } = registration
      sandbox.registerClient({ clientId, jwks: keys.publicJwks(Date.now(), 600), scope: 'system/*.rs' })
      list.push({ fhirBaseUrl, clientId, clientAuth: privateKeyJwt(keys) })
      kids[index] = kid
    }
    const resolve = async (fhirBaseUrl: string) => {
      await sleep(Math.random() * 3)
      return list.find((registration) => registration.fhirBaseUrl === fhirBaseUrl)
    }
    const services = createBackendServices({
      registrations: way === 'as a list' ? list : resolve,
      scope: 'system/Patient.rs',
      sharedTokens: { store: createMapStore(), secret: newSecret() },
    })
    for (let done = 0; done < REQUESTS; done += 20) {
      if (done % 200 === 100) await sleep(TOKEN_SECONDS * 1000)
      const chosen = Array.from({ length: 20 }, (_, i) => tenants[pick(done + i, 2)]!)
      const reads = await Promise.all(
        chosen.map(async ({ sandbox: { fhirBaseUrl }, patient }) => {
          const fhir = await services.context({ fhirBaseUrl })
          return { fhirBaseUrl: fhir.fhirBaseUrl, read: (await fhir.fetch(`Patient/${patient}`)).status }
        }),
      )
      expect(reads).toEqual(chosen.map(({ sandbox: { fhirBaseUrl } }) => ({ fhirBaseUrl, read: 200 })))
    }
    for (const { sandbox } of tenants) {
      expect(sandbox.requestsTo('/token').length).toBeGreaterThan(2)
      expect(sandbox.requestsTo(/\/fhir\/Patient/).length).toBeGreaterThan(REQUESTS / 3)
    }
    expectNothingCrossed(
      tenants,
      kids.map((kid) => [kid]),
    )
  })
})
