import type { SessionInfo } from '@fhir-auth/core'
import type { Visitor } from '../visitor.ts'

export const allow = ['GET Patient', 'GET Observation', 'POST Observation', 'GET metadata']
export const app = { proxy: { allow } } as const
/** At a server that answers everything, so that a case sees what was sent. */
export const echo = { registeredAt: 'hostile', proxy: { allow } } as const

/** What a page's script sends with a write. */
export const JSON_BODY = { 'content-type': 'application/fhir+json', 'sec-fetch-site': 'same-origin' }

export interface Bundle {
  link: { relation: string; url: string }[]
  entry: { fullUrl: string; resource: { id: string } }[]
}

export async function sessionOf(browser: Visitor): Promise<SessionInfo> {
  return (await browser.ask('/session')).json<SessionInfo>()
}
