import { asFhirAuthError, type FhirAuthError } from '../errors.ts'
import { isFailing, type LastOutcomes, type ServerHealth } from '../health.ts'
import type { LaunchSetup } from './launch-parts.ts'

/** What a process knows of its logins and sessions. */
export interface LaunchHealth {
  /** The store answered the last time. A server that is away leaves the app healthy: it says so to each person. */
  readonly isHealthy: boolean
  readonly store: LastOutcomes
  /** Failures include people's own, such as a login that was denied. */
  readonly logins: LastOutcomes
  readonly refreshes: LastOutcomes
  /** Of each listed registration, once `probe()` has asked. */
  readonly servers: readonly ServerHealth[]
}

export function launchHealth({ health, settings }: LaunchSetup): LaunchHealth {
  const of = (name: string): LastOutcomes => health.get(name) ?? {}
  const store = of('store')
  const servers = settings.clients.listed.flatMap(({ fhirBaseUrl, clientId }) => {
    const known = health.get(`server ${fhirBaseUrl}`)
    return known === undefined ? [] : [{ fhirBaseUrl, clientId, ...known }]
  })
  return { isHealthy: !isFailing(store), store, logins: of('login'), refreshes: of('refresh'), servers }
}

/** Asks the store, and each listed server for its documents. Never rejects: the health says what failed. */
export async function probeLaunch({ health, settings, flow, finishedLogins }: LaunchSetup): Promise<void> {
  const noted = async (name: string, work: () => unknown) => {
    const failure = await settled(work)
    health.note(name, {}, failure)
  }
  const servers = settings.clients.listed.map((client) =>
    noted(`server ${client.fhirBaseUrl}`, () => flow.probe(client)),
  )
  await Promise.all([noted('store', () => finishedLogins.isUsed('health probe')), ...servers])
}

async function settled(work: () => unknown): Promise<FhirAuthError | undefined> {
  try {
    await work()
    return undefined
  } catch (cause) {
    return asFhirAuthError(cause, 'network_error', 'The probe failed.')
  }
}
