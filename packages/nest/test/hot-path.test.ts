import type { ServerResponse } from 'node:http'
import { nodeMiddleware } from '@fhir-auth/core/adapter'
import { expect, it } from 'vitest'
import { countWork } from '../../core/test/support/counted-work.ts'
import { loggedIn } from '../../core/test/support/live-session.ts'
import type { FhirRequest } from '../src/fhir-request.ts'

it('a request with a live session goes on at once, with no promise, no cryptography and no Headers made', async () => {
  const { launch, cookie } = await loggedIn()
  const middleware = nodeMiddleware(launch, undefined)
  const req = { method: 'GET', url: '/vitals?page=1', headers: { cookie } } as FhirRequest // what is read of it
  let calls = 0
  const next = () => {
    calls++
  }
  const { result: _, ...made } = countWork(() => middleware(req, {} as ServerResponse, next))
  expect(calls).toBe(1)
  expect(req.fhir?.accessToken).toBe('the-token')
  expect(made).toEqual({ promises: 0, cryptoCalls: 0, webObjects: 0 })
})
