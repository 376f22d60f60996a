import { createSmartLaunch, type FhirProxyOptions, type SmartLaunch, type SmartLaunchOptions } from '@fhir-auth/core'
import { launchOptions, logIn, OTHER_COOKIES } from '../../support/fhir-login.ts'

/** What a small read is answered with: about 2 kB, as a FHIR server's Patient has. */
export const PATIENT = {
  resourceType: 'Patient',
  id: 'p1',
  meta: { versionId: '1', lastUpdated: '2026-09-01T00:00:00Z' },
  name: [{ use: 'official', family: 'Example', given: ['A', 'B'] }],
  text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${'text '.repeat(320)}</div>` },
}

/** As long as ours. The peers send it always, and to whoever asks. */
export const CONSTANT_TOKEN = `Bearer ${crypto.randomUUID()}${crypto.randomUUID()}`

export const PROXY_OPTIONS: FhirProxyOptions = {
  allow: ['GET Patient', 'GET Observation', 'GET Binary', 'POST Binary'],
  maxRequestBytes: 2 * 1024 ** 3,
}

/** A person who is logged in at the FHIR server of the measurement, and the cookies of the browser. */
export async function loggedIn(upstream: string): Promise<{ launch: SmartLaunch; cookie: string }> {
  const launch = createSmartLaunch({
    ...launchOptions(),
    fhirBaseUrl: `${upstream}/r4`,
    metadata: { authorization_endpoint: `${upstream}/authorize`, token_endpoint: `${upstream}/token` },
    // As apps have it: not that of the other measurements.
    fetch: undefined,
    // The load generator breaks its last requests off.
    log: false,
  } as SmartLaunchOptions) // one server, as before
  return { launch, cookie: `${OTHER_COOKIES}; ${await logIn(launch)}` }
}
