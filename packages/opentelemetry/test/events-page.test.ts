import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FhirAuthError, type FhirAuthEvent } from '@fhir-auth/core'
import { expect, it } from 'vitest'

const page = readFileSync(new URL('../../../docs/events.md', import.meta.url), 'utf8')

/** One of each type: the compiler knows whether one is missing. */
const origin = { fhirBaseUrl: 'https://fhir.example.org/r4', clientId: 'portal' }
const launch = { ...origin, launchId: 'l' }
const error = new FhirAuthError('timeout', 'It took too long.')
const samples: { [T in FhirAuthEvent['type']]: Extract<FhirAuthEvent, { type: T }> } = {
  login_started: { type: 'login_started', ...origin, isEhrLaunch: true, durationMs: 1 },
  login: { type: 'login', ...launch, isEhrLaunch: true, patient: 'patient-7', durationMs: 1 },
  login_failed: { type: 'login_failed', ...origin, code: 'timeout', error, durationMs: 1 },
  refresh: { type: 'refresh', ...launch, durationMs: 1 },
  refresh_failed: { type: 'refresh_failed', ...launch, error, durationMs: 1 },
  id_token_ignored: { type: 'id_token_ignored', ...launch, error },
  members_ignored: { type: 'members_ignored', ...origin, members: ['need_patient_banner'] },
  launch_ended: { type: 'launch_ended', ...launch, reason: 'logout' },
  token: { type: 'token', ...origin, scope: 's', missing: [], extra: [], expiresAt: 1, durationMs: 1 },
  token_taken: { type: 'token_taken', ...origin, scope: 's', expiresAt: 1 },
  token_failed: { type: 'token_failed', ...origin, scope: 's', error, durationMs: 1 },
  request: {
    ...{ type: 'request', purpose: 'token', grantType: 'refresh_token', url: 'https://auth.example.org/token' },
    ...{ status: undefined, error, durationMs: 1 },
  },
  store_failed: { type: 'store_failed', error },
  return_to_dropped: { type: 'return_to_dropped', length: 9000 },
  key_left_aside: { type: 'key_left_aside', kid: 'k', reason: 'it is for encryption' },
  proxied: {
    type: 'proxied',
    fhirBaseUrl: 'https://ehr.example/fhir',
    launchId: 'l',
    method: 'GET',
    interaction: 'search',
    resourceType: 'Observation',
    path: undefined,
    status: 200,
    error: undefined,
    durationMs: 12,
  },
  redirect_uri_shared: {
    type: 'redirect_uri_shared',
    redirectUri: 'https://portal.example/callback',
    fhirBaseUrls: ['https://a.example/fhir', 'https://b.example/fhir'],
  },
}

it('docs/events.md has a row for each type of event, and no other', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, type]) => type)
  expect(rows.sort()).toEqual(Object.keys(samples).sort())
})

it('docs/events.md: the pino snippet logs each event on one line, with its error’s message and without a patient', () => {
  const folder = mkdtempSync(new URL('./pino-', import.meta.url).pathname)
  try {
    const [, code = ''] = /## As log lines[\s\S]*?```ts\n([\s\S]*?)```/.exec(page) ?? []
    const plain = code.replace(/^import type .*$/m, '').replace('(event: FhirAuthEvent): void', '(event)')
    const events = JSON.stringify(Object.values(samples))
    writeFileSync(
      join(folder, 'log.mjs'),
      `${plain}\nlogger.level = 'debug'\nfor (const event of ${events}) logEvent(event)\n`,
    )
    const printed = execFileSync(process.execPath, [join(folder, 'log.mjs')], { encoding: 'utf8' })
    const lines = printed
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.map(({ fhirAuth }) => fhirAuth.type)).toEqual(Object.keys(samples))
    const warnings = lines.filter(({ level }) => level === 40)
    expect(warnings.map(({ msg }) => msg)).toEqual(warnings.map(() => 'It took too long.'))
    expect(warnings).toHaveLength(5)
    expect(printed).not.toContain('patient-7')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
