import type { Chart } from './fhir.ts'
import { type Html, html } from './html.ts'
import { vitalsChart } from './vitals-chart.ts'

export function welcomePage(): string {
  return page(
    'Patient portal',
    html`<p>See your record: who you are to your clinic, your conditions and your vital signs.</p>
      <p><a class="button" href="/login?returnTo=/chart">Log in with your clinic</a></p>`,
  )
}

export function chartPage({ patient, conditions, vitals }: Chart): string {
  const [name] = patient.name ?? []
  const fullName = name?.text ?? [...(name?.given ?? []), name?.family].join(' ')
  const last = vitals.at(-1)
  return page(
    fullName,
    html`<dl>
        <dt>Born</dt><dd>${patient.birthDate}</dd>
        <dt>Gender</dt><dd>${patient.gender}</dd>
        <dt>Record</dt><dd>${patient.id}</dd>
      </dl>
      <h2>Conditions</h2>
      <ul>${conditions.map(({ code }) => html`<li>${code?.text ?? code?.coding?.[0]?.display}</li>`)}</ul>
      <h2>Vital signs</h2>
      <p>Last on ${last?.date}: ${last?.systolic}/${last?.diastolic} mmHg, pulse ${last?.heartRate} per minute.</p>
      ${vitalsChart(vitals)}
      <form method="post" action="/logout"><button class="button">Log out</button></form>`,
  )
}

const STYLE = `
  :root {
    color-scheme: light dark; --text: #1d2733; --soft: #52616f; --ground: #fff; --accent: #0b5cbf; --on-accent: #fff; --grid: #d9e0e7;
    --systolic: #0b5cbf; --diastolic: #6d28d9; --pulse: #b23a08;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --text: #e6ebf0; --soft: #a7b3bf; --ground: #14191f; --accent: #8cc0ff; --on-accent: #0d1a2b; --grid: #36414d;
      --systolic: #8cc0ff; --diastolic: #cbb2ff; --pulse: #ffab85;
    }
  }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; color: var(--text); background: var(--ground); }
  h1 { font-size: 1.8rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
  dl { display: grid; grid-template-columns: 6rem 1fr; gap: .25rem 1rem; } dt { color: var(--soft); } dd { margin: 0; }
  .button { display: inline-block; padding: .5rem 1rem; border: 0; border-radius: .4rem; background: var(--accent); color: var(--on-accent); font: inherit; text-decoration: none; cursor: pointer; }
  .button:focus-visible { outline: 3px solid var(--text); outline-offset: 2px; }
  svg { display: block; width: 100%; max-width: 34rem; height: auto; margin-bottom: 1.5rem; } svg text { font-size: 12px; fill: var(--soft); }
`

function page(title: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style></head>
<body><main><h1>${title}</h1>${body}</main></body>
</html>`.text
}
