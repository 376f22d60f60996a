import type { Answer } from './answer.ts'

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? '')

// One design for every page of the sandbox; the inspector's colours are the same.
const style = `
:root { color-scheme: light dark; --text: #1b1f24; --soft: #57606a; --ground: #fff; --card: #f6f8fa; --line: #d0d7de; --accent: #0b5cad; --on-accent: #fff }
@media (prefers-color-scheme: dark) {
  :root { --text: #e8eaed; --soft: #a9b1bb; --ground: #16181c; --card: #1f2329; --line: #3a414a; --accent: #8cc4ff; --on-accent: #0d1a2b }
}
* { box-sizing: border-box }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 0 auto; padding: 1.5rem 1rem; color: var(--text); background: var(--ground) }
h1 { font-size: 1.5rem; margin: 0 0 1rem } h2 { font-size: 1.1rem } a { color: var(--accent) }
small, code, dt { color: var(--soft) } code { font-size: .85em; overflow-wrap: anywhere }
fieldset { border: 1px solid var(--line); border-radius: 8px; background: var(--card); margin: 0 0 1rem; padding: .5rem 1rem }
legend { font-weight: 600; padding: 0 .4rem }
.choice { display: grid; grid-template-columns: auto 1fr; gap: .6rem; align-items: baseline; padding: .35rem 0 }
input[type=radio], input[type=checkbox] { accent-color: var(--accent) }
input:not([type=radio]):not([type=checkbox]), select { font: inherit; width: 100%; padding: .45rem .6rem; color: var(--text); background: var(--ground); border: 1px solid var(--line); border-radius: 6px }
.buttons { display: flex; flex-wrap: wrap; gap: .6rem }
button { font: inherit; padding: .5rem 1.3rem; color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent); border-radius: 6px; cursor: pointer }
button.quiet { color: var(--accent); background: transparent }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
[role=alert] { border-left: 4px solid var(--accent); padding-left: .8rem }
hr { border: 0; border-top: 1px solid var(--line); margin: 1.5rem 0 }
iframe { width: 100%; height: 70vh; border: 1px solid var(--line); border-radius: 8px; background: #fff }
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
