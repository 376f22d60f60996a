import { expect, test } from 'vitest'
import { app } from './app.ts'

test('login begins at the authorization server', async () => {
  const answer = await app.request('/login')
  expect([answer.status, answer.headers.get('location')]).toEqual([
    303,
    expect.stringContaining('https://auth.example.com/authorize'),
  ])
})

test('a route is guarded', async () => {
  expect((await app.request('/patient')).status).toBe(401)
})
