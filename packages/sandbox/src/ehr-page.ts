import type { Answer } from './answer.ts'
import { patients } from './fhir/patients.ts'
import { escapeHtml, pageAnswer } from './html-page.ts'
import { defaultPractitioner } from './launch-context.ts'
import type { RecordedRequest } from './request-record.ts'
import type { EhrLaunch } from './sandbox-options.ts'

/** The page of an EHR from which a developer opens an app for a patient, inside the page or in a new tab. */
export function createEhrPage(ehrLaunch: (launch: EhrLaunch) => string): (request: RecordedRequest) => Answer {
  return ({ method, form, query }) => {
    const launchUrl = form.get('launch_url') ?? query.get('launch_url') ?? ''
    const [patient, encounter] = (form.get('context') ?? '').split(' ')
    if (method !== 'POST' || !patient) return pageAnswer(200, 'EHR', launchForm(launchUrl))
    if (!URL.canParse(launchUrl) || !/^https?:/.test(launchUrl)) {
      return pageAnswer(
        400,
        'EHR',
        `<p role="alert">The launch URL must start with http:// or https://.</p>${launchForm(launchUrl)}`,
      )
    }
    const intent = form.get('intent') || undefined
    const target = escapeHtml(ehrLaunch({ launchUrl, patient, encounter: encounter || undefined, intent }))
    const name = escapeHtml(patients.find(({ id }) => id === patient)?.name ?? patient)
    const app =
      form.get('where') === 'tab'
        ? `<p><a href="${target}" target="_blank" rel="noopener">Open the app for ${name} in a new tab</a>. The link works once.</p>`
        : `<iframe title="The app, opened for ${name}" src="${target}"></iframe>`
    return pageAnswer(
      200,
      `EHR: ${patients.find(({ id }) => id === patient)?.name ?? patient}`,
      `${app}<hr>${launchForm(launchUrl)}`,
    )
  }
}

function launchForm(launchUrl: string): string {
  const contexts = patients.flatMap(({ id, name, encounters }) => [
    `<option value="${escapeHtml(id)}">${escapeHtml(name)}</option>`,
    ...encounters.map(
      (encounter) =>
        `<option value="${escapeHtml(`${id} ${encounter}`)}">${escapeHtml(name)}, encounter ${escapeHtml(encounter)}</option>`,
    ),
  ])
  return `<form method="post" action="/ehr">
<p><label for="launch_url">Launch URL of the app</label>
<input id="launch_url" name="launch_url" type="url" required placeholder="http://localhost:3000/launch" value="${escapeHtml(launchUrl)}"></p>
<p><label for="context">Patient, and encounter if one is open</label>
<select id="context" name="context">${contexts.join('\n')}</select></p>
<p><label for="intent">Intent (optional)</label><input id="intent" name="intent"></p>
<fieldset><legend>Where to open it</legend>
<label><input type="radio" name="where" value="frame" checked> Inside this page</label>
<label><input type="radio" name="where" value="tab"> In a new tab</label>
</fieldset>
<button type="submit">Open the app</button>
</form>
<p>Signed in: <code>${escapeHtml(defaultPractitioner)}</code></p>`
}
