import { expect } from 'vitest'
import type { AppAnswer } from '../visitor.ts'
import type { World } from '../world.ts'

/** Logs a new browser in up to the callback, changes the callback's URL, and opens it. */
export async function changedCallback(world: World, change: (query: URLSearchParams) => void): Promise<AppAnswer> {
  const browser = world.visitor()
  const url = await browser.logInUntilCallback()
  change(url.searchParams)
  return browser.ask(url.href)
}

export function expectRefused(answer: AppAnswer, status: number, code: string): void {
  expect([answer.status, answer.json().code]).toEqual([status, code])
}

export function expectNoExchange({ tokenRequests }: World): void {
  expect(tokenRequests('authorization_code').map(({ path }) => path)).toEqual([])
}
