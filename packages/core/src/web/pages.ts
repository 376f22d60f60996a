import type { LaunchClient } from '../client/client.ts'
import { escapeHtml, htmlPage } from './html-page.ts'

/** Asks a person at which server to log in, if the app has several. */
export function loginChoice(clients: readonly LaunchClient[], loginPath: string, returnTo: string): string {
  const items = clients.map(({ fhirBaseUrl }) => {
    const query = new URLSearchParams({ iss: fhirBaseUrl, returnTo })
    return `<li><a href="${escapeHtml(`${loginPath}?${query}`)}">${escapeHtml(new URL(fhirBaseUrl).host)}</a></li>`
  })
  return htmlPage('Log in at', `<ul>${items.join('')}</ul>`)
}

const SUBMIT_SCRIPT = 'document.forms[0].submit()'
/** The hash of the script above, for the page's Content-Security-Policy; a test checks it. */
const SUBMIT_SCRIPT_HASH = 'sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE='

/** An authorization request by POST (SMART App Launch 2.2, capability `authorize-post`). Without scripts, its button works. */
export function authorizationForm(endpoint: string, parameters: URLSearchParams): { html: string; scriptHash: string } {
  const fields = [...parameters].map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  )
  const form = `<form method="post" action="${escapeHtml(endpoint)}">${fields.join('')}<button>Continue</button></form>`
  return {
    html: htmlPage('Continue to log in', `${form}<script>${SUBMIT_SCRIPT}</script>`),
    scriptHash: SUBMIT_SCRIPT_HASH,
  }
}

/** Offers to open a launch in a new tab, because the frame has no cookies. */
export function newTabPage(launchUrl: string): string {
  return htmlPage(
    'Open the app',
    `<p>Your browser blocks the cookies of this app inside another site's page.</p><p><a href="${escapeHtml(launchUrl)}" target="_blank" rel="noopener">Open the app in a new tab</a></p>`,
  )
}
