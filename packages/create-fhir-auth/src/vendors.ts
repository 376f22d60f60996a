import type { Vendor } from './choices.ts'

/** What the app writes for one vendor. */
export interface VendorParts {
  /** The dialect's function, and how it is called for each flow. */
  dialect: string
  launch: string
  backend: string
  /** What its servers accept for signing. */
  keyAlg: 'ES384' | 'RS384'
  /** What the README tells of it. */
  note: string
}

const GUIDES = 'https://github.com/fhir-auth/fhir-auth/blob/main/docs'

export const vendors: Readonly<Record<Vendor, VendorParts>> = {
  intelichart: {
    dialect: 'intelichart',
    launch: 'intelichart()',
    backend: 'intelichart({ jwksUrl: env.JWKS_URL })',
    keyAlg: 'RS384',
    note: `[From on-boarding to the first token](${GUIDES}/intelichart.md) shows each step at InteliChart.`,
  },
  epic: plain('epic', 'Epic takes a signed assertion from a system, and no client secret.'),
  'oracle-health': plain('oracleHealth', 'Oracle Health accepts no wildcard scopes: name each resource type.'),
  athenahealth: plain('athenahealth', 'For athenaPractice and athenaFlow, see `idTokenAudience` in the page below.'),
  meditech: {
    dialect: 'meditech',
    launch: 'meditech({ discoveryUrl: env.DISCOVERY_URL })',
    backend: 'meditech({ discoveryUrl: env.DISCOVERY_URL })',
    keyAlg: 'RS384',
    note: `MEDITECH signs with RSA keys only. [What differs from SMART](${GUIDES}/dialects.md).`,
  },
  smart: plain('smart', 'If your server differs from SMART in one or two points, give `smart()` these rules.'),
}

function plain(dialect: string, note: string): VendorParts {
  const call = `${dialect}()`
  const guide = `[What differs from SMART](${GUIDES}/dialects.md).`
  return { dialect, launch: call, backend: call, keyAlg: 'ES384', note: `${note} ${guide}` }
}
