import { asFhirAuthError, type FhirAuthError } from '../errors.ts'
import { isFailing, type LastOutcomes, type ServerHealth } from '../health.ts'
import type { LaunchSetup } from './launch-parts.ts'

/** What a process knows of its logins and sessions. */
export interface LaunchHealth {
  /** Whether the store answered the last time. It stays true while a server is down: the app then tells each person. */
  readonly isHealthy: boolean
  readonly store: LastOutcomes
  /** Failures include those that people cause, such as a login that was denied. */
  readonly logins: LastOutcomes
  readonly refreshes: LastOutcomes
  /** One entry for each listed registration, after a call of `probe()`. */
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

/** Calls the store, and fetches the documents of each listed server. Never rejects: the health says what failed. */
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
