import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium } from 'playwright-core'

export type { BrowserContext, Page } from 'playwright-core'

const PLACES = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

export const chromiumPath: string | undefined = PLACES.find((path) => path && existsSync(path))

if (!chromiumPath) {
  const line = 'Skipped: no Chromium found. Install it, or set CHROMIUM to its path.'
  if (process.env.FHIR_AUTH_TEST_ALL) throw new Error(line)
  console.warn(line)
}

const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking']

/** A browser that can reach only this machine. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({ ...(chromiumPath !== undefined && { executablePath: chromiumPath }), args: ARGS })
}

/**
 * A browser with these user settings, in the form of Chromium's `Preferences` file. It accepts any certificate, because there
 * is no trusted one for this machine.
 */
export async function launchChromiumProfile(preferences: object): Promise<BrowserContext> {
  const folder = await mkdtemp(join(tmpdir(), 'chromium-profile-'))
  await mkdir(join(folder, 'Default'))
  await writeFile(join(folder, 'Default', 'Preferences'), JSON.stringify(preferences))
  const context = await chromium.launchPersistentContext(folder, {
    ...(chromiumPath !== undefined && { executablePath: chromiumPath }),
    args: ARGS,
    ignoreHTTPSErrors: true,
  })
  context.once('close', () => rm(folder, { recursive: true, force: true, maxRetries: 5 }).catch(() => {}))
  return context
}
