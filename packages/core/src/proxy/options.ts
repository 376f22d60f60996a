import type { EventListener } from '../events.ts'
import {
  callable,
  flag,
  type OptionRules,
  oneOf,
  path,
  pathOrFalse,
  positive,
  readOptions,
  refuseOption,
  textList,
} from '../options.ts'
import { type AllowRule, type CheckedRule, readAllowList } from './allow-list.ts'

/** Options of the FHIR proxy. */
export interface FhirProxyOptions {
  /** Where pages ask, as the app's framework sees it: `{path}/Patient/1` is `{fhirBaseUrl}/Patient/1`. Default `/fhir`. */
  path?: string | undefined
  /** The same as the browser sees it, for the links in answers. Set it if a proxy in front of the app strips a prefix. */
  publicPath?: string | undefined
  /**
   * What pages may do, such as `GET Patient` (read and search), `POST QuestionnaireResponse`, `GET Patient/$everything`.
   * Everything else is 403.
   */
  allow: readonly (string | AllowRule)[]
  /**
   * `enforce`: with a patient in context, requests that name another patient are refused before they are sent, and searches get
   * the patient's parameter where it is missing. Without a patient in context, everything but types that are `unchecked` is
   * refused. Reads by id are sent: what the token may read is up to the FHIR server. Default: no such rule.
   */
  patient?: 'enforce' | undefined
  /** Origins of other pages that may ask, such as `https://portal.example.com`. Default: only pages of the app. */
  origins?: readonly string[] | undefined
  /** Where a page learns who is logged in; see docs/single-page-apps.md. Default `/session`; `false` serves none. */
  session?: string | false | undefined
  /** How long the FHIR server may take to begin its answer, and between its parts, in seconds. Default 30. */
  timeoutSeconds?: number | undefined
  /** The largest request body, in bytes. Default 64 MiB. */
  maxRequestBytes?: number | undefined
  /** Whether events have the path of the request, which contains ids. Default false. */
  auditIds?: boolean | undefined
  /** Gets an event for each request that is sent to the FHIR server, or refused. */
  onEvent?: EventListener | undefined
}

export interface FhirProxySettings {
  readonly path: string
  readonly publicPath: string
  readonly allow: readonly CheckedRule[]
  readonly isPatientEnforced: boolean
  readonly origins: readonly string[]
  readonly session: string | undefined
  readonly timeoutSeconds: number
  readonly maxRequestBytes: number
  readonly auditIds: boolean
  readonly onEvent: EventListener | undefined
}

const OPTIONS = {
  path: path('/fhir'),
  publicPath: path(undefined),
  allow: readAllowList,
  patient: oneOf('enforce'),
  origins: readOrigins,
  session: pathOrFalse('/session'),
  timeoutSeconds: positive(30),
  maxRequestBytes: positive(64 * 1024 * 1024),
  auditIds: flag(false),
  onEvent: callable<EventListener>(),
} satisfies Record<keyof FhirProxyOptions, unknown> & OptionRules<Omit<FhirProxyOptions, 'allow'>>

/** @throws `invalid_option` naming the option and what to write instead */
export function checkFhirProxyOptions(options: FhirProxyOptions): FhirProxySettings {
  const { patient, path: given, publicPath, session, ...values } = readOptions(options, OPTIONS, 'fhirProxy()')
  const path = withoutSlash(given)
  if (path === '') refuseOption("fhirProxy(): path must be a folder of its own, such as '/fhir'.")
  if (session !== false && (session === path || session.startsWith(`${path}/`))) {
    refuseOption('fhirProxy(): session must not be below path.')
  }
  return {
    ...values,
    path,
    publicPath: withoutSlash(publicPath ?? given),
    isPatientEnforced: patient === 'enforce',
    session: session === false ? undefined : session,
  }
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, '')
}

function readOrigins(value: unknown, option: string): readonly string[] {
  const origins = textList(value, option) ?? []
  for (const origin of origins) {
    if (URL.canParse(origin) && new URL(origin).origin === origin) continue
    refuseOption(`${option} takes origins, such as 'https://portal.example.com': without a path, and no wildcard.`)
  }
  return origins
}
