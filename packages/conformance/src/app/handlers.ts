import type { FhirContext } from '@fhir-auth/core'

/** Returns the JSON of a route. `request.url` may be a path or a whole URL, as in the framework. */
export type RouteHandler = (fhir: FhirContext | null | undefined, request: { readonly url: string }) => Promise<unknown>

/** Whose request it is, as the handler sees it. Never contains a token. */
export interface Whoami {
  loggedIn: boolean
  patient: string | null
  encounter: string | null
  fhirUser: string | null
  scope: string | null
  launchId: string | null
  expiresAt: number | null
  intent: unknown
  needPatientBanner: unknown
  frozen: boolean
}

/** The result of one FHIR read, and whose it is. */
export interface FhirRead extends Whoami {
  status: number
  resourceType: unknown
  id: unknown
}

/** The bodies of all routes. Each works in any JavaScript runtime. */
export const routeHandlers = {
  whoami: async (fhir) => whoami(fhir),
  /** Reads the patient in context, or the URL in `?read=`. */
  read: async (fhir, request) => readFhir(fhir, queryOf(request).get('read') ?? `Patient/${fhir?.patient}`),
  /** The same with `fhir.json`, so that errors are thrown. */
  json: async (fhir, request) => fhir?.json(queryOf(request).get('read') ?? `Patient/${fhir?.patient}`),
  /** Waits until `?of=` requests have arrived, then reads. Shows that the context stays that of its own request. */
  meet: async (fhir, request) => {
    const before = whoami(fhir)
    await meeting(Number(queryOf(request).get('of')))
    return { before, after: await readFhir(fhir, `Patient/${fhir?.patient}`) }
  },
  fail: async () => {
    throw new Error('The handler failed.')
  },
} satisfies Record<string, RouteHandler>

export type HandlerName = keyof typeof routeHandlers

function whoami(fhir: FhirContext | null | undefined): Whoami {
  return {
    loggedIn: Boolean(fhir),
    patient: fhir?.patient ?? null,
    encounter: fhir?.encounter ?? null,
    fhirUser: fhir?.fhirUser ? `${fhir.fhirUser.type}/${fhir.fhirUser.id}` : null,
    scope: fhir ? [...fhir.scope].join(' ') : null,
    launchId: fhir?.launchId ?? null,
    expiresAt: fhir?.expiresAt ?? null,
    intent: fhir?.launch.intent ?? null,
    needPatientBanner: fhir?.launch.need_patient_banner ?? null,
    frozen: Object.isFrozen(fhir),
  }
}

async function readFhir(fhir: FhirContext | null | undefined, url: string): Promise<FhirRead> {
  if (!fhir) return { ...whoami(fhir), status: 0, resourceType: null, id: null }
  const response = await fhir.fetch(url)
  const { resourceType = null, id = null } = (await response.json()) as { resourceType?: unknown; id?: unknown }
  return { ...whoami(fhir), status: response.status, resourceType, id }
}

let arrived: (() => void)[] = []

function meeting(size: number): Promise<void> {
  return new Promise((resolve) => {
    arrived.push(resolve)
    if (arrived.length < size) return
    const all = arrived
    arrived = []
    for (const goOn of all) goOn()
  })
}

function queryOf({ url }: { readonly url: string }): URLSearchParams {
  return new URL(url, 'http://app.invalid').searchParams
}
