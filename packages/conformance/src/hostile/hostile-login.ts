import type { AppAnswer, Visitor } from '../visitor.ts'

/** Logs in at the hostile server, which shows no pages. The case has changed the server's response before. */
export async function logInAtHostile(browser: Visitor, path = '/login'): Promise<AppAnswer> {
  const { state } = await beginAtHostile(browser, path)
  return browser.ask(`/callback?${new URLSearchParams({ code: crypto.randomUUID(), state })}`)
}

export async function beginAtHostile(browser: Visitor, path = '/login'): Promise<{ state: string; nonce: string }> {
  const { searchParams } = (await browser.open(path)).location
  return { state: searchParams.get('state') ?? '', nonce: searchParams.get('nonce') ?? '' }
}
