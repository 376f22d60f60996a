/** Inline, so that a page needs no second file. A test checks the hash, which the Content-Security-Policy needs. */
const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto 4rem;padding:0 1.25rem;color:#1b1f24;background:#fff}h1{font-size:1.6rem;line-height:1.25;margin:.25rem 0 1rem}a{color:#0a58ca}a:focus-visible,button:focus-visible{outline:3px solid;outline-offset:3px}.app{margin:0;color:#57606a}.ways{list-style:none;margin:1.5rem 0;padding:0}.ways li{margin:.5rem 0}button,.ways li:first-child a{display:inline-block;font:inherit;padding:.6rem 1.2rem;border:0;border-radius:.4rem;background:#0a58ca;color:#fff;text-decoration:none}.help{margin-top:2.5rem;font-size:.9rem;color:#57606a}code{font-size:1.05em;white-space:nowrap}@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}a{color:#79b8ff}.app,.help{color:#9da7b1}button,.ways li:first-child a{background:#1f6feb;color:#fff}}'
export const STYLE_HASH = 'sha256-1K26wX3u/BN3vZrJAWhVLFHBBDdVPOPGwZwuYAjnpJY='

interface PageFrame {
  /** Default `en`. */
  readonly language?: string | undefined
  /** Above the heading. */
  readonly appName?: string | undefined
}

/** @param body - HTML; every value in it must be escaped with {@link escapeHtml} */
export function htmlPage(title: string, body: string, { language = 'en', appName }: PageFrame = {}): string {
  const before = appName === undefined ? '' : `<p class="app">${escapeHtml(appName)}</p>`
  return `<!doctype html><html lang="${escapeHtml(language)}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body><main>${before}<h1>${escapeHtml(title)}</h1>${body}</main></body></html>`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
