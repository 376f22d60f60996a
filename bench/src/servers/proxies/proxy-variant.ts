import type { RunningServer } from '../variant.ts'

/** Makes a server that leads `/fhir/…` to the FHIR server at `{upstream}/r4/…`, and answers `/` itself. */
export type ProxyVariants = Readonly<Record<string, (upstream: string) => Promise<RunningServer>>>

export const OUR_PROXY = 'fhir-auth, session'
/** For the hot path of other routes. */
export const NO_PROXY = 'fhir-auth, no proxy mounted'
