import { randomBytes } from 'node:crypto'
import { patients } from './fhir/patients.ts'
import { practitioners } from './fhir/practitioners.ts'
import type { EhrLaunch } from './sandbox-options.ts'
import { isResourceScope } from './smart-scopes.ts'

/** What a person's sign-in led to; kept beside the grant. */
export interface LaunchContext {
  /** Who signed in, as a relative reference. */
  user: string
  patient: string | undefined
  encounter: string | undefined
  /** The EHR launch, if it was one. */
  launch: EhrLaunch | undefined
}

/** Handles of EHR launches: opaque, used once, gone after five minutes. */
export interface LaunchHandles {
  create: (launch: EhrLaunch) => string
  /** The launch, the first time only. */
  redeem: (handle: string) => EhrLaunch | undefined
  /** The launch of a handle that was redeemed. */
  redeemed: (handle: string) => EhrLaunch | undefined
}

const handleLifetimeMs = 5 * 60 * 1000

export function createLaunchHandles(): LaunchHandles {
  const open = new Map<string, { launch: EhrLaunch; expiresAt: number }>()
  const used = new Map<string, EhrLaunch>()
  return {
    create(launch) {
      const handle = randomBytes(16).toString('base64url')
      open.set(handle, { launch, expiresAt: Date.now() + handleLifetimeMs })
      return handle
    },
    redeem(handle) {
      const entry = open.get(handle)
      open.delete(handle)
      if (!entry || entry.expiresAt <= Date.now()) return undefined
      used.set(handle, entry.launch)
      return entry.launch
    },
    redeemed: (handle) => used.get(handle),
  }
}

export const defaultPractitioner: string = `Practitioner/${practitioners[0]?.id ?? 'unknown'}`

/** The context of an EHR launch: everything is known from the EHR. */
export function contextOfEhrLaunch(launch: EhrLaunch): LaunchContext {
  return { user: launch.user ?? defaultPractitioner, patient: launch.patient, encounter: launch.encounter, launch }
}

/** The context of a standalone launch: the person chose the patient; the encounter is the latest one. */
export function contextOfStandaloneLaunch(patientId: string, user: string | undefined): LaunchContext {
  const encounter = patients.find(({ id }) => id === patientId)?.encounters.at(-1)
  return { user: user ?? `Patient/${patientId}`, patient: patientId, encounter, launch: undefined }
}

/** Whether the granted scopes entitle the app to know the patient. */
export function sharesPatient(scopes: ReadonlySet<string>): boolean {
  if (scopes.has('launch') || scopes.has('launch/patient')) return true
  return [...scopes].some((scope) => scope.startsWith('patient/') && isResourceScope(scope))
}

/** Members of the token response (SMART App Launch 2.2 "Launch context arrives with your access_token"). */
export function contextMembers({ patient, encounter, launch }: LaunchContext, scopes: ReadonlySet<string>): object {
  // The EHR's own context is given only for the scope `launch`.
  const shared = scopes.has('launch') ? launch : undefined
  const sharesEncounter = scopes.has('launch/encounter') || shared !== undefined
  const members = {
    patient: sharesPatient(scopes) ? patient : undefined,
    encounter: sharesEncounter ? encounter : undefined,
    need_patient_banner: shared ? (shared.needPatientBanner ?? true) : undefined,
    intent: shared?.intent,
    smart_style_url: shared?.smartStyleUrl,
    tenant: shared?.tenant,
    fhirContext: shared?.fhirContext,
  }
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}
