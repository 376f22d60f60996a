import { describe, expect, it } from 'vitest'
import { withTimeLimit } from '../../src/shared/time-limit.ts'

const late = () => new Error('too late')

describe('a call with a time limit', () => {
  it('gives the answer that comes in time', async () => {
    expect(await withTimeLimit(async () => 1, 10, late)).toBe(1)
  })

  it('fails for a call that never answers', async () => {
    await expect(withTimeLimit(() => new Promise(() => {}), 0.01, late)).rejects.toThrow('too late')
  })

  it('may be longer than a timer can count', async () => {
    const soon = () => new Promise<number>((resolve) => setTimeout(() => resolve(1), 20))
    expect(await withTimeLimit(soon, 1e9, late)).toBe(1)
  })

  it('passes on what the call throws, at once or later', async () => {
    await expect(withTimeLimit(() => Promise.reject(new Error('no')), 10, late)).rejects.toThrow('no')
    const throws = (): Promise<never> => {
      throw new Error('at once')
    }
    await expect(withTimeLimit(throws, 10, late)).rejects.toThrow('at once')
  })
})
