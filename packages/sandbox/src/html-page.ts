import type { Answer } from './answer.ts'

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? '')

const style = `
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1f; background: #fff }
h1 { font-size: 1.4rem } fieldset { border: 1px solid #888; border-radius: 6px; margin: 0 0 1rem; padding: .5rem 1rem }
label { display: block; padding: .2rem 0 } code { font-size: .9em; overflow-wrap: anywhere }
input:not([type=radio]):not([type=checkbox]), select { font: inherit; width: 100%; box-sizing: border-box; padding: .3rem }
button { font: inherit; padding: .4rem 1.2rem; margin-right: .5rem; cursor: pointer }
iframe { width: 100%; height: 70vh; border: 1px solid #888 }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #1b1b1f } a { color: #9cf } }
`

/** @param content HTML, escaped already */
export const renderPage = (title: string, content: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="fhir-auth-sandbox">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${content}
</main>
</body>
</html>
`

export const pageAnswer = (status: number, title: string, content: string): Answer => ({
  status,
  headers: {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
  },
  body: renderPage(title, content),
})
