/** So that a page is readable without a file of its own; the hash, for its Content-Security-Policy, is held by a test. */
const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem}h1{font-size:1.5rem}a{color:#0b63ce}button{font:inherit;padding:.5rem 1rem}footer{margin-top:2rem;font-size:.8rem;opacity:.7}@media(prefers-color-scheme:dark){a{color:#8ab8f5}}'
export const STYLE_HASH = 'sha256-inuS8lyLN1gKf1IpZ6tNjUscgwNTSszHgrt0My2UXzQ='

/** @param body - HTML: every value in it must have gone through {@link escapeHtml} */
export function htmlPage(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body><main><h1>${escapeHtml(title)}</h1>${body}</main></body></html>`
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
