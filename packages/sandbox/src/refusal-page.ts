import type { ClientRegistry } from './client-registry.ts'
import { escapeHtml, renderPage } from './html-page.ts'

type Parameters = Readonly<Record<string, unknown>>

/**
 * The page for a refusal that cannot be sent back to the app. It tells the app's developer the reason.
 *
 * @param error - members of the OAuth error
 * @param params - of the authorization request
 */
export function refusalPage(clients: ClientRegistry, error: object, params: Parameters): string {
  const rows = Object.entries(error).map(
    ([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(String(value))}</dd>`,
  )
  return renderPage('The request was refused', `<dl>${rows.join('')}</dl>${registered(clients, params)}`)
}

/** What the request should contain, if that is known. */
function registered(clients: ClientRegistry, { client_id, redirect_uri }: Parameters): string {
  if (typeof client_id !== 'string') return ''
  const client = clients.find(client_id)
  if (!client)
    return `<p>No client ${code(client_id)} is registered here.</p>${list('Registered clients', clients.ids())}`
  const { redirectUris = [] } = client
  if (typeof redirect_uri !== 'string' || redirectUris.includes(redirect_uri)) return ''
  const sent = `<p>The app sent ${code(redirect_uri)}. A redirect URI is compared letter by letter.</p>`
  if (redirectUris.length > 0) return sent + list(`Registered for ${client_id}`, redirectUris)
  return `${sent}<p>${code(client_id)} has no redirect URI: register one with <code>redirectUris</code>, or <code>--redirect-uri</code> on the command line.</p>`
}

const code = (text: string): string => `<code>${escapeHtml(text)}</code>`

const list = (title: string, entries: readonly string[]): string =>
  `<h2>${escapeHtml(title)}</h2>
<ul>${entries.length > 0 ? entries.map((entry) => `<li>${code(entry)}</li>`).join('') : '<li>none</li>'}</ul>`
