// #only login
import { createUserAgent } from '@fhir-auth/sandbox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startWithSandbox } from '../dev/with-sandbox.ts'
import { freeOrigin } from './free-origin.ts'

// The whole way of a login, against a real authorization server in this process.
const origin = await freeOrigin()
let running: Awaited<ReturnType<typeof startWithSandbox>>
beforeAll(async () => {
  running = await startWithSandbox(origin)
})
afterAll(() => running.close())

test('a person logs in and sees their own record', async () => {
  const browser = createUserAgent()
  const page = await browser.signIn(`${origin}/me`, { patient: 'amber-testwell' })
  expect(await page.json()).toMatchObject({ resourceType: 'Patient', id: 'amber-testwell' })

  const vitals = await browser.visit(`${origin}/vitals`)
  expect(await vitals.json()).toMatchObject({ patient: 'amber-testwell', total: expect.any(Number) })
})

test('who is not logged in sees no record', async () => {
  const answer = await fetch(`${origin}/me`, { headers: { accept: 'application/json' } })
  expect(answer.status).toBe(401)
})

test('is alive and ready', async () => {
  expect((await fetch(`${origin}/live`)).status).toBe(200)
  expect((await fetch(`${origin}/ready`)).status).toBe(200)
})
