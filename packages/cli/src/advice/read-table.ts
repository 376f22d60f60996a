import type { Advice } from './advice.ts'

const DOCTOR_TEST = 'packages/cli/test/doctor.test.ts'
const STATUS = [DOCTOR_TEST, 'the FHIR API answers %i'] as const

type ReadProblem = 'refusedToken' | 'notAllowed' | 'brokenServer' | 'otherStatus' | 'noResource'

/** What a FHIR server answers to a read with a new token. */
export const READ_ADVICE: Readonly<Record<ReadProblem, Advice>> = {
  refusedToken: {
    sees: 'The FHIR server answers 401 to a new token',
    cause: 'It does not know the token.',
    remedies: ['The FHIR API does not know the token: check that it belongs to this authorization server.'],
    test: STATUS,
  },
  notAllowed: {
    sees: 'The FHIR server answers 403',
    cause: 'The token is good, and its scope or the registration does not allow this read.',
    remedies: ['Check the scopes, and whether the vendor must enable this resource for the client.'],
    test: STATUS,
  },
  brokenServer: {
    sees: 'The FHIR server answers 500 or above',
    cause: 'The fault is the server’s.',
    remedies: ['The fault is the server’s: try again later, and tell its operator if it stays.'],
    test: STATUS,
  },
  otherStatus: {
    sees: 'The FHIR server answers with another status to `doctor`',
    cause: 'It does not support the read that was tried.',
    remedies: ['The token was accepted, but not the request. Set "read" to one that this server supports.'],
    test: STATUS,
  },
  noResource: {
    sees: 'The FHIR server answers 200 without a FHIR resource',
    cause: 'The URL is not that of a FHIR API: a web page answers.',
    remedies: ['Check the FHIR base URL: fhir-auth discover URL'],
    test: [DOCTOR_TEST, 'the FHIR API has the fault %s'],
  },
}
