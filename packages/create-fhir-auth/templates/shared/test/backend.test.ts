// #only backend
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startWithSandbox } from '../dev/with-sandbox.ts'
import { freeOrigin } from './free-origin.ts'

// The authorization server is real: it fetches the app's public key and checks the signature.
const origin = await freeOrigin()
let running: Awaited<ReturnType<typeof startWithSandbox>>
beforeAll(async () => {
  running = await startWithSandbox(origin)
})
afterAll(() => running.close())

test('is alive, whatever the EHR does', async () => {
  expect((await fetch(`${origin}/live`)).status).toBe(200)
  expect(running.sandbox.requests).toEqual([])
})

test.each([undefined, 'Bearer wrong'])('nobody else does: %s', async (authorization) => {
  const answer = await fetch(`${origin}/jobs/patients`, authorization ? { headers: { authorization } } : {})
  expect(answer.status).toBe(401)
  // #if express fastify hono both
  expect(running.sandbox.requests).toEqual([])
  // #end
})

test('staff reads patients with the token of the app', async () => {
  const authorization = `Bearer ${running.staffToken}`
  const answer = await fetch(`${origin}/jobs/patients`, { headers: { authorization } })
  expect(await answer.json()).toMatchObject({ resourceType: 'Bundle', entry: expect.any(Array) })
})

test('is ready', async () => {
  expect((await fetch(`${origin}/ready`)).status).toBe(200)
})
