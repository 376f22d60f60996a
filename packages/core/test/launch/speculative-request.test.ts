import { describe, expect, it } from 'vitest'
import { isSpeculative } from '../../src/launch/speculative-request.ts'
import type { AdapterRequest } from '../../src/web/adapter-contract.ts'

const request = (headers: Record<string, string>): AdapterRequest => ({
  method: 'GET',
  url: '/callback',
  header: (name) => headers[name],
})

describe('a request that only fetches a page ahead', () => {
  it.each([
    { 'sec-purpose': 'prefetch' },
    { 'sec-purpose': 'prefetch;prerender' },
    { 'sec-purpose': 'prefetch;anonymous-client-ip' },
    { purpose: 'prefetch' },
    { 'x-purpose': 'preview' },
    { 'x-moz': 'prefetch' },
  ])('is known by its header: %j', (headers) => {
    expect(isSpeculative(request(headers))).toBe(true)
  })

  it.each([{}, { 'sec-purpose': '' }, { purpose: 'navigate' }, { 'sec-fetch-mode': 'navigate' }])(
    'is not any other: %j',
    (headers) => {
      expect(isSpeculative(request(headers))).toBe(false)
    },
  )
})
