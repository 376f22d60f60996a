import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { athenahealth, type Dialect, epic, intelichart, meditech, oracleHealth, smart } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'

// The tables of docs/dialects.md come from the dialects themselves; `WRITE_DOCS=1` writes them into the page.

const PAGE = new URL('../../../../docs/dialects.md', import.meta.url)
const FHIR_BASE_URL = 'https://ehr.example/v2/r4'
const GRANTS = ['authorization_code', 'refresh_token', 'client_credentials'] as const

const BUILT_IN: Record<string, Dialect> = {
  'intelichart({ jwksUrl })': intelichart({ jwksUrl: 'https://jobs.example/jwks.json' }),
  'epic()': epic(),
  'oracleHealth()': oracleHealth(),
  'athenahealth()': athenahealth(),
  'meditech()': meditech(),
}

type Part = Exclude<keyof Dialect, 'name' | 'check'>
const PARTS = [
  'discovery',
  'authorization',
  'token',
  'assertion',
  'scopes',
  'idToken',
] as const satisfies readonly Part[]

/** What a rule amounts to: a function by what it answers for an example. */
function effects(dialect: Dialect): Map<string, string> {
  const rules = new Map<string, string>()
  for (const part of PARTS) {
    for (const [name, value] of Object.entries(dialect[part])) rules.set(`${part}.${name}`, shown(part, name, value))
  }
  return rules
}

function shown(part: Part, name: string, value: unknown): string {
  if (value === undefined) return '–'
  if (typeof value !== 'function') return code(typeof value === 'string' ? value : JSON.stringify(value))
  if (part === 'scopes') return code(value('patient/Patient.rs') === 'patient/Patient.rs' ? 'as it is' : 'changed')
  if (name === 'url') return `for ${code(FHIR_BASE_URL)}: ${code(value(FHIR_BASE_URL))}`
  if (name === 'issuer') return issuers((issuer, discovered) => value(issuer, discovered))
  const context = { clientId: 'app', fhirBaseUrl: FHIR_BASE_URL }
  const additions = GRANTS.map((grantType) => [grantType, value({ ...context, grantType }) as object] as const)
  const texts = new Set(additions.map(([, added]) => JSON.stringify(added)))
  if (texts.size === 1) return code([...texts].join())
  const some = additions.filter(([, added]) => Object.keys(added).length > 0)
  return some.map(([grantType, added]) => `${grantType}: ${code(JSON.stringify(added))}`).join(', ')
}

function issuers(accepts: (issuer: string, discovered: string) => boolean): string {
  const discovered = 'https://auth.example/tenants/a'
  const candidates = [discovered, `${discovered}/oidc/idsps/b/`, 'https://auth.example/tenants/c/oidc/idsps/b/']
  const accepted = candidates.filter((issuer) => accepts(issuer, discovered))
  return `for ${code(discovered)}: ${accepted.map(code).join(' or ')}`
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``
}

/** The configurations that `check` refuses, of all that can be. */
async function refusals(dialect: Dialect): Promise<string> {
  const methods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const
  const refused: string[] = []
  for (const flow of ['launch', 'backend'] as const) {
    for (const authMethod of methods) {
      const uses = ['patient/Observation.rs', 'patient/*.rs'].map((scope) => ({ flow, authMethod, scope }))
      const [plain, wildcard] = await Promise.all(uses.map((use) => isRefused(() => dialect.check(use))))
      if (plain) refused.push(`${flow} with ${code(authMethod)}`)
      else if (wildcard) refused.push('wildcard scopes')
    }
  }
  return [...new Set(refused)].sort().join(', ') || '–'
}

async function isRefused(call: () => void): Promise<boolean> {
  try {
    call()
    return false
  } catch {
    return (await failureOf(call)).code === 'invalid_option'
  }
}

const smartEffects = effects(smart())

async function builtInTable(): Promise<string> {
  const rows: string[] = []
  for (const [call, dialect] of Object.entries(BUILT_IN)) {
    const different = [...effects(dialect)].filter(([rule, effect]) => effect !== smartEffects.get(rule))
    const rules = different.map(([rule, effect]) => `${code(rule)} ${effect}`)
    rows.push(`| ${code(call)} | ${rules.join('<br>') || '–'} | ${await refusals(dialect)} |`)
  }
  return ['| dialect | sets | refuses at construction |', '|---|---|---|', ...rows].join('\n')
}

const page = () => readFileSync(PAGE, 'utf8')
const TABLE = /(?<=<!-- table: built-in dialects -->\n\n)[\s\S]*?(?=\n\n)/

describe('docs/dialects.md', () => {
  it('shows of each built-in dialect what it sets otherwise than smart(), and what it refuses', async () => {
    const table = await builtInTable()
    if (process.env.WRITE_DOCS)
      writeFileSync(
        PAGE,
        page().replace(TABLE, () => table),
      )
    expect(TABLE.exec(page())?.[0]).toBe(table)
  })

  it('explains every rule of a dialect, with the default of SMART', () => {
    const rows = [...page().matchAll(/^\| `(\w+\.\w+)` \| (.+?) \| (.+) \|$/gm)].map(([, rule, effect]) => [
      rule,
      effect,
    ])
    expect(rows).toEqual([...smartEffects])
  })

  it('covers every file of dialects/', () => {
    const files = readdirSync(new URL('../../src/dialects/', import.meta.url))
    const vendors = files
      .map((file) => file.replace('.ts', ''))
      .filter((name) => !['dialect', 'define-dialect', 'dialect-rules', 'smart'].includes(name))
    expect(
      Object.values(BUILT_IN)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(vendors.sort())
  })
})
