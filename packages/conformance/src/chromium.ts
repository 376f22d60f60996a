import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const PLACES = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

export const chromiumPath: string | undefined = PLACES.find((path) => path && existsSync(path))

if (!chromiumPath) {
  const line = 'Skipped: no Chromium found. Install it, or set CHROMIUM to its path.'
  if (process.env.FHIR_AUTH_TEST_ALL) throw new Error(line)
  console.warn(line)
}

/** A browser that talks to this machine alone. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    ...(chromiumPath !== undefined && { executablePath: chromiumPath }),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  })
}
