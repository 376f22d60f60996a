import type { ExportManifest } from './bulk-export.ts'
import type { ExportJob } from './export-jobs.ts'
import { type Html, html } from './html.ts'

export function startPage(group: string, jobs: readonly ExportJob[]): string {
  const rows = jobs.map(
    ({ id, startedAt, state }) => html`<tr>
      <td><a href="/exports/${id}">${timeOf(startedAt)}</a></td><td>${state.kind}</td></tr>`,
  )
  return page(
    'Cohort export',
    html`<p>Exports every patient of the group <strong>${group}</strong>, with all that belongs to them. The app signs
        for itself: nobody logs in.</p>
      <form method="post" action="/exports"><button class="button">Start an export</button></form>
      ${rows.length === 0 ? undefined : html`<h2>Exports</h2><table><tr><th>Started</th><th>State</th></tr>${rows}</table>`}`,
  )
}

export function jobPage(group: string, job: ExportJob): string {
  // Without scripts the page reloads by itself until the export has ended.
  const refresh = job.state.kind === 'running' && html`<noscript><meta http-equiv="refresh" content="2"></noscript>`
  return page(
    `Export of ${group}`,
    html`<p class="note">Started at ${timeOf(job.startedAt)}.</p>
      <section id="status" aria-live="polite" data-events="/exports/${job.id}/events">${jobStatus(job)}</section>
      <p><a href="/">All exports</a></p>`,
    html`${refresh || undefined}<script type="module" src="/progress.js"></script>`,
  )
}

/** The part of an export's page that changes. Each event sends it as HTML, so that there is only one template. */
export function jobStatus({ id, state }: ExportJob): Html {
  switch (state.kind) {
    case 'running': {
      const { percent, message } = state.progress ?? {}
      const value = percent === undefined ? undefined : html`value="${percent}"`
      return html`<p><label for="progress">The server is at work. ${message}</label></p>
        <progress id="progress" max="100" ${value}></progress>
        <form method="post" action="/exports/${id}/cancel"><button class="button quiet">Cancel</button></form>`
    }
    case 'complete':
      return fileTable(id, state.manifest)
    case 'failed':
      return html`<p role="alert">The export failed. ${state.reason}</p>`
    case 'cancelled':
      return html`<p>The export was cancelled.</p>`
  }
}

function fileTable(id: string, { output, transactionTime }: ExportManifest): Html {
  const total = output.reduce((sum, { count = 0 }) => sum + count, 0)
  const rows = output.map(
    ({ type, count }, index) => html`<tr>
      <td>${type}</td><td class="number">${count}</td><td><a href="/exports/${id}/files/${index}">Download</a></td></tr>`,
  )
  return html`<p>Complete, as of ${timeOf(new Date(transactionTime))}.</p>
    <table>
      <tr><th>File</th><th class="number">Resources</th><th></th></tr>
      ${rows}
      <tr class="total"><td>${output.length} files</td><td class="number">${total}</td><td></td></tr>
    </table>`
}

function timeOf(date: Date): Html {
  const text = date.toISOString()
  return html`<time datetime="${text}">${text.slice(0, 19).replace('T', ' ')} UTC</time>`
}

/** Replaces the content with each event. If the connection is lost, the browser reconnects by itself. */
export const progressScript = `const status = document.getElementById('status')
const events = new EventSource(status.dataset.events)
events.addEventListener('message', ({ data }) => { status.innerHTML = data })
events.addEventListener('end', () => events.close())
`

const STYLE = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; color: #1d2733; }
  h1 { font-size: 1.8rem; } h2 { font-size: 1.2rem; margin-top: 2rem; } a { color: #0b63ce; } .note { color: #5b6b7b; }
  .button { padding: .5rem 1rem; border: 1px solid #0b63ce; border-radius: .4rem; background: #0b63ce; color: #fff; font: inherit; cursor: pointer; }
  .quiet { background: none; color: #0b63ce; }
  progress { width: 100%; height: .75rem; margin-bottom: 1rem; accent-color: #0b63ce; }
  table { width: 100%; border-collapse: collapse; margin: 1rem 0; } th { text-align: left; color: #5b6b7b; font-weight: normal; }
  th, td { padding: .35rem 0; border-bottom: 1px solid #e3e8ee; } .number { text-align: right; padding-right: 2rem; font-variant-numeric: tabular-nums; }
  .total td { border: 0; font-weight: 600; } [role=alert] { color: #b42318; }
`

function page(title: string, body: Html, head?: Html): string {
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style>${head}</head>
<body><main><h1>${title}</h1>${body}</main></body>
</html>`.text
}
