import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { themes } from '../src/cases/index.ts'
import type { ConformanceCase } from '../src/conformance-case.ts'
import { type AdapterHost, type AppSetup, answerOfError, startNodeApp } from '../src/index.ts'
import { runCase } from '../src/run-case.ts'
import { type SuiteSandbox, startSuiteSandbox } from '../src/suite-sandbox.ts'
import { plainApp, plainHost } from './plain-adapter.ts'

let suite: SuiteSandbox
beforeAll(async () => {
  suite = await startSuiteSandbox()
})
afterAll(() => suite.close())

const readsOnce: ConformanceCase = {
  rule: 'a person logs in and reads',
  async run({ visitor }) {
    const browser = visitor()
    await browser.logIn()
    await browser.ask('/read')
  },
}

describe('a case that passes is red all the same', () => {
  it('but not with an app that keeps its secrets', async () => {
    await runCase(plainHost, suite, readsOnce)
  })

  const leaks: Record<string, (response: ServerResponse, secret: string, setup: AppSetup) => void> = {
    'in a body': (response, secret) => response.end(`{"a":"${secret}"}`),
    'in a body, percent-encoded': (response, secret) => response.end(`{"a":"?x=${percentEncoded(secret)}"}`),
    'in a header': (response, secret) => response.setHeader('x-debug', secret).end(),
    'in a redirect within the app': (response, secret) =>
      response.writeHead(302, { location: `/open?token=${secret}` }).end(),
    'on the console': (response, secret) => {
      console.log('the grant is', { deep: { down: [secret] } })
      response.end()
    },
    'in an error on the console': (response, secret) => {
      console.error(new Error('It failed.', { cause: new Error(secret) }))
      response.end()
    },
    'on stdout': (response, secret) => {
      process.stdout.write(`${secret}\n`)
      response.end()
    },
    "in the framework's log": (response, secret, setup) => {
      setup.log.write(`{"url":"/callback?code=${secret}"}`)
      response.end()
    },
  }
  for (const [where, leak] of Object.entries(leaks)) {
    it(`when a token is ${where}`, async () => {
      vi.spyOn(console, 'log').mockReturnValue()
      vi.spyOn(console, 'error').mockReturnValue()
      vi.spyOn(process.stdout, 'write').mockReturnValue(true)
      const host = hostWith((response, setup) => leak(response, newestToken(), setup))
      const outcome = await runCase(host, suite, readsOnce).then(() => 'green', String)
      vi.restoreAllMocks()
      expect(outcome).toContain('secrets in an answer or in what was logged')
      expect(outcome).not.toContain(newestToken())
    })
  }

  it('when a launch or its code, verifier, secret or handle is in a body', async () => {
    const { sandbox } = suite
    const launchesOnce: ConformanceCase = {
      rule: 'the EHR launches the app',
      app: { launch: { scope: 'launch openid patient/*.rs', paths: { home: '/read' } } },
      async run({ base, visitor }) {
        const patient = sandbox.patients[0]?.id ?? ''
        await visitor().logIn(sandbox.ehrLaunch({ launchUrl: `${base}/launch`, patient }))
      },
    }
    const secrets: (() => string | null | undefined)[] = [
      () => sandbox.requestsTo('/authorize')[0]?.query.get('launch'),
      () => sandbox.requestsTo('/token')[0]?.form.get('code'),
      () => sandbox.requestsTo('/token')[0]?.form.get('code_verifier'),
      () => sandbox.requestsTo('/token')[0]?.headers.authorization?.split(' ')[1],
      () => suite.secrets[0],
      () => suite.secrets[1],
    ]
    for (const secretOf of secrets) {
      const host = hostWith((response) => response.end(secretOf()))
      await expect(runCase(host, suite, launchesOnce)).rejects.toThrow(/secrets in an answer/)
    }
  })
})

describe('the cases', () => {
  const all = Object.values(themes).flat()

  it('have a rule each, in plain words after the ids', () => {
    const rules = all.map(({ rule }) => rule)
    expect(new Set(rules).size).toBe(rules.length)
    expect(rules.filter((rule) => !/^(?:[A-Z]+-[A-Z]?\d+ )*[a-z].{20,}/.test(rule))).toEqual([])
  })

  it('that move the clock or bring a store need an app in this process', () => {
    const clocked = all.filter(({ run }) => /advanceSeconds/.test(String(run)))
    expect(clocked.length).toBeGreaterThan(5)
    expect(clocked.filter(({ needs }) => !needs?.includes('inProcess')).map(({ rule }) => rule)).toEqual([])
  })
})

describe('answerOfError', () => {
  const refused = Object.assign(new Error('no'), { name: 'FhirAuthError', code: 'login_required', status: 401 })

  it('finds the error of the adapter, wrapped by the framework or not', () => {
    const body = { handledBy: 'the app', name: 'FhirAuthError', code: 'login_required' }
    expect(answerOfError(refused)).toEqual({ status: 401, body })
    expect(answerOfError(new Error('wrapped', { cause: refused }))).toEqual({ status: 401, body })
  })

  it('is 500 for any other', () => {
    const answerOf = (error: unknown) => answerOfError(error).status
    expect([new TypeError('x'), 'text', undefined].map(answerOf)).toEqual([500, 500, 500])
  })
})

/** The plain app, but for what it answers at `/read`. */
function hostWith(atRead: (response: ServerResponse, setup: AppSetup) => void): AdapterHost {
  return {
    start: (setup) =>
      startNodeApp((origin) => {
        const app = plainApp(setup, origin)
        return (request, response) => {
          if (request.url?.startsWith('/read')) atRead(response, setup)
          else app(request, response)
        }
      }),
  }
}

/** The code stands for a token here: it is known from the requests of the sandbox. */
function newestToken(): string {
  return suite.sandbox.requestsTo('/token').at(-1)?.form.get('code') ?? ''
}

function percentEncoded(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join('')
}
