import { FhirAuthError, type KeySet } from '@fhir-auth/core'
import type { Client } from '@fhir-auth/core/protocol'
import { remediesOf } from './advice/advice.ts'
import { generatedAlgorithmFor } from './advice/token-advice.ts'
import { TOKEN_ADVICE } from './advice/token-table.ts'
import { attemptToken } from './backend-token.ts'
import type { Check } from './check.ts'
import { type Connection, isLogin } from './connection.ts'
import { dialectNamed } from './dialects.ts'
import { readAllowedBy, tryRead } from './fhir-read.ts'
import type { Finding } from './finding.ts'
import { checkHostedJwks } from './hosted-jwks.ts'
import { isReadableByOthers } from './key-file.ts'
import { datedKeys, stateText } from './key-states.ts'
import { inspectServer, type ServerReport } from './server-inspection.ts'
import { pathOf, remedyFor, type Settings } from './settings.ts'
import { tokenReport } from './token-report.ts'
import { isSystemError } from './write-file.ts'

/** Findings about logins, which do not matter for a system. */
const LOGIN_FINDINGS = [
  'pkce_missing',
  'pkce_without_s256',
  'pkce_plain',
  'no_authorization_endpoint',
  'no_openid_members',
]
/** A system's, or said better by another check. */
const SYSTEM_FINDINGS = ['no_client_credentials', 'no_openid_members']

export async function checkKeys(keys: KeySet, { privateJwks }: Settings): Promise<Check> {
  const summary = datedKeys(keys, Date.now())
    .map((key) => `${key.kid} (${key.alg}, ${stateText(key)})`)
    .join(', ')
  const file = privateJwks && !/^\s*(?:\{|-----BEGIN)/.test(privateJwks.value) ? pathOf(privateJwks) : undefined
  if (file === undefined || !(await isOpen(file))) return { name: 'keys', status: 'green', summary, details: [] }
  const details = [`Others on this machine may read ${file}. Take that away: chmod 600 ${file}`]
  return { name: 'keys', status: 'amber', summary, details }
}

export async function checkJwks(keys: KeySet, jwksUrl: string | undefined): Promise<Check> {
  if (jwksUrl === undefined) {
    const details = [remedyFor('jwksUrl')]
    return { name: 'jwks', status: 'amber', summary: 'The registered JWKS URL is not known here.', details }
  }
  const { findings, keys: hosted } = await checkHostedJwks(jwksUrl, keys)
  const summary =
    findings.length > 0 ? jwksUrl : `${jwksUrl} has ${hosted.length === 1 ? '1 key' : `${hosted.length} keys`}`
  return { name: 'jwks', ...verdict(findings), summary }
}

/** @param keys - the keys that sign assertions, where there are any */
export async function checkDiscovery(settings: Settings, keys: KeySet | undefined): Promise<Check> {
  const { fhirBaseUrl, dialect, jwksUrl, issuer, tokenEndpoint } = settings
  const report = await inspectServer({
    fhirBaseUrl: fhirBaseUrl?.value ?? '',
    dialect: dialectNamed(dialect?.value ?? 'smart', { jwksUrl: jwksUrl?.value, issuer: issuer?.value }),
  })
  const found = report.sources.filter((source) => source.found).map(({ document }) => document)
  const endpoint = tokenEndpoint?.value ?? report.endpoints.token_endpoint
  const ignored = [
    ...(isLogin(settings) ? SYSTEM_FINDINGS : LOGIN_FINDINGS),
    ...(tokenEndpoint === undefined ? [] : ['no_token_endpoint']),
    // Said in words that know the key.
    'algorithms',
  ]
  const findings = [
    ...report.findings
      .filter(({ code }) => !ignored.includes(code))
      .map((one) => (isLogin(settings) ? forLogin(one) : one)),
    ...findInAuthentication(settings, keys, report),
  ]
  const place = found.join(', ') || 'configured'
  const algorithms = report.algorithms.assertion?.join(', ')
  const signed = keys && algorithms ? `; assertions: ${algorithms}` : ''
  const summary = endpoint === undefined ? 'No token endpoint.' : `${endpoint} (${place})${signed}`
  return { name: 'discovery', ...verdict(findings), summary }
}

/** Without a place to log in there is no login. */
function forLogin(finding: Finding): Finding {
  if (finding.code !== 'no_authorization_endpoint') return finding
  const meaning =
    'No person can log in. Check the FHIR base URL, or set metadata.authorization_endpoint from the manual.'
  return { ...finding, level: 'error', meaning }
}

/** Whether the server takes what this client has to prove itself with. */
function findInAuthentication(settings: Settings, keys: KeySet | undefined, report: ServerReport): Finding[] {
  const { assertion: accepted } = report.algorithms
  if (keys) {
    try {
      keys.signingKey(accepted)
    } catch (error) {
      if (!(error instanceof FhirAuthError)) throw error
      const meaning = remediesOf(TOKEN_ADVICE.wrongAlgorithm, { accepted: generatedAlgorithmFor(accepted) }).join(' ')
      return [{ code: 'algorithms', level: 'error', what: error.message, meaning }]
    }
  }
  const own = keys
    ? ['private_key_jwt']
    : settings.clientSecret
      ? ['client_secret_basic', 'client_secret_post']
      : ['none']
  const { authMethods } = report
  // Servers seldom list `none`.
  if (!authMethods || own[0] === 'none' || own.some((method) => authMethods.includes(method))) return []
  const what = `To prove who the client is the server lists ${authMethods.join(', ') || 'nothing'}, not ${own.join(' or ')}.`
  const meaning = 'The token endpoint may refuse this client: ask the vendor how it is registered.'
  return [{ code: 'auth_methods', level: 'warning', what, meaning }]
}

/** Also gives the token, for the read that follows. */
export async function checkToken(connection: Connection): Promise<{ check: Check; accessToken: string | undefined }> {
  const attempt = await attemptToken(connection.client)
  const { token, error } = tokenReport(connection, attempt, false)
  const accessToken = attempt.response?.accessToken
  if (token === undefined) {
    const summary = error?.message ?? 'There is no token.'
    return { check: { name: 'token', status: 'red', summary, details: error?.check ?? [] }, accessToken }
  }
  const missing = token.scopeMissing.length > 0
  const details = missing ? [`Not granted: ${token.scopeMissing.join(' ')}. Check what is registered.`] : []
  const summary = `for ${token.lifetimeSeconds} s, with the scope ${token.scope}`
  return { check: { name: 'token', status: missing ? 'amber' : 'green', summary, details }, accessToken }
}

export async function checkRead(client: Client, settings: Settings, accessToken: string): Promise<Check> {
  const path = settings.read?.value ?? readAllowedBy(client.scope)
  const { status, summary, remedy } = await tryRead(client.fhirBaseUrl, path, accessToken)
  return { name: 'read', status, summary: `GET ${path}: ${summary}`, details: remedy === undefined ? [] : [remedy] }
}

function verdict(findings: readonly Finding[]): Pick<Check, 'status' | 'details'> {
  const details = findings.map(({ what, meaning }) => `${what} ${meaning}`)
  if (findings.some(({ level }) => level === 'error')) return { status: 'red', details }
  return { status: findings.length > 0 ? 'amber' : 'green', details }
}

async function isOpen(file: string): Promise<boolean> {
  try {
    return await isReadableByOthers(file)
  } catch (error) {
    // Replaced or removed since it was read.
    if (isSystemError(error, 'ENOENT')) return false
    throw error
  }
}
