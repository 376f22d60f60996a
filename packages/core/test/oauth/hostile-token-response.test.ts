import { createUserAgent } from '@fhir-auth/sandbox'
import { describe, expect, it } from 'vitest'
import { isTooDeep, MOST_LEVELS } from '../../src/shared/nesting.ts'
import { createEventLog } from '../support/event-log.ts'
import { CLINICIAN, EXPIRED_SECONDS, loggedIn, look, startPortal } from '../support/portal-world.ts'

/** A value of so many levels, made without calling itself. */
function nested(levels: number): unknown {
  return JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`)
}
const raw = (body: string) => ({ at: 'token', kind: 'status', status: 200, body }) as const

it('SEC-09 a value is too deep beyond its bound, and none is too deep to be told so', () => {
  expect([nested(MOST_LEVELS), { a: [{ b: 1 }] }, 7, null].map(isTooDeep)).toEqual([false, false, false, false])
  expect([nested(MOST_LEVELS + 2), nested(100_000)].map(isTooDeep)).toEqual([true, true])
})

describe('a hostile token response', () => {
  it('SEC-09 RFC 8259 §9: nested deeply, it ends its own login, and nobody else’s session or store fails', async () => {
    const { onEvent, outcomes } = createEventLog()
    const portal = await startPortal({ onEvent })
    const honest = await loggedIn(portal)
    const token = '{"access_token":"a","token_type":"Bearer","deep":'
    for (const levels of [100, 5000, 100_000]) {
      portal.sandbox.fault({ ...raw(`${token}${'['.repeat(levels)}${']'.repeat(levels)}}`), times: 1 })
      const page = await createUserAgent().signIn(`${portal.origin}/login`, { user: CLINICIAN })
      expect(page.status).toBe(502)
    }
    const codes = outcomes.flatMap((event) => (event.type === 'login_failed' ? [event.code] : []))
    expect(codes).toEqual(['invalid_response', 'invalid_response', 'invalid_response'])
    expect((await look(honest, portal.origin)).status).toBe(200)
    expect((await look(await loggedIn(portal), portal.origin)).status).toBe(200)
    expect(portal.failures).toEqual([])
  })

  it('SEC-09 larger than any token response is, it is not kept', async () => {
    const portal = await startPortal()
    const patch = (body: Record<string, unknown>) => ({ ...body, padding: 'x'.repeat(300_000) })
    portal.sandbox.fault({ at: 'token', kind: 'json', patch })
    const browser = createUserAgent()
    expect((await browser.signIn(`${portal.origin}/login`, { user: CLINICIAN })).status).toBe(502)
    expect((await look(browser, portal.origin)).status).toBe(401)
  })

  it.each([
    ['deep', 'nested too deeply'],
    ['long', 'too long to be kept'],
  ])('SEC-09 claims of an id_token that are %s are refused: they would be kept', async (kind, fault) => {
    const { onEvent, outcomes } = createEventLog()
    const portal = await startPortal({ onEvent })
    portal.sandbox.fault({
      at: 'token',
      kind: 'json',
      patch: async (body) => {
        const claims = JSON.parse(Buffer.from(String(body.id_token).split('.')[1]!, 'base64url').toString())
        const added = kind === 'deep' ? nested(200) : 'x'.repeat(70_000)
        return { ...body, id_token: await portal.sandbox.signIdToken({ ...claims, added }) }
      },
    })
    expect((await createUserAgent().signIn(`${portal.origin}/login`, { user: CLINICIAN })).status).toBe(502)
    const failed = outcomes.find((event) => event.type === 'login_failed')
    expect(failed).toMatchObject({ code: 'invalid_id_token' })
    expect(failed?.error.message).toContain(fault)
  })

  it('SEC-09 with other members at each refresh, it does not fill the store', async () => {
    const portal = await startPortal({ session: { idleSeconds: 8 * 3600 } })
    let answers = 0
    const patch = ({ id_token: _, ...body }: Record<string, unknown>) => ({
      ...body,
      [`member${++answers}`]: 'x'.repeat(100_000),
      ...(answers === 1 && { need_patient_banner: true }),
    })
    portal.sandbox.fault({ at: 'token', kind: 'json', patch })
    const browser = await loggedIn(portal)
    for (let refreshes = 0; refreshes < 5; refreshes++) {
      portal.advanceSeconds(EXPIRED_SECONDS)
      expect((await look(browser, portal.origin)).status).toBe(200)
    }
    const launch = (await portal.contextOf(browser))?.launch
    expect(JSON.stringify(launch).length).toBeLessThan(256 * 1024)
    expect(launch).toMatchObject({ need_patient_banner: true, member6: expect.any(String) })
  })
})
