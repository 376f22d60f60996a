import type { FhirContext } from '@fhir-auth/hono'
import { html } from 'hono/html'
import type { VitalSign } from './vitals.ts'

type Html = ReturnType<typeof html>

export function welcomePage(): Html {
  return page(
    'Patient portal',
    html`<p>See who you are to your clinic, and your latest vital signs.</p>
      <p><a class="button" href="/login">Log in with your clinic</a></p>`,
  )
}

/** Who is logged in, and what the portal may do; never the token itself. */
export function accountPage({ patient, fhirUser, scope, expiresAt }: FhirContext): Html {
  return page(
    'Who am I',
    html`<dl>
        <dt>Patient</dt><dd>${patient}</dd>
        <dt>Logged in as</dt><dd>${fhirUser ? `${fhirUser.type}/${fhirUser.id}` : 'unknown'}</dd>
        <dt>May read</dt><dd>${[...scope].filter((each) => each.startsWith('patient/')).join(', ')}</dd>
        <dt>Token until</dt><dd>${new Date(expiresAt).toISOString().slice(11, 19)} UTC, then it is renewed</dd>
      </dl>
      <form method="post" action="/logout">
        <a class="button" href="/vitals">Vital signs</a> <button class="button quiet">Log out</button>
      </form>`,
  )
}

export function vitalsPage(vitals: readonly VitalSign[]): Html {
  return page(
    'Vital signs',
    html`<table>
        <tr><th>Date</th><th>Measurement</th><th class="number">Value</th></tr>
        ${vitals.map(({ date, name, value }) => html`<tr><td>${date}</td><td>${name}</td><td class="number">${value}</td></tr>`)}
      </table>
      <p><a href="/account">Who am I</a></p>`,
  )
}

const STYLE = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; color: #1d2733; }
  h1 { font-size: 1.8rem; } a { color: #0b63ce; }
  form { margin-top: 1.5rem; } dl { display: grid; grid-template-columns: 8rem 1fr; gap: .25rem 1rem; } dt { color: #5b6b7b; } dd { margin: 0; }
  .button { display: inline-block; padding: .5rem 1rem; border: 1px solid #0b63ce; border-radius: .4rem; background: #0b63ce; color: #fff; font: inherit; text-decoration: none; cursor: pointer; }
  .quiet { background: none; color: #0b63ce; }
  table { width: 100%; border-collapse: collapse; } th { text-align: left; color: #5b6b7b; font-weight: normal; }
  th, td { padding: .35rem 0; border-bottom: 1px solid #e3e8ee; } .number { text-align: right; font-variant-numeric: tabular-nums; }
`

function page(title: string, body: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style></head>
<body><main><h1>${title}</h1>${body}</main></body>
</html>`
}
