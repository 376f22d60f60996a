import { defineConfig } from '@playwright/test'

// The Chromium that is installed, so that Playwright downloads none.
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

export default defineConfig({ use: { launchOptions: { executablePath, args: ['--no-sandbox'] } }, reporter: 'line' })
