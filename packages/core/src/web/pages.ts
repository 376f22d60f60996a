import type { LaunchClient } from '../client/client.ts'
import { escapeHtml, htmlPage } from './html-page.ts'
import type { PageOptions } from './problem-page.ts'
import { ENGLISH_TEXTS, type VisitorTexts } from './visitor-texts.ts'

function textsOf({ texts }: PageOptions): VisitorTexts {
  return { ...ENGLISH_TEXTS, ...texts }
}

/** Asks a person at which server to log in, if the app has several. */
export function loginChoice(
  clients: readonly LaunchClient[],
  { loginPath, returnTo }: { loginPath: string; returnTo: string },
  pages: PageOptions = {},
): string {
  const items = clients.map(({ fhirBaseUrl }) => {
    const query = new URLSearchParams({ iss: fhirBaseUrl, returnTo })
    return `<li><a href="${escapeHtml(`${loginPath}?${query}`)}">${escapeHtml(new URL(fhirBaseUrl).host)}</a></li>`
  })
  return htmlPage(textsOf(pages).logInAt, `<ul>${items.join('')}</ul>`, pages)
}

const SUBMIT_SCRIPT = 'document.forms[0].submit()'
/** The hash of the script above, for the page's Content-Security-Policy; a test checks it. */
const SUBMIT_SCRIPT_HASH = 'sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE='

/** An authorization request by POST (SMART App Launch 2.2, capability `authorize-post`). Without scripts, its button works. */
export function authorizationForm(
  endpoint: string,
  parameters: URLSearchParams,
  pages: PageOptions = {},
): { html: string; scriptHash: string } {
  const texts = textsOf(pages)
  const fields = [...parameters].map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  )
  const form = `<form method="post" action="${escapeHtml(endpoint)}">${fields.join('')}<button>${escapeHtml(texts.continue)}</button></form>`
  return {
    html: htmlPage(texts.continueToLogIn, `${form}<script>${SUBMIT_SCRIPT}</script>`, pages),
    scriptHash: SUBMIT_SCRIPT_HASH,
  }
}

/** Offers to open a launch in a new tab, because the frame has no cookies. */
export function newTabPage(launchUrl: string, pages: PageOptions): string {
  const { openApp, openInNewTab } = textsOf(pages)
  return htmlPage(
    openApp.title,
    `<p>${escapeHtml(openApp.text)}</p><ul class="ways"><li><a href="${escapeHtml(launchUrl)}" target="_blank" rel="noopener">${escapeHtml(openInNewTab)}</a></li></ul>`,
    pages,
  )
}
