import type { StaticMetadata } from '../client/static-metadata.ts'
import type { DiscoveryRules } from '../dialects/dialect.ts'
import { FhirAuthError } from '../errors.ts'
import { shownUrl } from '../http/secure-url.ts'
import type { HttpOptions } from '../http/send-bounded.ts'
import { shownText } from '../shared/shown-text.ts'
import { confirms, isOfOrigin } from './issuer-binding.ts'
import { allowedEndpoints, checkEndpoint, type EndpointRules, type ServerMetadata } from './server-metadata.ts'
import { askSource, below, isUnsettled, type Source, type SourceAnswer } from './sources.ts'

export interface DiscoveryTarget {
  readonly fhirBaseUrl: string
  /** Who asks: two servers may share a token endpoint only where the app's client ids differ. */
  readonly clientId?: string | undefined
  readonly discovery: DiscoveryRules
  readonly metadata: StaticMetadata
  /** See `Registration.allowPrivateNetwork`. Default false. */
  readonly allowPrivateNetwork?: boolean | undefined
}

/** A member that a flow needs. Discovery asks the next source only while one is missing. */
export type NeededMember = 'authorization_endpoint' | 'token_endpoint' | 'jwks_uri' | 'issuer'

export interface Discovered {
  readonly metadata: ServerMetadata
  /** The shortest `max-age` of the documents, in seconds; undefined if none has one. */
  readonly maxAgeSeconds: number | undefined
  /** True if a better source did not answer or was busy, so that the next try may find more. */
  readonly isDegraded: boolean
}

/** Everything that a server publishes about itself. */
export interface Examination extends Discovered {
  /** The answer of each source, in the order in which they were asked. */
  readonly answers: readonly SourceAnswer[]
  /** Set if no source names a token endpoint. Then an app cannot work with this server. */
  readonly failure: FhirAuthError | undefined
}

/**
 * Finds a server's endpoints: smart-configuration below the FHIR base URL (SMART App Launch 2.2 "Conformance"), then
 * openid-configuration of the issuer (OpenID Connect Discovery §4), then the CapabilityStatement (SMART 1.0). Members
 * are merged: earlier sources win over later ones, and static metadata over all of them. An issuer counts only if it is
 * bound to the server: see `issuer-binding.ts`.
 *
 * @throws `discovery_failed` naming every URL tried and why each failed
 */
export async function discover(
  target: DiscoveryTarget,
  needed: readonly NeededMember[],
  http: HttpOptions,
): Promise<Discovered> {
  const { failure, metadata, maxAgeSeconds, isDegraded } = await examineServer(target, needed, http)
  if (failure !== undefined) throw failure
  return { metadata, maxAgeSeconds, isDegraded }
}

/**
 * The same, with the answer of each source.
 *
 * @param needed - `all` asks every source
 */
export async function examineServer(
  target: DiscoveryTarget,
  needed: readonly NeededMember[] | 'all',
  http: HttpOptions,
): Promise<Examination> {
  const { fhirBaseUrl, discovery } = target
  const pinned = definedMembers(target.metadata)
  const rules = allowedEndpoints(target)
  const answers: SourceAnswer[] = []
  let members: Record<string, unknown> = pinned
  const isNeeded = (name: NeededMember) => needed === 'all' || needed.includes(name)
  const lacks = () => needed === 'all' || needed.some((name) => members[name] === undefined)
  const ask = async (source: Source) => {
    const answer = await askSource(source, rules, http)
    answers.push(answer)
    members = { ...answer.members, ...members }
    return answer
  }

  const smart = lacks() ? await ask(smartConfigurationOf(target)) : undefined
  const named = textOf(members.issuer)
  const issuer = discovery.issuer ?? named
  const isBound =
    issuer === undefined ||
    issuer === discovery.issuer ||
    pinned.issuer !== undefined ||
    isOfOrigin(issuer, [fhirBaseUrl, ...(smart ? [smart.url] : [])])
  // For logins and id_tokens, the issuer must be certain.
  const mustConfirm = !isBound && (isNeeded('authorization_endpoint') || isNeeded('issuer'))
  let own: SourceAnswer | undefined
  // A server may name any issuer, so send a request only to an allowed host.
  const mayAsk = issuer === discovery.issuer || (issuer !== undefined && isAllowed(issuer, rules))
  if (issuer !== undefined && mayAsk && (lacks() || mustConfirm)) own = await ask(openidConfigurationOf(issuer))
  const isUnbound = !isBound && !confirms(own, members)
  if (isUnbound) {
    const { issuer: _named, ...others } = members
    members = others
  } else if (!isBound && own?.members?.jwks_uri !== undefined && pinned.jwks_uri === undefined) {
    members = { ...members, jwks_uri: own.members.jwks_uri }
  }
  if (
    needed === 'all' ||
    members.token_endpoint === undefined ||
    (members.authorization_endpoint === undefined && needed.includes('authorization_endpoint'))
  ) {
    await ask(capabilityStatementOf(fhirBaseUrl))
  }

  const used = answers.filter((answer) => answer.members !== undefined)
  const sources = [...(Object.keys(pinned).length > 0 ? ['configuration'] : []), ...used.map(({ url }) => url)]
  const documents = used.flatMap(({ document }) => (document === undefined ? [] : [document]))
  const unboundIssuer = isUnbound && issuer !== undefined ? { unboundIssuer: issuer } : {}
  const ages = used.flatMap((answer) => answer.maxAgeSeconds ?? [])
  return {
    answers,
    metadata: Object.freeze({ ...members, ...unboundIssuer, sources, documents }) as ServerMetadata,
    maxAgeSeconds: ages.length > 0 ? Math.min(...ages) : undefined,
    isDegraded: answers.some(isUnsettled),
    failure: members.token_endpoint === undefined ? noTokenEndpoint(fhirBaseUrl, answers, sources) : undefined,
  }
}

function isAllowed(url: string, rules: EndpointRules): boolean {
  try {
    checkEndpoint(new URL(url), 'issuer', rules)
    return true
  } catch {
    return false
  }
}

function smartConfigurationOf({ fhirBaseUrl, discovery }: DiscoveryTarget): Source {
  const given = typeof discovery.url === 'function' ? discovery.url(fhirBaseUrl) : discovery.url
  const url = given ?? below(fhirBaseUrl, '.well-known/smart-configuration')
  return { name: 'smart-configuration', url, base: fhirBaseUrl }
}

function openidConfigurationOf(issuer: string): Source {
  return { name: 'openid-configuration', url: below(issuer, '.well-known/openid-configuration'), base: issuer, issuer }
}

function capabilityStatementOf(fhirBaseUrl: string): Source {
  return { name: 'CapabilityStatement', url: below(fhirBaseUrl, 'metadata'), base: fhirBaseUrl }
}

function noTokenEndpoint(
  fhirBaseUrl: string,
  answers: readonly SourceAnswer[],
  sources: readonly string[],
): FhirAuthError {
  const failures = answers.flatMap((answer) => reasonOf(answer) ?? [])
  const redirected = answers.some(({ failure }) => failure?.code === 'unexpected_redirect')
  const remedy = redirected
    ? 'Check fhirBaseUrl, or set the dialect rule discovery.url to the address that the redirect leads to.'
    : 'Check fhirBaseUrl, or set metadata.token_endpoint.'
  const tried = failures.join('; ') || shownText(sources.join(', '))
  return new FhirAuthError(
    'discovery_failed',
    `No token endpoint found for ${shownUrl(fhirBaseUrl)}. Tried ${tried}. ${remedy}`,
  )
}

/** Why a source was not used, with its URL, without the full stop. */
function reasonOf({ url, failure }: SourceAnswer): string | undefined {
  if (failure === undefined) return undefined
  const reason = failure.message.replace(/\.$/, '')
  const place = shownUrl(url)
  return reason.startsWith(`${place} `) ? reason : `${place}: ${reason}`
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function definedMembers(metadata: StaticMetadata): Record<string, unknown> {
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined))
}
