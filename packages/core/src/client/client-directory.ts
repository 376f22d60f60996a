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
/** Taken from the options around a list, where an entry does not say. */
const SHARED_NAMES: readonly (keyof Registration)[] = ['scope', 'redirectUri']

/** All configured registrations, checked. */
export interface ClientDirectory<C extends Client> {
  /** The client at this server, compared without a trailing slash. */
  find(fhirBaseUrl: string): MaybePromise<C | undefined>
  /** Those known without asking a resolver. */
  readonly listed: readonly C[]
}

/** @throws `invalid_option` when neither one registration nor `registrations` is given, or both are, or two are of one server */
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
    // Before anything is added to it, which would make an object of whatever it is.
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
        // A resolver that answers with another server's registration would send that server's credentials astray.
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

/** The one registration that stands in the options of a flow. */
function registrationIn(source: RegistrationSource): Registration {
  return Object.fromEntries(REGISTRATION_NAMES.map((name) => [name, source[name]])) as unknown as Registration // checked next
}

function listDirectory<C extends Client>(clients: readonly C[]): ClientDirectory<C> {
  const byBase = new Map(clients.map((client) => [baseKey(client.fhirBaseUrl), client]))
  if (byBase.size < clients.length) refuseOption('registrations: two entries have the same fhirBaseUrl.')
  return { listed: clients, find: (fhirBaseUrl) => byBase.get(baseKey(fhirBaseUrl)) }
}

/** Tells of the keys that are left aside, of all clients that are known at the start. */
export function watchKeys(clients: readonly Client[], keys: KeySet | undefined, emit: Emit): void {
  const sets = new Set([keys, ...clients.map(({ clientAuth }) => clientAuth.keys)])
  for (const set of sets) set?.watchLeftAside(({ kid, reason }) => emit({ type: 'key_left_aside', kid, reason }))
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

/**
 * Whether two FHIR base URLs are the same, whichever slash they end with, and however they write scheme, host and a
 * default port (RFC 3986 §6.2.2.1, §6.2.3). A path is compared to the letter.
 */
export function sameBase(a: string, b: string): boolean {
  return a === b || baseKey(a) === baseKey(b)
}

/**
 * The registered spelling of a base URL, with the slash at the end that this spelling has or lacks: an EHR and its
 * authorization server compare `aud` to the letter, and nobody makes up any number of spellings.
 */
export function spelledLike(registered: string, given: string): string {
  return given.endsWith('/') ? `${withoutSlash(registered)}/` : withoutSlash(registered)
}

/** A registered base URL that is the given one but for something that counts: for a message. */
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

/** Lower case where case does not matter, no default port. What is no http URL, or has more than a path, stays as it is. */
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
