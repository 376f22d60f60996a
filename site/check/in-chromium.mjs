import { existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { extname, join } from 'node:path'
import { chromium } from 'playwright-core'
import { root } from '../collect/repository.mjs'

// Opens one page of each kind of the built site in Chromium, on a phone and on a desktop, light and dark: axe finds nothing,
// nothing is wider than the screen, no script fails, nothing is fetched from elsewhere, and the search finds.
//
//   node check/in-chromium.mjs [FOLDER]   also writes a picture of each into FOLDER

const KINDS = [
  '/',
  '/quickstart/express',
  '/flows',
  '/intelichart',
  '/errors/',
  '/errors/state_mismatch',
  '/troubleshooting',
  '/performance',
  '/api/',
  '/api/core/',
  '/api/core/interfaces/FhirContext',
  '/a-wrong-address',
]
const SCREENS = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } }
const SEARCHES = { state_mismatch: '/errors/state_mismatch', storeTimeoutSeconds: 'storetimeoutseconds' }

const dist = join(root, 'site/.vitepress/dist')
const [pictures] = process.argv.slice(2)
/** @type {string[]} */
const faults = []

const server = createServer(serve)
await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
const address = server.address()
const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`
const places = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const executablePath = places.find((path) => path && existsSync(path))
if (executablePath === undefined) throw new Error('No Chromium found. Install it, or set CHROMIUM to its path.')
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
try {
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    const page = await browser.newPage({ colorScheme })
    page.on('pageerror', (error) => faults.push(`${page.url()}: ${error.message}`))
    page.on('request', (request) => {
      if (!request.url().startsWith(origin)) faults.push(`${page.url()} fetches ${request.url()}`)
    })
    for (const path of KINDS) {
      await page.goto(origin + path, { waitUntil: 'networkidle' })
      // Halfway through a transition, colours are not those that a reader sees.
      await page.addStyleTag({ content: '* { transition: none !important }' })
      for (const screen of Object.keys(SCREENS)) await look(page, path, /** @type {'phone' | 'desktop'} */ (screen))
      console.log(`${path}, ${colorScheme}`)
    }
    if (colorScheme === 'light') await search(page)
    await page.close()
  }
} finally {
  await browser.close()
  server.close()
}
for (const fault of faults) console.error(fault)
console.log(`${KINDS.length} kinds of pages, ${faults.length} faults`)
process.exitCode = faults.length === 0 ? 0 : 1

/** @type {(page: import('playwright-core').Page, path: string, screen: keyof typeof SCREENS) => Promise<void>} */
async function look(page, path, screen) {
  await page.setViewportSize(SCREENS[screen])
  const scheme = await page.evaluate(() => (document.documentElement.classList.contains('dark') ? 'dark' : 'light'))
  const place = `${path} on a ${screen}, ${scheme}`
  if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth))
    faults.push(`${place}: wider than the screen`)
  await page.addScriptTag({ path: createRequire(import.meta.url).resolve('axe-core/axe.min.js') })
  const { violations } = await page.evaluate(() => /** @type {any} */ (globalThis).axe.run())
  for (const { id, nodes } of violations) faults.push(`${place}: ${id} at ${nodes[0].target.join(' ')}`)
  if (pictures) {
    const name = `${place.replace(/\W+/g, '-')}.png`
    await page.screenshot({ path: join(pictures, name), fullPage: true })
  }
}

/** @param {import('playwright-core').Page} page */
async function search(page) {
  for (const [words, place] of Object.entries(SEARCHES)) {
    await page.goto(origin, { waitUntil: 'networkidle' })
    await page.locator('.DocSearch-Button').click()
    await page.locator('#localsearch-input').fill(words)
    const first = page.locator('.results .result').first()
    await first.waitFor()
    const target = (await first.getAttribute('href')) ?? ''
    if (!target.includes(place)) faults.push(`The search for ${words} begins with ${target}.`)
  }
}

/** @type {import('node:http').RequestListener} */
function serve(request, response) {
  const { pathname } = new URL(request.url ?? '/', 'http://site')
  const files = ['', '.html', '/index.html'].map((ending) => join(dist, decodeURIComponent(pathname) + ending))
  const file = files.find((file) => file.startsWith(dist) && existsSync(file) && statSync(file).isFile())
  const type = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml' }
  const found = file ?? join(dist, '404.html')
  const contentType = Object.entries(type).find(([ending]) => ending === extname(found))?.[1] ?? 'text/plain'
  response.writeHead(file === undefined ? 404 : 200, { 'content-type': `${contentType}; charset=utf-8` })
  response.end(readFileSync(found))
}
