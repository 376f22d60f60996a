import type { LaunchRecord, SessionRecord } from '../../src/session/record.ts'

export function launchRecord(overrides: Partial<LaunchRecord> = {}): LaunchRecord {
  return {
    launchId: 'the-launch',
    fhirBaseUrl: 'https://ehr.example/fhir',
    clientId: 'portal',
    tokenEndpoint: 'https://auth.example/token',
    issuer: 'https://auth.example',
    accessToken: 'the-access-token',
    refreshToken: 'the-refresh-token',
    expiresAt: 300_000,
    lifetimeSeconds: 300,
    endsAt: 8 * 3_600_000,
    scope: 'patient/*.rs',
    patient: 'the-patient',
    encounter: undefined,
    fhirUser: undefined,
    idToken: undefined,
    idTokenHint: undefined,
    launch: {},
    ...overrides,
  }
}

/** A session of one launch. */
export function sessionRecord(expiresAt: number, launch: Partial<LaunchRecord> = {}): SessionRecord {
  return { launches: [launchRecord(launch)], expiresAt, endsAt: expiresAt }
}
