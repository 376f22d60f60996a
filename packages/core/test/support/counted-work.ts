import { promiseHooks } from 'node:v8'
import { vi } from 'vitest'

/** What some synchronous work made and called, beside its result. */
export interface CountedWork<Result> {
  readonly result: Result
  readonly promises: number
  readonly cryptoCalls: number
  /** Objects of the platform that are dear to make: Headers, Request, Response, URL, URLSearchParams. */
  readonly webObjects: number
}

const CRYPTO = ['encrypt', 'decrypt', 'sign', 'verify', 'digest', 'importKey', 'deriveBits'] as const
const WEB_OBJECTS = ['Headers', 'Request', 'Response', 'URL', 'URLSearchParams'] as const

/** Counts what work makes until it returns; what a promise of its does later is not counted. */
export function countWork<Result>(work: () => Result): CountedWork<Result> {
  const calls = CRYPTO.map((name) => vi.spyOn(crypto.subtle, name))
  const random = vi.spyOn(crypto, 'getRandomValues')
  let webObjects = 0
  for (const name of WEB_OBJECTS) {
    const Real = globalThis[name] as new (...parameters: never[]) => object
    vi.stubGlobal(
      name,
      class extends Real {
        constructor(...parameters: never[]) {
          super(...parameters)
          webObjects++
        }
      },
    )
  }
  let promises = 0
  const stop = promiseHooks.onInit(() => {
    promises++
  })
  try {
    const result = work()
    stop()
    const cryptoCalls = [...calls, random].reduce((sum, { mock }) => sum + mock.calls.length, 0)
    return { result, promises, cryptoCalls, webObjects }
  } finally {
    stop()
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
  }
}
