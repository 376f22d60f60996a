import { checkKnownOptions, refuseOption } from '../options.ts'
import type { FhirInteraction, Interaction } from './interaction.ts'

/** What a page may do with resources of one type. */
export interface AllowRule {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** The resource type, such as `Observation`. */
  type: string
  /**
   * Default: those of the method. `GET`: `read`, `vread` and `search`; `POST`: `create`; `PUT`: `update`; `PATCH`: `patch`;
   * `DELETE`: `delete`. A search by `POST …/_search` counts as `GET`. The history of resources must be named here.
   */
  interactions?: readonly Interaction[] | undefined
  /** Only these parameters, by name without modifier. Default: all, as far as the patient rule lets them. */
  parameters?: readonly string[] | undefined
  /** `unchecked`: the patient rule does not apply, for types that belong to no patient, such as `Practitioner`. */
  patient?: 'unchecked' | undefined
}

export interface CheckedRule {
  readonly method: string
  /** Undefined: the base itself, or `metadata`. */
  readonly type: string | undefined
  readonly interactions: readonly Interaction[]
  readonly operation: string | undefined
  readonly parameters: ReadonlySet<string> | undefined
  readonly isPatientUnchecked: boolean
}

const INTERACTIONS_BY_METHOD: Readonly<Record<AllowRule['method'], readonly Interaction[]>> = {
  GET: ['read', 'vread', 'search'],
  POST: ['create'],
  PUT: ['update'],
  PATCH: ['patch'],
  DELETE: ['delete'],
}
const ALL_INTERACTIONS: readonly Interaction[] = ['history', ...Object.values(INTERACTIONS_BY_METHOD).flat()]
const RULE_NAMES = ['method', 'type', 'interactions', 'parameters', 'patient']
const RULE_TEXT =
  /^(GET|POST|PUT|PATCH|DELETE) (\/|metadata|(?:([A-Z][A-Za-z]{1,63})\/?)?(\$[a-z][A-Za-z0-9-]{0,63})?)$/
const REMEDY =
  "Write 'GET Patient', 'POST QuestionnaireResponse', 'GET Patient/$everything', 'GET metadata', 'POST /' for batches, " +
  "'GET /' for the further pages of a search, or an object: { method: 'GET', type: 'Observation', parameters: ['category'] }."

/** The first rule that allows a request; undefined if none does. */
export function ruleFor(
  rules: readonly CheckedRule[],
  { method, interaction, type, operation }: FhirInteraction,
  query: URLSearchParams,
): CheckedRule | undefined {
  const verb = method === 'HEAD' || interaction === 'search' ? 'GET' : method
  return rules.find(
    (rule) =>
      rule.method === verb &&
      rule.type === type &&
      rule.operation === operation &&
      rule.interactions.includes(interaction) &&
      hasOnly(query, rule.parameters),
  )
}

/** What to add to the allow-list so that a request passes. */
export function ruleTextFor({ method, interaction, type, operation }: FhirInteraction): string {
  const verb = method === 'HEAD' || interaction === 'search' ? 'GET' : method
  if (interaction === 'history') return `{ method: 'GET', type: '${type}', interactions: ['history'] }`
  if (interaction === 'capabilities') return `'${verb} metadata'`
  const place = [type, operation].filter((part) => part !== undefined).join('/')
  return `'${verb} ${place || '/'}'`
}

/** @throws `invalid_option` for an entry that is no rule */
export function readAllowList(value: unknown, option: string): readonly CheckedRule[] {
  if (!Array.isArray(value) || value.length === 0) {
    return refuseOption(`${option} must be a list of what pages may do: nothing else passes. ${REMEDY}`)
  }
  return value.map((entry, index) => {
    const place = `${option}[${index}]`
    return typeof entry === 'string' ? ruleOfText(entry, place) : ruleOfObject(entry, place)
  })
}

function ruleOfText(text: string, option: string): CheckedRule {
  const [, method = '', place = '', type, operation] = RULE_TEXT.exec(text) ?? []
  if (method === '' || place === '') return refuseOption(`${option}: '${text.slice(0, 80)}' is no rule. ${REMEDY}`)
  const rule = { method, type, operation, parameters: undefined, isPatientUnchecked: false }
  if (operation !== undefined) return { ...rule, interactions: ['operation'] }
  if (place === '/') return { ...rule, interactions: method === 'POST' ? ['batch'] : ['page'] }
  if (place === 'metadata') return { ...rule, interactions: ['capabilities'], isPatientUnchecked: true }
  return { ...rule, interactions: INTERACTIONS_BY_METHOD[method as AllowRule['method']] } // one of its alternatives
}

function ruleOfObject(entry: unknown, option: string): CheckedRule {
  checkKnownOptions(entry, RULE_NAMES, option)
  const { method, type, interactions, parameters, patient } = entry as Partial<Record<keyof AllowRule, unknown>>
  const isMethod = typeof method === 'string' && Object.hasOwn(INTERACTIONS_BY_METHOD, method)
  if (!isMethod || typeof type !== 'string' || !/^[A-Z][A-Za-z]{1,63}$/.test(type)) {
    return refuseOption(`${option} needs a method and a resource type. ${REMEDY}`)
  }
  if (patient !== undefined && patient !== 'unchecked') return refuseOption(`${option}.patient must be 'unchecked'.`)
  const own = INTERACTIONS_BY_METHOD[method as AllowRule['method']]
  return {
    method,
    type,
    operation: undefined,
    interactions: namesIn(interactions, `${option}.interactions`, ALL_INTERACTIONS) ?? own,
    parameters: parameters === undefined ? undefined : new Set(namesIn<string>(parameters, `${option}.parameters`)),
    isPatientUnchecked: patient === 'unchecked',
  }
}

function namesIn<Name extends string>(
  value: unknown,
  option: string,
  known?: readonly Name[],
): readonly Name[] | undefined {
  if (value === undefined) return undefined
  const isList = Array.isArray(value) && value.every((item) => typeof item === 'string')
  if (!isList || (known && !value.every((item) => known.includes(item as Name)))) {
    return refuseOption(`${option} must be a list of ${known ? known.join(', ') : 'names'}.`)
  }
  return value as unknown as readonly Name[] // checked, where names are known
}

function hasOnly(query: URLSearchParams, allowed: ReadonlySet<string> | undefined): boolean {
  if (allowed === undefined) return true
  return [...query.keys()].every((name) => allowed.has(name.split(':', 1)[0] ?? ''))
}
