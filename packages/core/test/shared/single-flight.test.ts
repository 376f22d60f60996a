import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { SingleFlight } from '../../src/shared/single-flight.ts'

afterEach(() => vi.unstubAllGlobals())

describe('a single flight', () => {
  it('does the work once for all who ask while it is under way, and again afterwards', async () => {
    const flights = new SingleFlight<number>()
    let runs = 0
    const work = async () => ++runs
    const [first, second] = [flights.run('a', work), flights.run('a', work)]
    expect(second).toBe(first)
    expect(await first).toBe(1)
    expect(await flights.run('a', work)).toBe(2)
  })

  it('keeps keys apart', async () => {
    const flights = new SingleFlight<string>()
    expect(await Promise.all(['a', 'b'].map((key) => flights.run(key, async () => key)))).toEqual(['a', 'b'])
  })

  it('forgets work that failed', async () => {
    const flights = new SingleFlight<number>()
    await expect(flights.run('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(flights.get('a')).toBeUndefined()
    expect(await flights.run('a', async () => 2)).toBe(2)
  })

  it('on Cloudflare Workers replaces a promise that is stranded in a request that has ended', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const flights = new SingleFlight<number>()
    const stranded = flights.run('a', () => new Promise<number>(() => {}))
    expect(flights.run('a', async () => 2)).toBe(stranded)
    vi.advanceTimersByTime(30_001)
    expect(await flights.run('a', async () => 2)).toBe(2)
  })
})
