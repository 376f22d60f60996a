import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { app } from './app'

let server: Server
beforeAll((done) => {
  server = app.listen(0, '127.0.0.1', done as () => void)
})
afterAll((done) => {
  server.close(done)
  server.closeAllConnections()
})
const ask = (path: string) =>
  fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { redirect: 'manual' })

test('login begins at the authorization server', async () => {
  const answer = await ask('/login')
  expect([answer.status, answer.headers.get('location')]).toEqual([
    303,
    expect.stringContaining('https://auth.example.com/authorize'),
  ])
})
test('guards a route', async () => {
  expect((await ask('/patient')).status).toBe(401)
})
