import type { Emit } from '../events.ts'
import { checkedByReader, type OptionRules, refuseOption } from '../options.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import type { Client } from './client.ts'
import type { KeySet } from './keys/key-set.ts'
import { REGISTRATION_OPTIONS, type Registration } from './registration.ts'
import type { RegistrationSource } from './registration-source.ts'

export const REGISTRATION_SOURCE: OptionRules<RegistrationSource> = {
  ...REGISTRATION_OPTIONS,
  registrations: checkedByReader(),
}

const REGISTRATION_NAMES = Object.keys(REGISTRATION_OPTIONS) as (keyof Registration)[] // the table's own names
/** Options beside a list that are the default for its entries. */
const SHARED_NAMES: readonly (keyof Registration)[] = ['scope', 'redirectUri']

/** All configured registrations, checked. */
export interface ClientDirectory<C extends Client> {
  /** The client at this server; a trailing slash does not matter. */
  find(fhirBaseUrl: string): MaybePromise<C | undefined>
  /** The clients that are known without calling a resolver. */
  readonly listed: readonly C[]
}

/** @throws `invalid_option` for neither or both of one registration and `registrations`, or two entries for one server */
export function createClientDirectory<C extends Client>(
  source: RegistrationSource,
  owner: string,
  check: (registration: Registration, owner: string) => C,
): ClientDirectory<C> {
  const { registrations } = source
  if (registrations === undefined) return listDirectory([check(registrationIn(source), owner)])
  for (const name of REGISTRATION_NAMES) {
    if (source[name] !== undefined && !SHARED_NAMES.includes(name)) {
      refuseOption(`${owner}: ${name} belongs inside each entry of registrations, not beside it.`)
    }
  }
  const shared = { scope: source.scope, redirectUri: source.redirectUri }
  const complete = (registration: Registration, place: string): C => {
    // Check it first: spreading would turn any value into an object.
    if (!isObject(registration)) refuseOption(`${place} takes an options object.`)
    return check({ ...shared, ...registration }, place)
  }
  if (typeof registrations === 'function') {
    return {
      listed: [],
      async find(fhirBaseUrl) {
        const plain = plainBase(fhirBaseUrl)
        const asked = await registrations(fhirBaseUrl)
        const registration = asked ?? (plain === fhirBaseUrl ? undefined : await registrations(plain))
        if (!registration) return undefined
        const client = complete(registration, 'registrations()')
        // If a resolver returned another server's registration, its credentials would go to the wrong server.
        return sameBase(client.fhirBaseUrl, fhirBaseUrl) ? client : undefined
      },
    }
  }
  if (!Array.isArray(registrations) || registrations.length === 0) {
    refuseOption(`${owner}: registrations must be a non-empty list, or a function from FHIR base URL to registration.`)
  }
  return listDirectory(
    (registrations as readonly Registration[]).map((each, index) => complete(each, `registrations[${index}]`)),
  )
}

/** The single registration in the options of a flow. */
function registrationIn(source: RegistrationSource): Registration {
  return Object.fromEntries(REGISTRATION_NAMES.map((name) => [name, source[name]])) as unknown as Registration // checked next
}

function listDirectory<C extends Client>(clients: readonly C[]): ClientDirectory<C> {
  const byBase = new Map(clients.map((client) => [baseKey(client.fhirBaseUrl), client]))
  if (byBase.size < clients.length) refuseOption('registrations: two entries have the same fhirBaseUrl.')
  return { listed: clients, find: (fhirBaseUrl) => byBase.get(baseKey(fhirBaseUrl)) }
}

/** Emits an event for each key that is not used, in the key sets of all listed clients. */
export function watchKeys(clients: readonly Client[], keys: KeySet | undefined, emit: Emit): void {
  const sets = new Set([keys, ...clients.map(({ clientAuth }) => clientAuth.keys)])
  for (const set of sets) set?.watchLeftAside(({ kid, reason }) => emit({ type: 'key_left_aside', kid, reason }))
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

/**
 * Whether two FHIR base URLs are the same. A trailing slash, the case of scheme and host, and a default port do not matter
 * (RFC 3986 §6.2.2.1, §6.2.3). The path must match exactly.
 */
export function sameBase(a: string, b: string): boolean {
  return a === b || baseKey(a) === baseKey(b)
}

/**
 * The registered spelling of a base URL, with a trailing slash exactly if the given one has it. Servers compare `aud` with
 * their own spelling, and the other parts come from the registration only.
 */
export function spelledLike(registered: string, given: string): string {
  return given.endsWith('/') ? `${withoutSlash(registered)}/` : withoutSlash(registered)
}

/** A registered base URL that is similar to the given one, for a hint in a message. */
export function nearlySameBase(registered: readonly string[], given: string): string | undefined {
  const loose = (url: string) =>
    withoutSlash(
      url
        .toLowerCase()
        .replace(/^https?:\/\//, '')
        .replace(/[?#].*$/, ''),
    )
  const wanted = loose(given)
  return registered.find((url) => {
    const known = loose(url)
    return known === wanted || wanted.startsWith(`${known}/`) || known.startsWith(`${wanted}/`)
  })
}

function baseKey(url: string): string {
  return withoutSlash(plainBase(url))
}

/** Normalises scheme, host and port. Anything but an http(s) URL without query and fragment stays as it is. */
function plainBase(url: string): string {
  const [, scheme = '', host = '', port = '', path = ''] =
    /^(https?):\/\/([^/?#@:[\]]+|\[[\da-f:.]+\])(:\d*)?([^?#]*)$/i.exec(url) ?? []
  if (scheme === '') return url
  const plainScheme = scheme.toLowerCase()
  const isDefault = port === ':' || port === (plainScheme === 'https' ? ':443' : ':80')
  return `${plainScheme}://${host.toLowerCase()}${isDefault ? '' : port}${path}`
}

function withoutSlash(url: string): string {
  return url.endsWith('/') ? url.slice(0, -1) : url
}
